// The helpdesk's main job: from a name to a pass that is read out, by the keyboard alone.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { colleague, enter } from "./lib/console.js";
import { everywhere, look } from "./lib/look.js";
import { signIn } from "./lib/person.js";
import { start } from "./lib/server.js";

// forget says that the page does not hold the pass any more, in sight or not.
async function without(page, pass) {
  assert.ok(!(await page.content()).replaceAll(/<\/?b>|[^A-Z0-9]/g, "").includes(pass), "the page holds the pass");
}

// read returns the pass that the page shows.
async function read(page) {
  return (await page.locator("#letters b").allTextContents()).join("");
}

describe("a pass in the console", { skip }, () => {
  let server, browser, dana;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    dana = await colleague(server, "dana", "Authentication Administrator");
    await server.cli("user", "create", "mira@contoso.example", "--display-name", `Mira "<img src=x onerror=alert(1)>" Okafor`);
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  it("goes from “/” and a name to the pass by the keyboard alone, and is followed", async (t) => {
    const page = await open(t, browser);
    const key = (name) => page.keyboard.press(name);
    const focused = () => page.evaluate(() => document.activeElement.getAttribute("href") ?? document.activeElement.textContent.trim());
    const tabTo = async (what) => {
      for (let tries = 0; tries < 60; tries++) {
        if (what.test(await focused())) return;
        await key("Tab");
      }
      assert.fail(`Tab does not lead to ${what}`);
    };
    await enter(page, server, dana, "/console/people");
    await key("/");
    await page.keyboard.type("mira");
    await key("Enter");
    await page.waitForURL(/q=mira/);
    await tabTo(/\/console\/people\/[^/]+$/);
    await key("Enter");
    await page.waitForURL(/people\/[0-9a-f-]+$/);
    await tabTo(/\/pass$/);
    await key("Enter");
    await page.waitForURL(/\/pass$/);
    await look(page, "console-pass-ask", everywhere);
    await page.getByRole("radio", { name: /Set up a new device/ }).focus();
    await key(" ");
    await page.locator("#will").getByText("many times").waitFor();
    await tabTo(/^Issue the pass$/);
    await key("Enter");
    await page.locator("#letters").waitFor();
    const pass = await read(page);
    assert.match(pass, /^[A-HJ-NP-Z2-9]{8}$/);
    assert.doesNotMatch(page.url(), /once=/);
    await look(page, "console-pass-shown", everywhere);
    const shown = page.url();

    const caller = await open(t, browser);
    await signIn(caller, { ...server, name: "mira@contoso.example" }, pass);
    await page.locator("[data-step=used]").waitFor();

    await page.reload();
    await without(page, pass);
    await page.goto(`${server.url}/console/people`);
    await page.goBack();
    await without(page, pass);
    const other = await page.context().newPage();
    await other.goto(shown);
    await without(other, pass);
    assert.equal(await other.locator("#letters").count(), 0);
  });

  it("covers the pass when one looks elsewhere, and forgets it after a minute", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, dana, "/console/pass");
    await page.clock.install();
    await page.locator("main [name=q]").fill("mira");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Issue the pass" }).click();
    await page.locator("#letters").waitFor();
    const pass = await read(page);
    await page.evaluate(() => dispatchEvent(new Event("blur")));
    assert.equal(await page.locator("#letters").isVisible(), false);
    await look(page, "console-pass-covered", { widths: [1280], themes: ["light"] });
    await page.getByRole("button", { name: "Show it again" }).click();
    assert.equal(await page.locator("#letters").isVisible(), true);
    await page.getByRole("button", { name: "One minute more" }).click();
    await page.clock.runFor(100_000);
    assert.equal(await page.locator("#letters").isVisible(), true);
    await page.clock.runFor(30_000);
    await page.locator("#covered-gone").waitFor();
    await without(page, pass);
  });

  it("prints the slip and nothing else", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, dana, "/console/pass?q=mira");
    await page.getByRole("button", { name: "Issue the pass" }).click();
    await page.locator("#letters").waitFor();
    const pass = await read(page);
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator("#slip").isVisible(), true);
    for (const part of ["#letters", "#course", "nav", "header", "h1", "#tools"]) {
      assert.equal(await page.locator(part).first().isVisible(), false, part);
    }
    assert.ok((await page.locator("main").innerText()).replaceAll(/[^A-Z0-9]/g, "").includes(pass));
  });

  it("works without script", async (t) => {
    const page = await open(t, browser, { javaScriptEnabled: false });
    await enter(page, server, dana, "/console/pass?q=mira");
    await page.getByText("Issue the pass").click();
    await page.locator("#letters").waitFor();
    assert.match(await read(page), /^[A-HJ-NP-Z2-9]{8}$/);
    await page.getByText("Take it back").click();
    await page.locator("[data-step=over]").waitFor();
  });

  it("says whom to ask instead of offering what is refused", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, dana, "/console/pass?q=admin");
    await page.locator("#blocked").waitFor();
    assert.equal(await page.getByRole("button", { name: "Issue the pass" }).count(), 0);
    await look(page, "console-pass-blocked", everywhere);
  });
});
