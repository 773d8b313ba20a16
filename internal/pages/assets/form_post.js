// Sends the form on at once. Without script its button does the same. The button is
// switched off, because an answer that is sent twice ends the sign-in.
const form = document.querySelector("form");
form.querySelector("button").disabled = true;
HTMLFormElement.prototype.submit.call(form); // a field may be named "submit"
