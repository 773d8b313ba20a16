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

// What somebody is typing in such a part is carried into what comes instead. Where its form is not
// there any more the part stays as it is, and its .moved says so.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, serverResponse } = event.detail;
  if (!target.matches("[data-live]")) return;
  const page = new DOMParser().parseFromString(serverResponse, "text/html");
  for (const field of target.querySelectorAll("form[id] :is(input, textarea, select)")) {
    const kind = field.matches("[type=radio], [type=checkbox]") ? "choice" : field.type;
    if (!field.name || kind === "hidden" || !(kind === "choice" ? field.checked : field.value)) continue;
    const same = [...page.querySelectorAll(`#${field.form.id} [name]`)].filter((one) => one.name === field.name);
    const [text] = same;
    if (kind === "choice") {
      same.find((one) => one.value === field.value)?.toggleAttribute("checked", true);
    } else if (!text) {
      event.detail.shouldSwap = false;
      for (const moved of target.querySelectorAll(".moved")) moved.hidden = false;
      return;
    } else if (text.matches("textarea")) {
      text.textContent = field.value;
    } else if (text.matches("select")) {
      for (const one of text.options) one.toggleAttribute("selected", one.value === field.value);
    } else {
      text.setAttribute("value", field.value);
    }
  }
  event.detail.serverResponse = page.documentElement.outerHTML;
});

// What is shown to be copied is copied by a button, where scripts run.
for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).value);
    const said = document.createElement("div"); // as text alone it would be hidden
    said.className = "notice good";
    said.textContent = button.dataset.done;
    document.getElementById("said").replaceChildren(said);
  });
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
