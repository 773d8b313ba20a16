// What does not get in, and what it says about it.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { launch, open, skip } from "./lib/browser.js";
import { arrive, at, formAddress, giveName, givePass, press, refused, sessionCookie, signIn } from "./lib/person.js";
import { start } from "./lib/server.js";

const wrong = "ABCDEFGHJKLM";
const hold = 300; // milliseconds after which any refusal is answered

describe("a refusal", { skip }, () => {
  let server, browser;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  it("keeps the name, forgets the pass, and shows the correlation id", async (t) => {
    const page = await open(t, browser);
    await arrive(page, server);
    await giveName(page, "Admin@Contoso.example");
    await givePass(page, wrong);
    await refused(page);
    const text = await page.locator("main").innerText();
    assert.match(text, /Admin@Contoso\.example/);
    assert.match(text, /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/);
    assert.ok(!(await page.content()).includes(wrong));
    assert.equal(await page.locator("[name=accesspass]").getAttribute("aria-invalid"), "true");
    assert.equal(await sessionCookie(page), undefined);
  });

  it("looks and lasts the same for an unknown person", async (t) => {
    const known = await refusal(t, server.name);
    const unknown = await refusal(t, "nobody@contoso.example");
    assert.equal(unknown.html, known.html);
    assert.equal(unknown.status, known.status);
    assert.ok(known.quickest >= hold && unknown.quickest >= hold, `${known.quickest} and ${unknown.quickest} ms`);
    assert.ok(Math.abs(known.quickest - unknown.quickest) < 150, `${known.quickest} and ${unknown.quickest} ms`);
  });

  it("of what can't be a name says how one looks", async (t) => {
    const page = await open(t, browser);
    await arrive(page, server);
    await page.locator("[name=username]").fill("admin");
    await press(page, page.getByRole("button", { name: "Next" }));
    await at(page, "identify");
    assert.equal(await page.locator("main").getAttribute("data-error"), "usernameInvalid");
    assert.equal(await page.locator("[name=username]").inputValue(), "admin");
    assert.equal(await page.getByRole("alert").count(), 1);
  });

  it("meets the second use of a one-time pass", async (t) => {
    await signIn(await open(t, browser), server, server.once);
    const page = await open(t, browser);
    await arrive(page, server);
    await giveName(page, server.name);
    await givePass(page, server.once);
    await refused(page);
    assert.equal(await sessionCookie(page), undefined);
  });

  // refusal gives a wrong pass several times and returns what came back, ids and name masked.
  async function refusal(t, name) {
    const page = await open(t, browser);
    await arrive(page, server);
    await giveName(page, name);
    const took = [];
    let status;
    for (let tries = 0; tries < 3; tries++) {
      const answer = page.waitForResponse((response) => response.request().method() === "POST");
      await givePass(page, wrong);
      const response = await answer;
      took.push(response.request().timing().responseStart);
      status = response.status();
      await refused(page);
    }
    const html = (await page.content())
      .replaceAll(name, "NAME")
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID")
      .replace(/t=[0-9a-f]{8}/g, "t=HANDLE")
      .replace(/(say this number:.*?class="code">)[^<]*/, "$1NUMBER");
    return { html, status, quickest: Math.min(...took) };
  }
});

describe("after ten wrong tries", { skip }, () => {
  let server, browser, pass;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    pass = await server.pass();
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  it("the right pass is refused from that address, and a person who signed in there before gets in", async (t) => {
    const familiar = await open(t, browser);
    await signIn(familiar, server, pass);

    const page = await open(t, browser);
    await arrive(page, server);
    await giveName(page, server.name);
    for (const answer of await tryTenTimes(page)) {
      assert.equal(answer.status(), 400);
    }
    await givePass(page, pass);
    await refused(page);

    await press(familiar, familiar.getByRole("button", { name: "Sign out everywhere" }));
    await signIn(familiar, server, pass);
  });

  // tryTenTimes sends the form as the page would, all at once. A machine with other work has
  // no turn for some of them in time; those come again when it says.
  async function tryTenTimes(page) {
    const action = await formAddress(page);
    const attempt = async () => {
      for (;;) {
        const answer = await page.request.post(action, { form: { accesspass: wrong } });
        if (answer.status() !== 429) return answer;
        await setTimeout(Number(answer.headers()["retry-after"]) * 1000);
      }
    };
    return Promise.all(Array.from({ length: 10 }, attempt));
  }
});
