// Counts down to the moments that a page names: whole minutes, in words that the page brings.
// The page itself says when; this changes the words in place, once a minute at most.
for (const element of document.querySelectorAll("[data-countdown]")) {
  const end = Number(element.dataset.countdown) * 1000;
  const show = () => {
    const minutes = Math.ceil((end - Date.now()) / 60_000);
    let words = element.dataset.over;
    if (minutes === 1) words = element.dataset.one;
    if (minutes > 1) words = element.dataset.many.replace("{n}", minutes);
    if (element.textContent !== words) element.textContent = words;
    if (minutes > 0) setTimeout(show, Math.min(60_000, end - Date.now() - (minutes - 1) * 60_000 + 50));
  };
  show();
}
