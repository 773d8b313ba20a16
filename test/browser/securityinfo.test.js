// A person's own page: adding, naming, losing and replacing a way to sign in, by keyboard where
// a person would press keys, and for everybody (axe).
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { look } from "./lib/look.js";
import { authenticator, register } from "./lib/passkey.js";
import { at, press, signIn } from "./lib/person.js";
import { start } from "./lib/server.js";

const soak = process.env.POSTERN_SOAK === "1";
const shapes = soak
  ? [{ widths: [360, 1280], themes: ["light", "dark"] }]
  : [
      { widths: [360], themes: ["dark"] },
      { widths: [1280], themes: ["light"] },
    ];

describe("a person's own page", { skip }, () => {
  let server, browser;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  it("has what a person can do with a way to sign in, for everybody", async (t) => {
    const page = await open(t, browser);
    const see = async (name, step) => {
      await at(page, step);
      for (const shape of shapes) {
        await look(page, name, shape);
      }
    };
    await authenticator(page);
    await signIn(page, server, await server.pass());
    assert.match(await page.locator("[data-countdown]").first().innerText(), /for \d+ more minutes/);
    await see("securityinfo-pass", "securityinfo");
    await press(page, page.getByRole("link", { name: "Add a way" }).first());
    await see("addway", "addway");
    await register(page, server);
    assert.match(await page.getByRole("status").innerText(), /It is added/);
    await see("securityinfo-key", "securityinfo");

    // By keyboard: to the method, its name, and back.
    await page.getByRole("link", { name: /^Manage/ }).focus();
    await Promise.all([page.waitForURL(/\/security-info\/method\//), page.keyboard.press("Enter")]);
    await see("manage", "manage");
    await page.getByLabel("Name").fill("Blue key");
    await Promise.all([page.waitForURL(/done=renamed/), page.keyboard.press("Enter")]);
    await page.getByRole("link", { name: "Manage Blue key" }).waitFor();

    // The last way in is removed after a page that says so.
    await page.getByRole("link", { name: /^Manage/ }).click();
    await press(page, page.getByRole("button", { name: "Remove", exact: true }));
    await see("manage-last", "manage");
    await press(page, page.getByRole("link", { name: "Keep everything" }));

    await press(page, page.getByRole("link", { name: "I lost my security key" }));
    await see("lost-key", "lost");
    await press(page, page.getByRole("button", { name: "Remove and replace" }));
    await page.waitForURL(/\/security-info\/add\/passkey/);
    await page.goto(`${server.url}/security-info`);
    assert.equal(await page.getByRole("link", { name: "Manage Blue key" }).count(), 0);

    await page.goto(`${server.url}/security-info/not-me#abc`);
    await see("notme", "notme");
    assert.equal(await page.locator("#code").inputValue(), "abc");
    assert.ok(!page.url().includes("abc"), "the code stays in the address");
  });
});
