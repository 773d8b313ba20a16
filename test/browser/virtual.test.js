// The story of `postern dev`, clicked through: a virtual laptop whose PIN breaks, and the way
// back in. What each page looks like is seen on the way.
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { effort } from "./lib/effort.js";
import { look } from "./lib/look.js";
import { at, press } from "./lib/person.js";
import { startDev } from "./lib/server.js";

const soak = process.env.POSTERN_SOAK === "1";
const shapes = soak ? [{ widths: [360, 1280], themes: ["light", "dark"] }] : [
  { widths: [360], themes: ["dark"] },
  { widths: [1280], themes: ["light"] },
];

async function see(page, name, step) {
  await at(page, step);
  if (!soak && step !== "desktop" && step !== "bench") {
    return; // pages of the lock screen, which has tests of its own
  }
  for (const shape of shapes) {
    await look(page, `virtual-${name}`, shape);
  }
}

// files returns what is in the files of a folder and those below it, by name.
async function files(folder) {
  const all = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) {
      const name = path.join(entry.parentPath ?? entry.path, entry.name);
      all[name] = await readFile(name, "utf8");
    }
  }
  return all;
}

describe("a virtual device", { skip }, () => {
  let dev, browser;
  before(async () => {
    [dev, browser] = await Promise.all([startDev(), launch()]);
  });
  after(() => Promise.all([dev?.stop(), browser?.close()]));

  const name = () => dev.adminUserPrincipalName;
  const button = (page, text) => page.getByRole("button", { name: text, exact: true });

  // globe goes from the lock screen through the identity provider's pages.
  async function globe(page) {
    await Promise.all([page.waitForURL(`${dev.publicUrl}/**`), button(page, "Web sign-in").first().click()]);
    await page.waitForLoadState("domcontentloaded");
    if (await page.locator("[name=username]").count()) {
      await page.locator("[name=username]").fill(name());
      await press(page, page.locator("button.primary"));
    }
    await page.locator("[name=accesspass]").fill(dev.temporaryAccessPass);
    await press(page, page.locator("button.primary"));
    await Promise.all([page.waitForURL("http://localhost:*/new-pin"), page.locator("button[name=stay][value=no]").click()]);
  }

  async function setPIN(page, pin) {
    await page.locator("[name=pin]").fill(pin);
    await page.locator("[name=repeat]").fill(pin);
    await Promise.all([page.waitForURL("**/desktop"), page.locator("button.primary").click()]);
  }

  async function typePIN(page, pin) {
    if (!(await page.locator("[name=pin]").count())) {
      await press(page, page.getByRole("link", { name: "PIN" }));
    }
    await page.locator("[name=pin]").fill(pin);
    const next = page.waitForEvent("domcontentloaded");
    await page.keyboard.press("Enter");
    await next;
  }

  // Without scripts it is also what `postern dev --story` does.
  for (const [options, how] of [[{}, "with scripts"], ...(soak ? [[{ javaScriptEnabled: false }, "without scripts"]] : [])]) {
    it(`lets a person whose PIN broke back in, ${how}`, async (t) => {
      const scripts = options.javaScriptEnabled !== false;
      const look = (page, what, step) => (scripts ? see(page, what, step) : at(page, step));
      const page = await open(t, browser, options);
      const counted = scripts && (await effort(page));
      await page.goto(dev.lockScreens[scripts ? 0 : 1]);
      await page.waitForURL("http://localhost:*/");
      await look(page, "lock", "lock");
      await globe(page);
      await look(page, "new-pin", "register");
      await setPIN(page, "271828");
      if (scripts) counted(t, "the first sign-in at a device: pass, then a PIN");
      await look(page, "desktop", "desktop");
      const home = path.join(dev.caCertificate, "../../devices", scripts ? "LAP-0417" : "LAP-0418", "home", "admin");
      const before = await files(home);
      assert.ok(Object.keys(before).length > 3);

      await press(page, button(page, "Do it: Corrupt the container"));
      await look(page, "desktop-broken", "desktop");
      assert.match(await page.getByRole("status").innerText(), /done/);
      await press(page, button(page, "Lock"));
      await at(page, "lock");
      assert.equal(await page.locator("[name=pin]").count(), 0, "a PIN that is damaged is asked for");

      await globe(page);
      await at(page, "register");
      await setPIN(page, "314159");
      await press(page, button(page, "Lock"));
      await typePIN(page, "271828");
      await at(page, "lock");
      assert.equal(await page.locator("main").getAttribute("data-error"), "pinWrong");
      await look(page, "lock-refused", "lock");
      await typePIN(page, "314159");
      await look(page, "desktop-pin", "desktop");
      assert.deepEqual(await files(home), before, "something was lost");
      const said = await page.getByRole("complementary", { name: "Test bench" }).innerText();
      for (const line of ["Session opened", "One byte of the PIN container was flipped", "pinWrong"]) {
        assert.ok(said.includes(line), `the agent does not say ${line}: ${said}`);
      }
      await press(page, button(page, "Sign out"));
      await at(page, "lock");
    });
  }

  it("shows what changes while somebody types, and takes Esc for the way back", async (t) => {
    const page = await open(t, browser);
    await page.goto(dev.lockScreens[1]);
    await page.waitForURL(/^http:\/\/localhost:\d+\/(desktop)?$/);
    if (page.url().endsWith("/desktop")) {
      await press(page, button(page, "Sign out")); // of who was here before
    }
    const to = (path) => page.goto(new URL(path, page.url()).href);
    const bench = await page.context().newPage();
    await bench.goto(new URL("/bench", page.url()).href);
    await to("/?person=other&way=pin");
    await page.locator("[name=name]").fill("ad");
    await press(bench, button(bench, "Do it: Unplug the network"));
    const network = page.locator(".lock-status").getByText("No network");
    await network.waitFor();
    assert.equal(await page.locator("[name=name]").inputValue(), "ad", "what was typed is lost");
    assert.equal(await button(page, "Web sign-in").count(), 0, "the globe can be pressed without a network");
    await see(page, "lock-offline", "lock");
    await press(bench, button(bench, "Do it: Plug the network in"));
    await network.waitFor({ state: "detached" });
    await button(page, "Web sign-in").waitFor();

    await to("/help");
    await Promise.all([page.waitForURL((at) => at.pathname === "/"), page.keyboard.press("Escape")]);
    await at(page, "lock");
    await to("/help");
    await press(page, button(page, "Fix my PIN"));
    await see(page, "help-repaired", "help");
  });

  it("has a bench of its own, where the browser of web sign-in crashes", async (t) => {
    const page = await open(t, browser);
    await page.goto(dev.lockScreens[1]);
    await page.waitForURL(/^http:\/\/localhost:\d+\/(desktop)?$/);
    if (page.url().endsWith("/desktop")) {
      await press(page, button(page, "Sign out")); // of who was here before
    }
    const bench = await page.context().newPage();
    await bench.goto(new URL("/bench", page.url()).href);
    await see(bench, "bench", "bench");
    await press(bench, button(bench, "Do it: Crash the browser"));
    assert.equal(await bench.locator("main").getAttribute("data-error"), "benchNoBrowser");
    await see(bench, "bench-refused", "bench");
    await Promise.all([page.waitForURL(`${dev.publicUrl}/**`), button(page, "Web sign-in").first().click()]);
    await press(bench, button(bench, "Do it: Crash the browser"));
    await page.goto(new URL("/", bench.url()).href);
    assert.equal(await page.locator("main").getAttribute("data-error"), "lockBrowser");
    await see(page, "crashed", "websignin");
    await press(page, button(page, "Cancel"));
    await at(page, "lock");
  });
});
