// Asks the server whether to go on waiting, and sends the form on once it need not. Without
// script its button does the same.
const form = document.querySelector("form[data-url]");
const on = form?.querySelector("[name=answered], [name=added]");
const every = 1000; // milliseconds

async function look() {
  try {
    const answer = await fetch(form.dataset.url, { cache: "no-store" });
    if (answer.ok && !(await answer.json()).waiting) {
      form.requestSubmit(on);
      return;
    }
  } catch {
    // no network for a moment
  }
  setTimeout(look, every);
}
if (form) {
  setTimeout(look, every);
}
