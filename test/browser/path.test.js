// The whole way to a person's own page.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { arrive, at, giveName, givePass, press, sessions, signIn } from "./lib/person.js";
import { start } from "./lib/server.js";

describe("the way in", { skip }, () => {
  let server, browser, pass;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    pass = await server.pass();
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  it("works with the keyboard alone, the focus in the first field", async (t) => {
    const page = await open(t, browser);
    await arrive(page, server);
    assert.equal(await focus(page), "username");
    await page.keyboard.type(server.name);
    await enter(page);
    await at(page, "accesspass");
    assert.equal(await focus(page), "accesspass");
    await page.keyboard.type(pass);
    await enter(page);
    await at(page, "stay");
    for (let tries = 0; (await focus(page)) !== "stay" && tries < 9; tries++) {
      await page.keyboard.press("Tab");
    }
    await enter(page);
    await at(page, "securityinfo");
    assert.equal(new URL(page.url()).pathname, "/security-info");
    assert.equal(await sessions(page), 1);
  });

  it("shows where the focus is", async (t) => {
    const page = await open(t, browser);
    await arrive(page, server);
    await page.keyboard.press("Tab");
    const outline = await page.locator(":focus").evaluate((element) => getComputedStyle(element).outlineStyle);
    assert.notEqual(outline, "none");
  });

  it("works without JavaScript", async (t) => {
    const page = await open(t, browser, { javaScriptEnabled: false });
    await signIn(page, server, pass);
    await press(page, page.getByRole("button", { name: "Sign out everywhere" }));
    await at(page, "identify");
  });

  const spellings = [
    ["lower case", () => pass.toLowerCase()],
    ["spaces", () => ` ${pass.match(/.{1,4}/g).join(" ")} `],
    ["dashes and mixed case", () => `${pass.slice(0, 6).toLowerCase()}-${pass.slice(6)}`],
  ];
  for (const [name, typed] of spellings) {
    it(`takes a pass in ${name}`, async (t) => {
      const page = await open(t, browser);
      await arrive(page, server);
      await giveName(page, server.name);
      await givePass(page, typed());
      await at(page, "stay");
    });
  }

  it("leads back to the name with “Not you?”", async (t) => {
    const page = await open(t, browser);
    await arrive(page, server);
    await giveName(page, "wrong@contoso.example");
    await press(page, page.getByRole("link", { name: "Not you?" }));
    await at(page, "identify");
    assert.equal(await page.locator("[name=username]").inputValue(), "wrong@contoso.example");
    await giveName(page, server.name);
    await givePass(page, pass);
    await at(page, "stay");
  });

  it("leads to other ways and back", async (t) => {
    const page = await open(t, browser);
    await arrive(page, server);
    await giveName(page, server.name);
    await press(page, page.getByRole("link", { name: "Other ways to sign in" }));
    await at(page, "methods");
    await press(page, page.getByRole("link", { name: "Back" }));
    await at(page, "accesspass");
    await givePass(page, pass);
    await at(page, "stay");
  });

  it("goes to a person's own page at once with a session", async (t) => {
    const page = await open(t, browser);
    await signIn(page, server, pass);
    await page.goto(`${server.url}/security-info`);
    await at(page, "securityinfo");
    assert.equal(await page.getByText(server.name).count(), 1);
  });
});

function focus(page) {
  return page.evaluate(() => document.activeElement.name);
}

async function enter(page) {
  const next = page.waitForEvent("domcontentloaded");
  await page.keyboard.press("Enter");
  await next;
}
