// What a sign-in leaves in the browser, and how it ends.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { arrive, at, formAddress, giveName, givePass, press, refused, sessionCookie, sessions, signIn } from "./lib/person.js";
import { start } from "./lib/server.js";

describe("a session", { skip }, () => {
  let server, browser, pass;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
  });
  beforeEach(async () => {
    pass = await server.pass(); // ends the sessions of the test before
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  it("ends with the browser when the person does not stay signed in", async (t) => {
    const page = await open(t, browser);
    await signIn(page, server, pass, "no");
    assert.equal((await sessionCookie(page)).expires, -1);
  });

  it("outlives the browser when the person stays, but not the pass", async (t) => {
    const page = await open(t, browser);
    await signIn(page, server, pass, "yes");
    const hours = ((await sessionCookie(page)).expires * 1000 - Date.now()) / 3_600_000;
    assert.ok(hours > 23 && hours <= 24, `the cookie is kept for ${hours} hours`);
  });

  it("is in cookies that only this host gets, only by TLS, and no script", async (t) => {
    const page = await open(t, browser);
    await signIn(page, server, pass);
    const cookies = await page.context().cookies();
    assert.ok(cookies.length >= 3);
    for (const { name, secure, httpOnly, sameSite, domain, path } of cookies) {
      const want = { secure: true, httpOnly: true, sameSite: "Lax", domain: "localhost", path: "/" };
      assert.deepEqual({ secure, httpOnly, sameSite, domain, path }, want, name);
      assert.match(name, /^__Host-/);
    }
  });

  it("is one when the form is sent twice, and again after going back", async (t) => {
    const page = await open(t, browser);
    await goTo(page, "stay");
    const action = await formAddress(page);
    const twice = await Promise.all([1, 2].map(() => page.request.post(action, { form: { stay: "no" }, maxRedirects: 0 })));
    const [first, second] = twice.map((answer) => answer.headers().location);
    assert.match(first, /^\/security-info/);
    assert.equal(second, first);
    await press(page, page.locator("button[name=stay][value=no]"));
    await at(page, "securityinfo");
    assert.equal(await sessions(page), 1);

    await page.goBack();
    await at(page, "securityinfo");
    assert.equal(await sessions(page), 1);
  });

  it("is one when a person goes back to the pass and sends it again", async (t) => {
    const page = await open(t, browser);
    await goTo(page, "accesspass");
    const action = await formAddress(page);
    await givePass(page, pass);
    const again = await page.request.post(action, { form: { accesspass: pass } });
    assert.match(await again.text(), /data-step="stay"/);
    await press(page, page.locator("button[name=stay][value=no]"));
    assert.equal(await sessions(page), 1);
  });

  it("comes of each of two tabs that sign in side by side", async (t) => {
    const one = await open(t, browser);
    const two = await one.context().newPage();
    await goTo(one, "accesspass");
    await goTo(two, "accesspass");
    for (const tab of [one, two]) {
      await givePass(tab, pass);
      await press(tab, tab.locator("button[name=stay][value=no]"));
      await at(tab, "securityinfo");
    }
    assert.equal(await sessions(two), 2);
    await endAll(two);
    await one.reload();
    await at(one, "identify");
  });

  it("is ended by its person from another browser, alone", async (t) => {
    const phone = await open(t, browser);
    const desk = await open(t, browser);
    await signIn(phone, server, pass);
    await signIn(desk, server, pass);
    assert.equal(await sessions(desk), 2);
    await press(desk, desk.getByRole("button", { name: /^Sign out (?!everywhere)/ }));
    await at(desk, "securityinfo");
    assert.equal(await sessions(desk), 1);
    await phone.reload();
    await at(phone, "identify");
  });

  it("is ended everywhere by its person", async (t) => {
    const phone = await open(t, browser);
    const desk = await open(t, browser);
    await signIn(phone, server, pass);
    await signIn(desk, server, pass);
    await endAll(desk);
    await phone.reload();
    await at(phone, "identify");
  });

  it("ends when its person removes the pass that it came from", async (t) => {
    const page = await open(t, browser);
    await signIn(page, server, pass);
    await press(page, page.getByRole("button", { name: "Remove Temporary Access Pass" }));
    await at(page, "identify");

    const elsewhere = await open(t, browser);
    await goTo(elsewhere, "accesspass");
    await givePass(elsewhere, pass);
    await refused(elsewhere);
  });

  async function goTo(page, step) {
    await arrive(page, server);
    await giveName(page, server.name);
    if (step === "stay") {
      await givePass(page, pass);
    }
    await at(page, step);
  }
});

async function endAll(page) {
  await press(page, page.getByRole("button", { name: "Sign out everywhere" }));
  await at(page, "identify");
}
