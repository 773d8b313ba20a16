// Looks every few seconds whether the case still stands as this page says, and shows the page anew once it does not. What
// somebody is typing is left alone.
const shown = document.querySelector("[data-stands]")?.dataset.stands;
const every = 5000; // milliseconds
const typing = () => [...document.querySelectorAll("input.input")].some((field) => field.value);

async function look() {
  try {
    if (!document.hidden && !typing()) {
      const answer = await fetch("/recover/case/stands", { cache: "no-store" });
      if (answer.ok && (await answer.json()).stands !== shown && !typing()) {
        location.replace("/recover/case");
        return;
      }
    }
  } catch {
    // no network for a moment
  }
  setTimeout(look, every);
}
if (shown) {
  setTimeout(look, every);
}
