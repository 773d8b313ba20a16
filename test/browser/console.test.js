// The console: who gets in, and what all its pages have.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { colleague, enter } from "./lib/console.js";
import { look } from "./lib/look.js";
import { start } from "./lib/server.js";

const soak = process.env.POSTERN_SOAK === "1";
const shapes = soak
  ? [{ widths: [360, 1280], themes: ["light", "dark"] }]
  : [
      { widths: [360], themes: ["dark"] },
      { widths: [1280], themes: ["light"] },
    ];

// links returns the paths of the console that the page leads to.
function links(page, selector) {
  return page.locator(selector).evaluateAll((all) =>
    all.map((a) => a.getAttribute("href") ?? "").filter((href) => href.startsWith("/console/") && !href.includes("#")),
  );
}

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

  it("works for everybody, on every page that is offered", async (t) => {
    const page = await open(t, browser);
    const errors = [];
    page.on("console", (message) => message.type() === "error" && errors.push(`${page.url()}: ${message.text()}`));
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== server.url && protocol !== "data:") {
        errors.push(`${page.url()} asks ${request.url()}`);
      }
    });
    await enter(page, server, await colleague(server, "grace", "Global Administrator"));
    const waiting = await links(page, soak ? "nav a, main a" : "nav a");
    const seen = new Set();
    while (waiting.length > 0) {
      const path = waiting.shift();
      if (seen.has(path) || seen.size > 80 || /csv|pdf|png|export|after=/.test(path)) {
        continue;
      }
      seen.add(path);
      await page.goto(`${server.url}${path}`);
      for (const shape of shapes) {
        await look(page, `walk${path.replace(/[^a-z]+/g, "-")}`, shape);
      }
      if (soak) {
        waiting.push(...(await links(page, "main a")));
      }
    }
    assert.ok(seen.size >= 8, [...seen].join(" "));
    assert.deepEqual(errors, []);
  });

  it("is closed to who holds no role, and says so", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, await server.person("ewan"));
    await page.getByText("no administrator role").waitFor();
    assert.equal(await page.locator("nav a").count(), 0);
    await look(page, "console-no-role", { widths: [360, 1280], themes: ["light", "dark"] });
  });
});
