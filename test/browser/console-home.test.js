// The console's first page: what needs somebody, and plots with their numbers.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { colleague, enter } from "./lib/console.js";
import { everywhere, look } from "./lib/look.js";
import { at, giveName, givePass } from "./lib/person.js";
import { start } from "./lib/server.js";

describe("the console's first page", { skip }, () => {
  let server, browser, dana;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    dana = await colleague(server, "dana", "Global Reader", "Authentication Administrator");
    await server.person("piotr");
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  it("says what needs somebody, and draws how things stand", async (t) => {
    const stranger = await open(t, browser);
    for (let tries = 0; tries < 5; tries++) {
      await stranger.context().clearCookies();
      await stranger.goto(`${server.url}/security-info`);
      await at(stranger, "identify");
      await giveName(stranger, "piotr@contoso.example");
      await givePass(stranger, "WRONGWRONG");
      await stranger.locator("[data-error]").waitFor();
    }
    const page = await open(t, browser);
    await enter(page, server, dana);
    const refused = page.getByRole("link", { name: /5 refused passes in a row for piotr/ });
    for (let tries = 0; tries < 40 && !(await refused.count()); tries++) {
      await page.reload(); // the log is counted a second or two behind
    }
    await refused.waitFor();
    await page.getByRole("link", { name: /have no way back in of their own/ }).waitFor();
    await page.getByRole("img", { name: /Passes a day for 30 days/ }).waitFor();
    await page.getByText("The numbers").first().click();
    await page.getByRole("cell", { name: "0" }).first().waitFor();
    await look(page, "console-home", everywhere);
    await page.emulateMedia({ forcedColors: "active" });
    await look(page, "console-home-forced", { widths: [1280], themes: ["light"] });
    await page.emulateMedia({ forcedColors: "none" });
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "PNG" }).first().click()]);
    assert.match(file.suggestedFilename(), /^passes-.*\.png$/);
    if (process.env.POSTERN_SCREENSHOTS) {
      await file.saveAs(`${process.env.POSTERN_SCREENSHOTS}/console-home-export.png`);
    }
    await page.goto(`${server.url}/console/reports/people/none`);
    await page.getByRole("link", { name: "piotr" }).waitFor();
    await look(page, "console-home-people", everywhere);
  });
});
