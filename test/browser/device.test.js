// A device without a browser: the person types its code, and says yes or no. What codes mean,
// and the way out.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { look } from "./lib/look.js";
import { at, press } from "./lib/person.js";
import { start } from "./lib/server.js";

const commandLine = "d63505a7-8db9-41a0-88f0-78639b447745";
const shapes = process.env.POSTERN_SOAK === "1" ? [{ widths: [360, 1280], themes: ["light", "dark"] }] : [
  { widths: [360], themes: ["dark"] },
  { widths: [1280], themes: ["light"] },
];

async function see(page, name, step) {
  await at(page, step);
  for (const shape of shapes) {
    await look(page, name, shape);
  }
}

describe("a device without a browser", { skip }, () => {
  let server, browser, pass;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    pass = await server.pass();
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  const post = async (page, endpoint, form) =>
    (await page.request.post(`${server.url}/${server.tenant}/oauth2/v2.0/${endpoint}`, { form })).json();
  const ask = (page) => post(page, "devicecode", { client_id: commandLine, scope: "openid User.Read" });
  const poll = (page, code) => post(page, "token", { client_id: commandLine, grant_type: "device_code", device_code: code });
  const send = (page, value) => press(page, page.locator(`button${value ?? ".primary"}`).first());

  for (const [options, how] of [
    [{}, "with scripts"],
    [{ javaScriptEnabled: false }, "without scripts"],
    [{ locale: "de-DE" }, "in German"],
  ]) {
    it(`signs in, ${how}`, async (t) => {
      const page = await open(t, browser, options);
      const scripts = options.javaScriptEnabled !== false;
      const name = (step) => `${step}-${how.replaceAll(" ", "-")}`;
      const device = await ask(page);
      assert.equal(device.verification_uri, `${server.url}/device`);
      await page.goto(device.verification_uri);
      await (scripts ? see(page, name("device"), "device") : at(page, "device"));
      await page.locator("[name=otc]").fill("ABCD-EFGH");
      await send(page);
      assert.equal(await page.locator("main").getAttribute("data-error"), "userCodeUnknown");
      assert.equal(await page.locator("[name=otc]").inputValue(), "");
      await (scripts ? see(page, name("device-refused"), "device") : at(page, "device"));
      await page.locator("[name=otc]").fill(device.user_code.toLowerCase().replace("-", " "));
      await send(page);
      await page.locator("[name=username]").fill(server.name);
      await send(page);
      await page.locator("[name=accesspass]").fill(pass);
      await send(page);
      await send(page, "[value=no]");
      await (scripts ? see(page, name("confirm"), "confirm") : at(page, "confirm"));
      const said = await page.locator("main").innerText();
      for (const part of ["Postern CLI", "127.0.0.1", server.name]) {
        assert.ok(said.includes(part), `the page names ${part}`);
      }
      assert.equal((await poll(page, device.device_code)).error, "authorization_pending");
      await send(page, "[value=approve]");
      await (scripts ? see(page, name("done"), "done") : at(page, "done"));
      assert.ok((await poll(page, device.device_code)).access_token);
    });
  }

  it("is refused by keyboard alone", async (t) => {
    const page = await open(t, browser);
    const device = await ask(page);
    await page.goto(device.verification_uri);
    for (const [field, text] of [["otc", device.user_code], ["username", server.name], ["accesspass", pass]]) {
      await page.waitForFunction((name) => document.activeElement.name === name, field);
      await page.keyboard.type(text);
      await enter(page);
    }
    await at(page, "stay");
    await tabTo(page, "no");
    await enter(page);
    await at(page, "confirm");
    await tabTo(page, "deny");
    await enter(page);
    await see(page, "done-denied", "done");
    assert.equal((await poll(page, device.device_code)).error, "authorization_declined");
  });

  it("shows what a code means, and the way out", async (t) => {
    const page = await open(t, browser);
    await page.goto(`${server.url}/signin?t=0123abcd`);
    await at(page, "error");
    await press(page, page.locator("main a[href^='/errors/']"));
    await see(page, "code", "code");
    await page.goto(`${server.url}/errors/AADSTS50126`);
    await see(page, "code-by-number", "code");
    await page.goto(`${server.url}/errors/nothing`);
    await see(page, "code-unknown", "error");

    await page.goto(`${server.url}/security-info`);
    await page.locator("[name=username]").fill(server.name);
    await send(page);
    await page.locator("[name=accesspass]").fill(pass);
    await send(page);
    await send(page, "[value=no]");
    await page.goto(`${server.url}/${server.tenant}/oauth2/v2.0/logout`);
    await see(page, "signout", "confirm");
    await send(page);
    await see(page, "signedout", "signedout");
  });
});

async function enter(page) {
  const next = page.waitForEvent("domcontentloaded");
  await page.keyboard.press("Enter");
  await next;
}

async function tabTo(page, value) {
  for (let n = 0; n < 20; n++) {
    if ((await page.evaluate(() => document.activeElement.value)) === value) {
      return;
    }
    await page.keyboard.press("Tab");
  }
  assert.fail(`no way to ${value} by keyboard`);
}
