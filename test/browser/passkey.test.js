// Passkeys, with Chromium's virtual authenticators.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { authenticator, register } from "./lib/passkey.js";
import { look } from "./lib/look.js";
import { arrive, at, giveName, press, signIn } from "./lib/person.js";
import { start } from "./lib/server.js";

describe("a passkey", { skip }, () => {
  let server, browser;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  // enrolled returns a page whose browser has an authenticator with a passkey, signed out and
  // with nobody at it.
  async function enrolled(t) {
    const page = await open(t, browser);
    const key = await authenticator(page);
    await signIn(page, server, await server.pass());
    await register(page, server);
    await key.present(false);
    await page.context().clearCookies();
    return { page, key };
  }

  // use goes to the page for passkeys by a link, with somebody at the authenticator. What was
  // asked for beside the name before is not answered.
  async function use(page, key, link) {
    await key.present(true);
    await page.getByRole("link", { name: link, exact: true }).click();
  }

  it("is added on a person's own page, and signs in by a button without a name", async (t) => {
    const { page, key } = await enrolled(t);
    assert.equal((await key.credentials()).length, 1);
    await arrive(page, server);
    await use(page, key, "Use a passkey instead");
    await page.waitForSelector("main[data-step=stay]");
    await press(page, page.locator("button[name=stay][value=no]"));
    await at(page, "securityinfo");
  });

  it("is offered beside the name, and is then the whole sign-in", async (t) => {
    const { page, key } = await enrolled(t);
    await key.present(true);
    await page.goto(`${server.url}/security-info`);
    await page.waitForSelector("main[data-step=stay]");
  });

  it("signs in after a typed name", async (t) => {
    const { page, key } = await enrolled(t);
    await arrive(page, server);
    await giveName(page, server.name);
    await press(page, page.getByRole("link", { name: "Other ways to sign in" }));
    await use(page, key, "Passkey");
    await page.waitForSelector("main[data-step=stay]");
  });

  it("is refused when its authenticator did not check who uses it", async (t) => {
    const { page, key } = await enrolled(t);
    await key.verified(false);
    await arrive(page, server);
    await use(page, key, "Use a passkey instead");
    await page.getByText("Nothing was sent").waitFor();
    await key.verified(true);
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.waitForSelector("main[data-step=stay]");
  });

  it("is gone from the authenticator, too, once it was removed; another one signs in", async (t) => {
    const { page, key } = await enrolled(t);
    await signIn(page, server, await server.pass());
    const spare = await authenticator(page, { transport: "usb" });
    await register(page, server);
    await spare.present(false);
    assert.equal((await spare.credentials()).length, 1);

    // The first one is lost: it is the older of the last two.
    const rows = page.getByRole("listitem").filter({ hasText: /Passkey on|Security key/ });
    const lost = rows.nth((await rows.count()) - 2);
    await press(page, lost.getByRole("link", { name: /^Manage/ }));
    await press(page, page.getByRole("button", { name: "Remove" }));
    await key.empty();
    await page.context().clearCookies();
    await arrive(page, server);
    await use(page, spare, "Use a passkey instead");
    await page.waitForSelector("main[data-step=stay]");
  });

  it("that nobody registered is refused, and the authenticator forgets it", async (t) => {
    const { page, key } = await enrolled(t);
    await key.forge();
    await arrive(page, server);
    await use(page, key, "Use a passkey instead");
    await page.waitForSelector("main[data-step=passkey][data-error=credentialRefused]");
    await page.getByText("That passkey didn’t work.").waitFor();
    await look(page, "passkey-refused", { widths: [360], themes: ["dark"] });
    await key.empty();
  });

  it("is not added twice to the same authenticator", async (t) => {
    const { page, key } = await enrolled(t);
    await signIn(page, server, await server.pass());
    await key.present(true);
    await page.goto(`${server.url}/security-info/add/passkey`);
    await page.getByRole("button", { name: "Create a passkey" }).click();
    await page.getByText("has a passkey of yours already").waitFor();
    await look(page, "addpasskey-known", { widths: [1280], themes: ["light"] });
    assert.equal((await key.credentials()).length, 1);
  });

  it("says that it needs JavaScript where that is off", async (t) => {
    const page = await open(t, browser, { javaScriptEnabled: false });
    await arrive(page, server);
    await page.goto(new URL(await page.getByRole("link", { name: "Use a passkey instead" }).getAttribute("href"), page.url()).href);
    await at(page, "passkey");
    assert.match(await page.locator("main").innerText(), /Passkeys need JavaScript/);
    assert.equal(await page.getByRole("button").count(), 0);
    await page.getByRole("link", { name: "Back" }).click();
    await at(page, "identify");
  });
});
