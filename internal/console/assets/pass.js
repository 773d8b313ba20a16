// The page that shows a pass once: it covers the pass when one looks elsewhere, forgets it after a
// minute, copies and prints it. Without script the pass stays until the page is left.
const secret = document.getElementById("secret");
if (secret) {
  // A reload or the back button must not ask for what is gone.
  history.replaceState(null, "", location.pathname);
  const find = (id) => document.getElementById(id);
  const covered = find("covered"), left = find("left"), letters = find("letters");
  let text = letters.dataset.pass;
  delete letters.dataset.pass;
  let seconds = Number(secret.dataset.seconds);
  let printing = false;
  find("tools").hidden = false;

  const cover = () => {
    if (printing || secret.hidden || text === null) return;
    secret.hidden = true;
    covered.hidden = false;
  };
  const forget = () => {
    if (text === null) return;
    text = null;
    secret.remove();
    covered.hidden = false;
    find("again").remove();
    find("covered-again").remove();
    find("covered-gone").hidden = false;
    clearInterval(clock);
  };
  const tell = () => { left.textContent = secret.dataset.more.replace("#", String(seconds)); };
  const clock = setInterval(() => {
    seconds -= 1;
    if (seconds <= 0) forget();
    else tell();
  }, 1000);
  tell();

  addEventListener("blur", cover);
  document.addEventListener("visibilitychange", () => { if (document.hidden) cover(); });
  addEventListener("pagehide", forget);
  addEventListener("beforeprint", () => { printing = true; });
  addEventListener("afterprint", () => { printing = false; });
  find("hide").addEventListener("click", forget);
  find("again").addEventListener("click", () => {
    covered.hidden = true;
    secret.hidden = false;
    find("hide").focus();
  });
  find("longer").addEventListener("click", () => { seconds += 60; tell(); });
  find("print")?.addEventListener("click", () => { printing = true; print(); });
  find("copy")?.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    const said = document.createElement("div"); // as text alone it would be hidden
    said.className = "notice good";
    said.textContent = find("copy").dataset.done;
    find("said").replaceChildren(said);
  });
}
