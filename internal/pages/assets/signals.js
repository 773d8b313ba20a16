// Tells the browser's authenticators which passkeys there are and what their person is called,
// so that their lists are right (https://www.w3.org/TR/webauthn-3/#sctn-signal-methods).
const browser = window.PublicKeyCredential;
for (const { dataset } of document.querySelectorAll("[data-accepted]")) {
  browser?.signalAllAcceptedCredentials?.(JSON.parse(dataset.accepted)).catch(() => {});
  browser?.signalCurrentUserDetails?.(JSON.parse(dataset.details)).catch(() => {});
}
