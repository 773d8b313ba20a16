// The console: who gets in, and what all its pages have.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { colleague, enter } from "./lib/console.js";
import { look } from "./lib/look.js";
import { start } from "./lib/server.js";

describe("the console", { skip }, () => {
  let server, browser, dana;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    dana = await colleague(server, "dana", "Helpdesk Administrator");
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  it("leads back to the address that was asked for, and finds people as one types", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, dana, "/console/people");
    assert.equal(new URL(page.url()).pathname, "/console/people");
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.id), "find");
    await page.keyboard.type("dana");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=dana/);
    await page.getByRole("link", { name: "dana" }).first().waitFor();
    await page.locator("main [name=q]").fill("nobody at all");
    await page.getByText("Nobody called").waitFor();
    assert.match(page.url(), /q=nobody/);
    await look(page, "console-people-nobody", { widths: [360, 1280], themes: ["light", "dark"] });
  });

  it("is closed to who holds no role, and says so", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, await server.person("ewan"));
    await page.getByText("no administrator role").waitFor();
    assert.equal(await page.locator("nav a").count(), 0);
    await look(page, "console-no-role", { widths: [360, 1280], themes: ["light", "dark"] });
  });
});
