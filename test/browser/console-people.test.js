// The console's people: finding, looking, helping, changing; what they are called is never markup.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { colleague, enter } from "./lib/console.js";
import { everywhere, look } from "./lib/look.js";
import { start } from "./lib/server.js";

const hostile = `<img src=x onerror="document.title='owned'">"'{{.}}`;

describe("people in the console", { skip }, () => {
  let server, browser, dana, mira;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    dana = await colleague(server, "dana", "Authentication Administrator");
    mira = await server.person("mira.okafor");
    await server.cli("user", "create", "noor@contoso.example", "--display-name", hostile);
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  it("are found as one types, without a mouse", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, dana, "/console/people");
    await look(page, "console-people", everywhere);
    await page.locator("#q").focus();
    await page.keyboard.type("okaf");
    await page.locator("#found").getByText(/Ready|None of their own/).first().waitFor();
    await page.waitForURL(/q=okaf/);
    assert.equal(await page.locator("#found tbody tr").count(), 1);
    await page.keyboard.press("Tab"); // who
    await page.keyboard.press("Tab"); // search
    await page.keyboard.press("Tab"); // the first one
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "mira.okafor" }).waitFor();
    await look(page, "console-person", everywhere);
    await page.getByRole("link", { name: "Issue a pass" }).waitFor();
  });

  it("show what they are called as text, whatever it is", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, dana, "/console/people?q=noor");
    await page.getByRole("link", { name: "<img src=x" }).first().click();
    await page.getByRole("heading", { level: 1, name: "<img src=x" }).waitFor();
    for (const path of ["/edit", "/lost", "/delete", "/signout"]) {
      await page.goto(page.url().replace(/(people\/[^/]+).*/, `$1${path}`));
      assert.equal(await page.locator("img").count(), 0);
      assert.notEqual(await page.title(), "owned");
      await look(page, `console-person-${path.slice(1)}`, everywhere);
    }
  });

  it("lose what is lost, and are signed out", async (t) => {
    const own = await open(t, browser);
    await own.goto(`${server.url}/security-info`);
    const page = await open(t, browser);
    await enter(page, server, dana, "/console/people?q=okafor");
    await page.getByRole("link", { name: "mira.okafor" }).first().click();
    await page.getByRole("link", { name: "Something is lost" }).click();
    await page.getByRole("button", { name: "Take away what is lost" }).click();
    await page.getByText("Choose what is gone").waitFor();
    await page.locator("input[name=gone][value^='method:']").first().check();
    await page.getByRole("button", { name: "Take away what is lost" }).click();
    await page.getByRole("status").getByText("Taken away").waitFor();
    await page.getByText("Only a pass gets this person in").waitFor();
  });
});
