// Devices and device settings in the console: what each page looks like, with hostile names, by
// keyboard, and a policy from its first word to its effect on a virtual device.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { enterDev } from "./lib/console.js";
import { look } from "./lib/look.js";
import { press } from "./lib/person.js";
import { startDev } from "./lib/server.js";

const soak = process.env.POSTERN_SOAK === "1";
const shapes = soak ? [{ widths: [360, 1280], themes: ["light", "dark"] }] : [
  { widths: [360], themes: ["dark"] },
  { widths: [1280], themes: ["light"] },
];
// The others are looked at in a soak.
const looked = ["devices", "device", "device-prepared", "settings-settings", "settings-review"];
const hostile = `=1+1<img src=x onerror=document.title='gone'> ${"x".repeat(60)} \u202Eflesreh`;

describe("devices in the console", { skip }, () => {
  let dev, browser;
  before(async () => {
    [dev, browser] = await Promise.all([startDev(), launch()]);
  });
  after(() => Promise.all([dev?.stop(), browser?.close()]));

  const button = (page, name) => page.getByRole("button", { name, exact: true });
  const link = (page, name) => page.getByRole("link", { name, exact: true });

  async function see(page, name) {
    await page.waitForLoadState("domcontentloaded");
    if (!soak && !looked.includes(name)) {
      return;
    }
    for (const shape of shapes) {
      await look(page, `console-${name}`, shape);
    }
  }

  it("are found, told about and switched off, whatever their names", async (t) => {
    const page = await open(t, browser);
    await enterDev(page, dev, "/console/devices");
    await see(page, "devices");
    await press(page, page.locator("#found th a").first());
    const device = page.url();
    await press(page, link(page, "Rename"));
    await page.getByLabel("Name", { exact: true }).fill(hostile);
    await press(page, button(page, "Rename"));
    await page.getByText("The device has its new name").waitFor();
    await see(page, "device");
    await press(page, link(page, "Prepare for somebody"));
    await page.getByLabel("Who will use it?").fill("mira");
    await page.locator("#found a").first().click();
    await page.waitForURL(/person=/);
    await see(page, "device-prepare");
    await press(page, button(page, "Prepare it"));
    await page.locator("[data-prepared=waiting]").waitFor();
    await see(page, "device-prepared");
    await press(page, link(page, "Issue their first pass"));
    await page.locator("option[selected]", { hasText: "=1+1" }).waitFor({ state: "attached" });
    await see(page, "device-prepared-pass");
    await page.goto(device);
    await press(page, button(page, "Prepare for nobody"));
    await page.getByText("The device is prepared for nobody.").waitFor();
    await page.getByRole("link", { name: "Show every setting" }).click();
    await page.getByText("No effect on this system").first().waitFor();
    await press(page, link(page, "Switch off"));
    await see(page, "device-switch-off");
    await press(page, button(page, "Switch off"));
    await page.getByText("Sessions from it have ended").waitFor();
    await page.getByText("Something stands in the way").waitFor();
    await press(page, button(page, "Switch on"));
    await press(page, link(page, "Delete"));
    await page.getByLabel("Type the name").fill("something else");
    await press(page, button(page, "Delete"));
    assert.equal(await page.locator("#name").inputValue(), "something else");
    await see(page, "device-delete");
    assert.notEqual(await page.title(), "gone");

    // Filters are the address, and change the list as one types.
    await page.goto(`${dev.publicUrl}/console/devices`);
    await page.locator("main [name=q]").fill("nothing like it");
    await page.getByText("No device like that").waitFor();
    assert.match(page.url(), /q=nothing/);
    await see(page, "devices-none");
    await page.locator("main [name=q]").fill("=1+1");
    await page.getByText("flesreh").waitFor();
    const [file] = await Promise.all([page.waitForEvent("download"), link(page, "Export as CSV").click()]);
    assert.equal(file.suggestedFilename(), "devices.csv");
    await page.goto(device);
  });

  it("have settings that are made by keyboard alone, and reviewed", async (t) => {
    const page = await open(t, browser);
    await enterDev(page, dev, "/console/settings");
    await see(page, "settings-none");
    await page.goto(`${dev.publicUrl}/console/settings/catalog`);
    await see(page, "settings-catalog");
    await page.locator("main [name=q]").fill("hidden sign-in");
    await page.waitForFunction(() => document.querySelectorAll("#found tbody tr").length === 1);
    await page.goto(`${dev.publicUrl}/console/settings/new`);
    const tabTo = async (locator) => {
      for (let i = 0; i < 60; i++) {
        if (await locator.evaluate((one) => one === document.activeElement)) {
          return;
        }
        await page.keyboard.press("Tab");
      }
      assert.fail(`no way to ${locator} by keyboard`);
    };
    const enterKey = async () => {
      const next = page.waitForEvent("domcontentloaded");
      await page.keyboard.press("Enter");
      await next;
    };
    await tabTo(page.getByLabel("Name", { exact: true }));
    await page.keyboard.type("Lock screens <b>");
    await see(page, "settings-basics");
    await enterKey(); // from a field it goes on, too
    await see(page, "settings-empty");
    await tabTo(page.getByLabel("Add a setting"));
    await page.keyboard.type("Enable web");
    await tabTo(button(page, "Add"));
    await enterKey();
    await tabTo(page.getByLabel("Add a setting"));
    await page.keyboard.type("Hidden sign");
    await tabTo(button(page, "Add"));
    await enterKey();
    await page.getByRole("radio", { name: "on", exact: true }).focus();
    await page.keyboard.press("Space");
    await page.getByLabel("Hidden sign-in options").fill("{C5D7540A-CD51-453B-B22B-05305BA03F07}");
    await see(page, "settings-settings");
    await tabTo(button(page, "Next: for whom"));
    await enterKey();
    await page.getByRole("checkbox", { name: /All devices/ }).focus();
    await page.keyboard.press("Space");
    await see(page, "settings-assignments");
    await tabTo(button(page, "Next: review"));
    await enterKey();
    await page.getByText("Web sign-in is switched on and hidden").waitFor();
    await see(page, "settings-review");
    await tabTo(button(page, "Create the policy"));
    await enterKey();
    await page.getByText("The policy is saved").waitFor();
    await see(page, "settings-policy");

    // It holds on the device, and stands in the way there.
    await page.goto(`${dev.publicUrl}/console/devices`);
    await press(page, page.locator("#found th a").first());
    await page.getByText("hides web sign-in").waitFor();
    await see(page, "device-conflict");
    await page.goto(`${dev.publicUrl}/console/settings`);
    await see(page, "settings");
    await page.goto(`${dev.publicUrl}/console/settings/import`);
    await page.getByLabel("Or paste it").fill('{"name": "half');
    await press(page, button(page, "Review"));
    await page.getByRole("alert").getByText("not whole JSON").waitFor();
    assert.equal(await page.getByLabel("Or paste it").inputValue(), '{"name": "half');
    await see(page, "settings-import");
  });
});
