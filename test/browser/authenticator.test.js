// The authenticator app: a phone in a second browser approves, denies, mistypes, is too late.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { authenticator, register } from "./lib/passkey.js";
import { look } from "./lib/look.js";
import { arrive, at, giveName, givePass, press, signIn } from "./lib/person.js";
import { add, ask, asked, phone, send } from "./lib/phone.js";
import { start } from "./lib/server.js";

const shapes = [
  { widths: [360], themes: ["dark", "light"] },
  { widths: [1280], themes: ["light"] },
];

describe("the authenticator app", { skip }, () => {
  let server, browser;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch({ args: ["--ignore-certificate-errors"] })]);
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  // enrolled returns a desk that is signed out and known, and a phone with a passkey that approves.
  async function enrolled(t) {
    const desk = await open(t, browser);
    const app = await phone(t, browser);
    const pass = await server.pass();
    await authenticator(app);
    await signIn(app, server, pass);
    await register(app, server);
    await signIn(desk, server, pass);
    await add(desk, app, server);
    await app.getByRole("link", { name: server.name }).click();
    await app.getByRole("button", { name: "Ask for my passkey when I approve" }).click();
    await app.getByText("counts as two factors").waitFor();
    await app.getByRole("link", { name: "Back" }).click();
    await desk.goto(`${server.url}/security-info`);
    await press(desk, desk.getByRole("link", { name: "Sign out" }));
    await press(desk, desk.locator("form button").first());
    await arrive(desk, server);
    return { desk, app };
  }

  it("approves a sign-in by the number that the page shows", async (t) => {
    const { desk, app } = await enrolled(t);
    await giveName(desk, server.name);
    const number = await ask(desk);
    await asked(app);
    const shown = await app.locator("main").innerText();
    assert.match(shown, /127\.0\.0\.1/);
    assert.match(shown, /Ends at .*, in \d+ seconds/);
    await app.getByLabel("Number on the other screen").fill(number);
    await app.keyboard.press("Enter");
    await app.getByRole("heading", { name: "Approved" }).waitFor();
    await desk.waitForSelector("main[data-step=stay]"); // by itself
    await press(desk, desk.locator("button[name=stay][value=no]"));
    await at(desk, "securityinfo");
  });

  it("tells of a change of the person's methods", async (t) => {
    const { desk, app } = await enrolled(t);
    const other = await phone(t, browser);
    await signIn(desk, server, await server.pass());
    await add(desk, other, server, "A second phone");
    await app.getByText("Authenticator app added").waitFor();
    await look(app, "app-changed", shapes[0]);
  });

  it("is told when the request moves on, and opens without a network", async (t) => {
    const { desk, app } = await enrolled(t);
    await app.evaluate(() => navigator.serviceWorker.ready);
    await app.reload();
    await app.context().setOffline(true);
    await app.reload();
    await app.getByText("No network.").waitFor();
    await app.getByRole("link", { name: server.name }).waitFor();
    await look(app, "app-offline", shapes[0]);
    await giveName(desk, server.name);
    await ask(desk);
    await app.context().setOffline(false);
    await asked(app);
    await app.getByRole("button", { name: "Don’t approve" }).click();
    await app.getByRole("heading", { name: "Not approved" }).waitFor();
  });

  it("is for everybody, by keyboard too", async (t) => {
    const { desk, app } = await enrolled(t);
    for (const shape of shapes) {
      await look(app, "app-list", shape);
    }
    await giveName(desk, server.name);
    await press(desk, desk.getByRole("link", { name: "Other ways to sign in" }));
    await press(desk, desk.getByRole("link", { name: "Authenticator app" }));
    for (const shape of shapes) {
      await look(desk, "authenticator", shape);
    }
    const number = await send(desk, "Send the request");
    await asked(app);
    await look(desk, "authenticator-sent", { widths: [1280], themes: ["light"] });
    await look(app, "app-request", { widths: [360], themes: ["dark", "light"] });
    await app.keyboard.type(number); // the field has the focus
    await app.keyboard.press("Enter");
    await app.getByRole("heading", { name: "Approved" }).waitFor();
    await look(app, "app-approved", { widths: [360], themes: ["light"] });
    await desk.waitForSelector("main[data-step=stay]");
    await press(desk, desk.locator("button[name=stay][value=no]"));
    await app.getByRole("link", { name: "Done" }).click();
    await app.getByRole("link", { name: "Add an account" }).click();
    await look(app, "app-add", { widths: [360], themes: ["dark", "light"] });
    await app.getByRole("link", { name: "Back" }).click();
    await app.getByRole("link", { name: server.name }).click();
    await look(app, "app-account", { widths: [360], themes: ["light"] });
    await app.getByRole("button", { name: "Remove from this phone" }).click();
    await app.getByRole("button", { name: /approves nothing any more/ }).click();
    await app.getByText("Removed.").waitFor();
    await app.getByText("There is none yet.").waitFor();
  });

  it("is added by a pass that is typed on the phone itself", async (t) => {
    const app = await phone(t, browser);
    await app.goto(`${server.url}/authenticator/`);
    await app.getByRole("link", { name: "Add an account" }).click();
    await press(app, app.getByRole("link", { name: "sign in on this phone" }));
    await giveName(app, server.name);
    await givePass(app, await server.pass());
    await press(app, app.locator("button[name=stay][value=no]"));
    await at(app, "register");
    await look(app, "addphone", shapes[0]);
    await app.getByRole("link", { name: "Open the app here" }).click();
    await app.getByRole("button", { name: "Add an account" }).click();
    await app.getByText("Added:").waitFor();
  });

  it("says when it is too late", { skip: process.env.POSTERN_SOAK !== "1" && "it takes a minute: POSTERN_SOAK=1" }, async (t) => {
    const { desk, app } = await enrolled(t);
    await giveName(desk, server.name);
    const number = await ask(desk);
    await asked(app);
    await app.getByRole("heading", { name: "The request has ended" }).waitFor({ timeout: 70_000 });
    await desk.getByText("The request wasn’t approved.").waitFor();
    assert.notEqual(await desk.locator(".match-number bdi").innerText(), number);
  });

  it("can be installed", async (t) => {
    const app = await phone(t, browser, { locale: "de-DE" });
    await app.goto(`${server.url}/authenticator/`);
    await app.getByText("Noch gibt es keines.").waitFor();
    const manifest = await (await app.request.get(new URL(await app.locator("link[rel=manifest]").getAttribute("href"), app.url()).href, { headers: { "accept-language": "de" } })).json();
    assert.equal(manifest.start_url, "/authenticator/");
    assert.equal(manifest.lang, "de");
    const icon = await app.request.get(new URL(manifest.icons[0].src, app.url()).href);
    assert.equal(icon.headers()["content-type"], "image/svg+xml");
  });

  // The last one: what it reports holds requests back from here on.
  it("refuses what is denied, mistyped, answered twice and not this person's", async (t) => {
    const { desk, app } = await enrolled(t);
    await giveName(desk, server.name);
    await ask(desk);
    await asked(app);
    await app.getByRole("button", { name: "Don’t approve" }).click();
    await app.getByRole("heading", { name: "Not approved" }).waitFor();
    await desk.getByText("The request wasn’t approved.").waitFor(); // at once: the desk is known
    await app.getByRole("link", { name: "Done" }).click();

    const number = await send(desk, "Send again");
    await asked(app);
    const twin = await app.context().newPage(); // the same phone, a second window
    await twin.goto(`${server.url}/authenticator/`);
    await asked(twin);
    await app.getByLabel("Number on the other screen").fill(number === "10" ? "11" : "10");
    await app.getByRole("button", { name: "Approve", exact: true }).click();
    await app.getByText("That was not the number").waitFor();
    await twin.getByRole("heading", { name: "The request has ended" }).waitFor();
    await twin.close();
    await desk.getByText("The request wasn’t approved.").waitFor();
    await app.getByRole("link", { name: "Done" }).click();

    await send(desk, "Send again");
    await asked(app);
    await app.getByRole("button", { name: "This wasn’t me" }).click();
    await app.getByRole("heading", { name: "Stopped" }).waitFor();
    await desk.getByText("The request wasn’t approved.").waitFor();
  });
});
