// The logs in the console: what strangers wrote is text, the short code of an error page leads to
// its story, and the list follows what happens.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { colleague, enter } from "./lib/console.js";
import { everywhere, look } from "./lib/look.js";
import { at, giveName, givePass } from "./lib/person.js";
import { start } from "./lib/server.js";

const evil = '=1+1"><img src=x onerror=alert(1)>';

describe("the logs in the console", { skip }, () => {
  let server, browser, fatima, code;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    const mira = { name: "mira@contoso.example" };
    await server.cli("user", "create", mira.name, "--display-name", evil);
    await server.cli("tap", "issue", mira.name, "--reason", evil);
    fatima = await colleague(server, "fatima", "Global Reader");
    const page = await browser.newPage({ userAgent: `Evil/1.0 ${evil}`, ignoreHTTPSErrors: true });
    await page.goto(`${server.url}/security-info`);
    await at(page, "identify");
    await giveName(page, mira.name);
    await givePass(page, "wrong-pass-1234");
    await page.locator("[data-error]").waitFor();
    code = (await page.locator("main").innerText()).match(/\b[A-HJ-NP-Z2-9]{4}[- ]?[A-HJ-NP-Z2-9]{4}\b/)?.[0];
    await page.close();
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  it("leads from the short code of an error page to what happened", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, fatima, "/console/logs");
    assert.equal(new URL(page.url()).pathname, "/console/logs/signins");
    await look(page, "console-logs", everywhere);
    assert.ok(code, "the error page shows a short code");
    await page.getByRole("searchbox", { name: "Person, device, address or id" }).fill(code.toLowerCase());
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/console\/logs\/story\//);
    await page.getByRole("link", { name: "Pass refused" }).first().waitFor();
    await look(page, "console-logs-story", { widths: [360, 1280], themes: ["light"] });
    await page.getByRole("link", { name: "Pass refused" }).first().click();
    await page.getByRole("heading", { level: 1, name: "Pass refused" }).waitFor();
    assert.equal(await page.locator("img").count(), 0);
    await page.getByText("As JSON").click();
    await page.locator("pre", { hasText: "<img src=x" }).waitFor(); // the browser that called itself so
    await look(page, "console-logs-entry", everywhere);
  });

  it("shows an entry beside the list, by keyboard too, and keeps filters under a name", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, fatima, "/console/logs/signins?result=refused");
    await page.getByRole("link", { name: "Pass refused" }).first().focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/entry=/);
    await page.getByRole("heading", { level: 2, name: /Pass refused/ }).waitFor();
    await look(page, "console-logs-beside", { widths: [360, 1280], themes: ["light"] });
    await page.goto(`${server.url}/console/logs/signins?result=refused`);
    await page.getByLabel("Keep these filters as").fill("Refused <today>");
    await page.getByRole("button", { name: "Save the view" }).click();
    await page.getByText("The view is saved.").waitFor();
    await page.getByRole("link", { name: "Refused <today>" }).waitFor();
    await look(page, "console-logs-view", { widths: [360], themes: ["dark"] });
    await page.getByRole("button", { name: "Remove the view" }).click();
    await page.getByText("The view is removed.").waitFor();
  });

  it("follows changes as they happen, and exports them as text", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, fatima, "/console/logs/changes");
    const stream = page.waitForResponse((r) => r.url().includes("/events"));
    await page.getByRole("link", { name: "Follow live" }).click();
    await stream;
    await server.cli("group", "create", "Night shift");
    await page.getByRole("link", { name: "Created a group" }).waitFor();
    await look(page, "console-logs-live", { widths: [1280], themes: ["light"] });
    await page.getByRole("link", { name: "Stop following" }).click();
    await page.getByText("Export", { exact: true }).click();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "As a table (CSV)" }).click()]);
    const text = await readFile(await file.path(), "utf8");
    assert.match(text, /^time,activity,/);
    assert.doesNotMatch(text, /(^|,)"?[=+@-]/m);
    await page.goto(`${server.url}/console/logs/seal`);
    await page.getByText("the signature is right").waitFor();
    await look(page, "console-logs-seal", { widths: [360, 1280], themes: ["dark"] });
  });
});
