// Moves the code of the link, which stands where no server sees it, into the form, and out of the
// address, so that it stays in no history.
const code = location.hash.slice(1);
if (code) {
  document.querySelector("#code").value = code;
  history.replaceState(null, "", location.pathname);
}
