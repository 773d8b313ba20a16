// The authenticator app in a second browser: a phone of its own, 360 pixels wide.
import assert from "node:assert/strict";
import { open } from "./browser.js";
import { at, press } from "./person.js";

// phone returns a page that is a phone.
export function phone(t, browser, options = {}) {
  return open(t, browser, { viewport: { width: 360, height: 740 }, hasTouch: true, ...options });
}

// add adds the phone to the account of who is signed in at desk, by the link of the QR code, and
// returns once desk knows.
export async function add(desk, app, server, name = "Mira’s Pixel 9") {
  await desk.goto(`${server.url}/security-info/add/authenticator`);
  await at(desk, "register");
  await app.goto(await desk.getByRole("link", { name: "Open the app here" }).getAttribute("href"));
  await app.getByLabel("Name of this phone").fill(name);
  await app.getByRole("button", { name: "Add an account" }).click();
  await app.getByText("Added:").waitFor();
  assert.doesNotMatch(app.url(), /add=/, "the code stays in the address");
  await desk.waitForURL(/\/security-info(\?|$)/);
}

// ask goes to the page of the phone in a sign-in that began, sends the request, and returns the
// number.
export async function ask(desk) {
  await press(desk, desk.getByRole("link", { name: "Other ways to sign in" }));
  await press(desk, desk.getByRole("link", { name: "Authenticator app" }));
  await at(desk, "authenticator");
  return send(desk, "Send the request");
}

export async function send(desk, button) {
  const before = await number(desk);
  await press(desk, desk.getByRole("button", { name: button }));
  await desk.getByText("Waiting for your phone").waitFor();
  assert.equal(await number(desk), before, "the number changes once the request is out");
  return before;
}

export async function number(desk) {
  return (await desk.locator(".match-number bdi").innerText()).trim();
}

// asked waits until the request is on the phone.
export async function asked(app) {
  await app.getByRole("heading", { name: "Are you signing in?" }).waitFor();
}
