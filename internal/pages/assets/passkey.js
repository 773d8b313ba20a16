// Asks the browser for a passkey and sends its answer with the form that has the options
// (https://www.w3.org/TR/webauthn-3/). The page has every notice ready, in its language.
const browser = window.PublicKeyCredential;
const parsers = { get: "parseRequestOptionsFromJSON", create: "parseCreationOptionsFromJSON" };
// Notices, by the name of what went wrong.
const notices = { NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "known" };

for (const form of document.querySelectorAll("form[data-passkey]")) {
  prepare(form);
}

function prepare(form) {
  const { passkey: ceremony, conditional, start, unknown } = form.dataset;
  if (unknown) {
    browser?.signalUnknownCredential?.(JSON.parse(unknown)).catch(() => {});
  }
  if (!browser?.[parsers[ceremony]]) {
    say(form, "unsupported");
  } else if (conditional !== undefined) {
    offer(form);
  } else {
    form.querySelector("button").hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      askAloud(form);
    });
    if (start !== undefined) {
      askAloud(form);
    }
  }
}

function say(form, what) {
  for (const notice of form.querySelectorAll("[data-said]")) {
    notice.hidden = notice.dataset.said !== what;
  }
}

async function ask(form, more = {}) {
  const { passkey: ceremony, options } = form.dataset;
  const publicKey = browser[parsers[ceremony]](JSON.parse(options));
  const credential = await navigator.credentials[ceremony]({ publicKey, ...more });
  form.querySelector("[data-answer]").value = JSON.stringify(credential);
  form.submit();
}

async function askAloud(form) {
  const button = form.querySelector("button");
  say(form);
  button.disabled = true;
  try {
    await ask(form);
  } catch (error) {
    say(form, notices[error.name] ?? "unsupported");
    button.disabled = false;
    button.focus();
  }
}

// offer shows passkeys beside the name, where the browser can; without a choice nothing happens.
async function offer(form) {
  if (await browser.isConditionalMediationAvailable?.()) {
    ask(form, { mediation: "conditional" }).catch(() => {});
  }
}
