// Somebody lost what they sign in with: from the sign-in page to a new passkey, with the manager's word, in real browsers and
// with the mailbox; and the same with an impostor, who is stopped by a link in a mail.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open as opened, skip } from "./lib/browser.js";
import { enterDev } from "./lib/console.js";
import { effort } from "./lib/effort.js";
import { look } from "./lib/look.js";
import { authenticator, register } from "./lib/passkey.js";
import { at, giveName, givePass, press } from "./lib/person.js";
import { startDev } from "./lib/server.js";

const soak = process.env.POSTERN_SOAK === "1";
const shapes = soak ? [{ widths: [360, 1280], themes: ["light", "dark"] }] : []; // the story alone is quick

// open is as anywhere, with patience: this is a long story on a busy machine.
async function open(t, browser) {
  const page = await opened(t, browser);
  page.setDefaultTimeout(30_000);
  return page;
}

const who = "mira.okafor@contoso.example";
const boss = "sam.fischer@contoso.example";

describe("recovery", { skip }, () => {
  let dev, browser, server;
  before(async () => {
    [dev, browser] = await Promise.all([startDev(), launch()]);
    server = { url: dev.publicUrl };
  });
  after(() => Promise.all([dev?.stop(), browser?.close()]));

  const seen = new Set();
  const see = async (page, name, step) => {
    await at(page, step);
    if (seen.has(name)) {
      return;
    }
    seen.add(name);
    for (const shape of shapes) {
      await look(page, name, shape);
    }
  };

  const mails = async (page, subject) => {
    await page.goto(`${server.url}/mailbox`);
    return page.getByRole("link", { name: subject });
  };

  // link waits for more mails with that subject than there were, and returns the address in the newest.
  async function link(page, subject, pattern, were = 0) {
    for (const end = Date.now() + 20_000; Date.now() < end; ) {
      const rows = await mails(page, subject);
      if ((await rows.count()) > were) {
        await rows.first().click();
        const found = (await page.locator("main").innerText()).match(pattern);
        assert.ok(found, `no link in ${subject}`);
        return found[0];
      }
    }
    assert.fail(`no mail ${subject}`);
  }

  // passFor has the administrator issue a pass in the console.
  async function passFor(t, name) {
    const page = await open(t, browser);
    await enterDev(page, dev, "/console/people");
    await page.goto(`${server.url}/console/people?q=${encodeURIComponent(name)}`);
    await page.locator("#found tbody tr th a").first().click();
    await page.getByRole("link", { name: "Issue a pass" }).click();
    await page.getByRole("button", { name: "Issue the pass" }).click();
    await page.locator("#letters b").first().waitFor();
    return (await page.locator("#letters b").allInnerTexts()).join("");
  }

  // enrolled gives somebody a passkey in a browser of their own.
  async function enrolled(t, name, pass) {
    const page = await open(t, browser);
    await authenticator(page);
    const counted = await effort(page);
    await page.goto(`${server.url}/security-info`);
    await giveName(page, name);
    await givePass(page, pass);
    await press(page, page.locator("button[name=stay][value=no]"));
    await press(page, page.getByRole("link", { name: "Add a way" }).first());
    await register(page, server);
    counted(t, "from a pass to a passkey");
    return page;
  }

  // ask opens a case from the sign-in page and returns its number.
  async function ask(page) {
    await page.goto(`${server.url}/security-info`);
    await giveName(page, who);
    await page.getByRole("link", { name: "Other ways" }).click();
    await at(page, "methods");
    await press(page, page.getByRole("link", { name: "I can’t use any of these" }));
    await see(page, "recover", "recover");
    await page.getByLabel("My phone is lost or broken").check();
    await press(page, page.getByRole("button", { name: "Ask for help" }));
    await see(page, "case", "case");
    return (await page.locator("main").innerText()).match(/R-[A-Z2-9]{6}/)[0];
  }

  async function approve(manager, number, way, were) {
    await manager.goto(await link(manager, /^Is it really/, /https:\S+\/recover\/approve\/\S+/, were));
    if ((await manager.locator("main").getAttribute("data-step")) !== "approve") {
      await manager.waitForSelector("main[data-step=approve]");
    }
    await see(manager, `approve-${way}`, "approve");
    await manager.getByLabel("The number that they read to you").fill(number);
    await manager.locator(`input[name=way][value=${way}]`).check();
    await press(manager, manager.locator("button[name=answer][value=yes]"));
    await see(manager, `approve-done-${way}`, "approve");
  }

  it("gets somebody back in who lost everything on a trip, and stops who only says so", async (t) => {
    const manager = await enrolled(t, boss, await passFor(t, boss));
    const theirs = await open(t, browser);
    const counted = await effort(theirs);
    const number = await ask(theirs);
    await approve(manager, number, "there");
    await theirs.getByRole("button", { name: "Show the pass" }).waitFor(); // the page looks by itself
    await see(theirs, "case-issuable", "case");
    await press(theirs, theirs.getByRole("button", { name: "Show the pass" }));
    await see(theirs, "case-shown", "case");
    await authenticator(theirs);
    await press(theirs, theirs.getByRole("button", { name: "Sign in here with it" }));
    await press(theirs, theirs.locator("button[name=stay][value=no]"));
    await press(theirs, theirs.getByRole("link", { name: "Add a way" }).first());
    await register(theirs, server);
    counted(t, "back in after everything was lost, without the manager's part");
    for (const subject of [/^Somebody asked for help/, /^A pass was issued to recover/, /^The pass for your account/, /^Passkey added/]) {
      await link(manager, subject, /./);
    }

    // The impostor.
    const asked = await (await mails(manager, /^Is it really/)).count();
    const used = await (await mails(manager, /^The pass for your account/)).count();
    const impostor = await open(t, browser);
    const second = await ask(impostor);

    // Who answers the phone is not shown the number that stands on the impostor's screen, and a wrong one is refused.
    const desk = await open(t, browser);
    await enterDev(desk, dev, "/console/recovery");
    await desk.locator("main").getByRole("link", { name: "Mira Okafor" }).first().click();
    await desk.getByRole("radio", { name: /In person/ }).check();
    await desk.getByLabel("The number that they read to you").fill("R-AAAAAA");
    await desk.getByRole("button", { name: "It’s them" }).click();
    await desk.getByText("That is not the number of this case.").first().waitFor();
    const mine = new URL(desk.url()).pathname.replace(/\/proof$/, "");
    const person = new URL(await desk.locator("main").getByRole("link", { name: "Mira Okafor" }).first().evaluate((a) => a.href)).pathname;
    for (const path of [mine, `${mine}/refuse`, person, `/console/recovery/new?person=${person.split("/").pop()}`, "/console/recovery"]) {
      await desk.goto(server.url + path);
      assert.ok(!(await desk.locator("html").innerHTML()).includes(second), `${path} shows the number`);
    }
    await desk.goto(server.url + mine);
    for (const shape of shapes) {
      await look(desk, "case-desk", shape);
    }

    // Who says who asks without the number may add it later.
    await desk.getByRole("radio", { name: /In person/ }).check();
    await desk.getByRole("button", { name: "It’s them" }).click();
    await desk.getByLabel("The number that they read to you").fill("R-AAAAAA");
    await desk.getByRole("button", { name: "Add the number" }).click();
    await desk.locator("#theirs[aria-invalid=true]").waitFor();
    for (const shape of shapes) {
      await look(desk, "case-number", shape);
    }

    await approve(manager, second, "me", asked);
    await manager.goto(await link(manager, /^Hand a pass over/, /https:\S+\/recover\/open#\S+/));
    await see(manager, "handover", "handover");
    await press(manager, manager.getByRole("button", { name: "Go on" }));
    await see(manager, "handover-ready", "handover");
    await press(manager, manager.getByRole("button", { name: "Show the pass" }));
    await see(manager, "handover-shown", "handover");
    const stolen = await manager.locator("#passcode").getAttribute("data-pass");
    await impostor.goto(`${server.url}/security-info`);
    await giveName(impostor, who);
    await givePass(impostor, stolen);
    await press(impostor, impostor.locator("button[name=stay][value=no]"));
    const victim = await open(t, browser);
    await victim.goto(await link(victim, /^The pass for your account/, /https:\S+\/recover\/not-me#\S+/, used));
    await see(victim, "deny", "deny");
    await press(victim, victim.getByRole("button", { name: "Stop it" }));
    await see(victim, "deny-done", "deny");
    await impostor.goto(`${server.url}/security-info`);
    await at(impostor, "identify");
    await impostor.goto(`${server.url}/recover/case`);
    await see(impostor, "case-frozen", "case");
  });
});
