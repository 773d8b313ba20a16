// What every page of the console does beyond links and forms. All of it is an extra: pages work
// without it.

// "/" goes to the search, unless something is being typed.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
  const find = document.getElementById("find");
  if (!find) return;
  event.preventDefault();
  find.focus();
});

// A part of a page with data-live follows a stream of the server that says when it has changed;
// the part then loads itself anew, by its hx-get. The stream ends with the page.
for (const part of document.querySelectorAll("[data-live]")) {
  const stream = new EventSource(part.dataset.live);
  stream.addEventListener("changed", () => window.htmx?.trigger(`#${part.id}`, "changed"));
  stream.addEventListener("over", () => stream.close());
  addEventListener("pagehide", () => stream.close());
}

// A form is sent once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
