// Requests that other sites make a browser send, and forms without the sign-in's cookie.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { headerFaults, launch, open, skip } from "./lib/browser.js";
import { arrive, at, formAddress, giveName, givePass, press, sessionCookie, sessions, signIn } from "./lib/person.js";
import { start } from "./lib/server.js";

describe("a forged request", { skip }, () => {
  let server, browser, pass;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    pass = await server.pass();
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  for (const origin of ["https://evil.example", "null", "http://localhost"]) {
    it(`from the origin ${origin} is refused at each form`, async (t) => {
      const page = await open(t, browser);
      await arrive(page, server);
      const forms = [
        [await formAddress(page), { username: server.name }],
        [`${server.url}/security-info/everywhere`, {}],
        [`${server.url}/security-info/end`, { session: "x" }],
        [`${server.url}/security-info/remove`, { method: "x" }],
      ];
      for (const [action, form] of forms) {
        const answer = await page.request.post(action, { form, headers: { origin }, maxRedirects: 0 });
        assert.ok(answer.status() >= 400 && answer.status() < 500, `${action} answers ${answer.status()}`);
      }
      await page.reload();
      await at(page, "identify");
    });
  }

  it("of another site does not end a person's sessions", async (t) => {
    const page = await open(t, browser);
    await signIn(page, server, pass);
    const other = await page.context().newPage();
    await other.route("https://evil.example/", (route) =>
      route.fulfill({
        contentType: "text/html",
        body: `<form method="post" action="${server.url}/security-info/everywhere"><button>Win a prize</button></form>`,
      }),
    );
    await other.goto("https://evil.example/");
    const answer = other.waitForResponse((response) => response.request().method() === "POST");
    await other.getByRole("button").click();
    assert.equal((await answer).status(), 403);
    await page.reload();
    assert.equal(await sessions(page), 1);
  });

  it("without the cookie of the sign-in signs nobody in", async (t) => {
    const page = await open(t, browser);
    await arrive(page, server);
    await giveName(page, server.name);
    const action = await formAddress(page);
    const stranger = await open(t, browser);
    for (const form of [{ accesspass: pass }, { stay: "yes" }, { username: server.name, accesspass: pass }]) {
      const answer = await stranger.request.post(action, { form });
      assert.equal(answer.status(), 400);
      assert.match(await answer.text(), /data-error="signInGone"/);
      assert.deepEqual(headerFaults({ url: () => action, status: () => 400, headers: () => answer.headers() }), []);
    }
    assert.equal(await sessionCookie(stranger), undefined);
    await givePass(page, pass);
    await press(page, page.locator("button[name=stay][value=no]"));
    await at(page, "securityinfo");
  });

  it("with the cookie of another sign-in signs nobody in", async (t) => {
    const victim = await open(t, browser);
    await arrive(victim, server);
    await giveName(victim, server.name);
    await givePass(victim, pass);
    const action = await formAddress(victim);
    const name = `__Host-postern-signin-${new URL(action).searchParams.get("t")}`;

    const thief = await open(t, browser);
    await arrive(thief, server);
    const own = (await thief.context().cookies()).find((cookie) => cookie.name.startsWith("__Host-postern-signin-"));
    await thief.context().addCookies([{ name, value: own.value, url: server.url, secure: true, httpOnly: true }]);
    const answer = await thief.request.post(action, { form: { stay: "yes" } });
    assert.match(await answer.text(), /data-error="signInGone"/);
    assert.equal(await sessionCookie(thief), undefined);
  });

  it("of a sign-in that is long over gets a page with the correlation id", async (t) => {
    const page = await open(t, browser);
    const response = await page.goto(`${server.url}/signin?t=0123abcd`);
    assert.equal(response.status(), 400);
    await at(page, "error");
    assert.equal(await page.locator("main").getAttribute("data-error"), "signInGone");
    const text = await page.locator("main").innerText();
    assert.match(text, /AADSTS50089/);
    assert.match(text, /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/);
  });
});
