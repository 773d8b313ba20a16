// What a person does, and what they see.
import assert from "node:assert/strict";

// arrive opens a person's own page, which asks who they are.
export async function arrive(page, server) {
  await page.goto(`${server.url}/security-info`);
  await at(page, "identify");
}

// giveName types a name and goes on to the pass.
export async function giveName(page, name) {
  await page.getByLabel("Your work address").fill(name);
  await press(page, page.getByRole("button", { name: "Next" }));
  await at(page, "accesspass");
}

export async function givePass(page, pass) {
  await page.getByLabel("Temporary Access Pass").fill(pass);
  await press(page, page.getByRole("button", { name: "Sign in" }));
}

// press presses a button and waits for the page that comes of it.
export async function press(page, button) {
  const next = page.waitForEvent("domcontentloaded");
  await button.click();
  await next;
}

// signIn goes all the way to the person's own page.
export async function signIn(page, server, pass, stay = "no") {
  await arrive(page, server);
  await giveName(page, server.name);
  await givePass(page, pass);
  await at(page, "stay");
  await press(page, page.locator(`button[name=stay][value=${stay}]`));
  await at(page, "securityinfo");
}

// at checks which step the page shows.
export async function at(page, step) {
  await page.waitForLoadState("domcontentloaded");
  assert.equal(await page.locator("main").getAttribute("data-step"), step, page.url());
}

// refused checks that the page says that the pass did not work.
export async function refused(page) {
  await at(page, "accesspass");
  assert.equal(await page.locator("main").getAttribute("data-error"), "credentialRefused");
  assert.equal(await page.getByRole("alert").count(), 1);
  assert.equal(await page.locator("[name=accesspass]").inputValue(), "");
}

// sessionCookie returns the cookie of the person's sessions, or undefined.
export async function sessionCookie(page) {
  return (await page.context().cookies()).find((cookie) => cookie.name === "__Host-postern-session");
}

// sessions returns how many sessions the person's own page lists.
export function sessions(page) {
  return page.getByRole("region", { name: "Where you’re signed in" }).locator("ul > li").count();
}

// formAddress returns where the page's form goes.
export async function formAddress(page) {
  return new URL(await page.locator("form").first().getAttribute("action"), page.url()).href;
}
