// From a pass to ways of one's own, and back in without help when one is lost; codes and
// passwords. By keyboard, and for everybody (axe).
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { app as codes } from "./lib/codes.js";
import { look } from "./lib/look.js";
import { authenticator } from "./lib/passkey.js";
import { at } from "./lib/person.js";
import { start } from "./lib/server.js";

const commandLine = "d63505a7-8db9-41a0-88f0-78639b447745";
const password = "lantern gravel mosaic";
const shape =
  process.env.POSTERN_SOAK === "1" ? { widths: [360, 1280], themes: ["light", "dark"] } : { widths: [360], themes: ["dark"] };

describe("ways of one's own", { skip }, () => {
  let server, browser, application;
  before(async () => {
    [server, browser, application] = await Promise.all([start(), launch(), listen()]);
    await server.cli("policy", "methods", "set", "SoftwareOath", "--enabled"); // from here on people are asked to register
  });
  after(() => Promise.all([server?.stop(), browser?.close(), application?.stop()]));

  const passwords = (on) => server.cli("policy", "methods", "set", "Password", `--enabled=${on}`);

  // toApplication begins a sign-in to the application.
  async function toApplication(page) {
    const address = new URL(`${server.url}/${server.tenant}/oauth2/v2.0/authorize`);
    const challenge = createHash("sha256").update("v".repeat(43)).digest("base64url");
    address.search = new URLSearchParams({
      client_id: commandLine, redirect_uri: application.url, response_type: "code", scope: "openid",
      state: "s", code_challenge: challenge, code_challenge_method: "S256",
    });
    await page.goto(address.href);
  }

  // passIn looks at the other ways, too, on its way.
  async function passIn(page, person, see = at) {
    await see(page, "identify");
    await type(page, person.name);
    await see(page, "accesspass");
    await choose(page, page.getByRole("link", { name: "Other ways to sign in" }));
    await see(page, "methods");
    await choose(page, page.getByRole("link", { name: "Back", exact: true }));
    await at(page, "accesspass");
    assert.equal(await focus(page), "accesspass");
    await type(page, person.pass);
    await see(page, "stay");
    await choose(page, "button[name=stay][value=no]");
  }

  // keyIn begins anew and uses the key, from the moment that its page asks for it.
  async function keyIn(page, key) {
    await key.present(false);
    await page.context().clearCookies();
    await toApplication(page);
    await at(page, "identify");
    await key.present(true);
    await choose(page, page.getByRole("link", { name: "Use a passkey instead" }));
  }

  // addApp adds an app with codes on the page that is shown, by the key to be typed.
  async function addApp(page) {
    await at(page, "register");
    const app = codes(await page.locator("p.code").innerText());
    assert.equal(await focus(page), "otc");
    await type(page, app.now());
    return app;
  }

  // addPassword sets a password on the person's own page.
  async function addPassword(page) {
    await page.goto(`${server.url}/security-info/add/password`);
    await at(page, "register");
    assert.equal(await focus(page), "newpassword");
    await page.keyboard.type(password);
    await page.keyboard.press("Tab");
    await type(page, password);
    await at(page, "securityinfo");
  }

  // passwordIn gives name and password, and goes as far as the code.
  async function passwordIn(page, person, see = at) {
    await at(page, "identify");
    await type(page, person.name);
    await at(page, "accesspass");
    await choose(page, page.getByRole("link", { name: "Other ways to sign in" }));
    await see(page, "methods");
    await choose(page, page.getByRole("link", { name: "Password", exact: true }));
    await see(page, "password");
    assert.equal(await focus(page), "password");
    await type(page, password);
    await at(page, "accesspass"); // a place that is not known is told nothing of what the person has
    await choose(page, page.getByRole("link", { name: "Other ways to sign in" }));
    await at(page, "methods");
    await choose(page, page.getByRole("link", { name: "Code from an app" }));
    await see(page, "otc");
    assert.equal(await focus(page), "otc");
  }

  it("lead from a pass to the application, and back in and to a new key once the key is lost", async (t) => {
    await passwords(false);
    const person = await server.person("mira");
    const page = await open(t, browser);
    const key = await authenticator(page);
    await key.present(false); // nobody answers what is offered beside the name

    await toApplication(page);
    await passIn(page, person, unspoken);
    await unspoken(page, "register");
    await choose(page, page.getByRole("link", { name: /passkey/i }).first());
    await unspoken(page, "register");
    await key.present(true);
    await choose(page, page.getByRole("button", { name: "Create a passkey" }));
    await unspoken(page, "register");
    assert.equal((await key.credentials()).length, 1);
    await choose(page, page.getByRole("link", { name: "Code from an app" }));
    await unspoken(page, "register");
    const app = await addApp(page);
    await unspoken(page, "register");
    await choose(page, page.getByRole("button", { name: /^Go on/ }));
    assert.match(await page.locator("body").innerText(), /code=/);

    await page.goto(`${server.url}/security-info`);
    await unspoken(page, "securityinfo");
    await choose(page, page.getByRole("link", { name: "Add a way" }).first());
    await unspoken(page, "addway");
    await page.goto(`${server.url}/security-info/lost/key`);
    await unspoken(page, "lost");
    assert.equal((await page.goto(`${server.url}/security-info/add/password`)).status(), 403);
    await unspoken(page, "error");

    // The organisation turns passwords on, and the person sets one.
    await passwords(true);
    await addPassword(page);

    // Later, elsewhere, the key is lost.
    const other = await open(t, browser);
    await other.goto(`${server.url}/security-info`);
    await passwordIn(other, person, seen);
    await type(other, app.next());
    await at(other, "stay");
    await choose(other, "button[name=stay][value=no]");
    await seen(other, "securityinfo");
    await choose(other, other.getByRole("link", { name: "I lost my security key" }));
    await seen(other, "lost");
    assert.ok(await other.getByRole("checkbox").isChecked());
    await choose(other, other.getByRole("button", { name: "Remove and replace" }));
    const spare = await authenticator(other, { transport: "usb" });
    await seen(other, "register");
    await choose(other, other.getByRole("button", { name: "Create a passkey" }));
    await seen(other, "securityinfo");
    assert.equal((await spare.credentials()).length, 1);

    // The new key signs in; the lost one does not.
    await keyIn(other, spare);
    await other.waitForSelector("main[data-step=stay]");
    await keyIn(page, key);
    await page.waitForSelector("main[data-step=passkey][data-error=credentialRefused]");
  });

  it("take a password and a code, each code once", async (t) => {
    await passwords(true);
    const person = await server.person("sam");
    const page = await open(t, browser);
    await page.goto(`${server.url}/security-info`);
    await passIn(page, person);
    await page.goto(`${server.url}/security-info/add/otc`);
    await seen(page, "register");
    const app = await addApp(page);
    await at(page, "securityinfo");
    await addPassword(page);
    await page.context().clearCookies();

    await page.goto(`${server.url}/security-info`);
    await passwordIn(page, person);
    await type(page, app.wrong());
    await refusedCode(page);
    const code = app.next();
    await type(page, code);
    await at(page, "stay");

    // A second browser with the same code, still within its time.
    const other = await open(t, browser);
    await other.goto(`${server.url}/security-info`);
    await passwordIn(other, person);
    await type(other, code);
    await refusedCode(other);
  });
});

// type types into the field that has the focus and sends it by Enter.
async function type(page, text) {
  await page.keyboard.type(text);
  await enter(page);
}

// choose goes to a link or a button by Tab, as far as it takes, and presses Enter.
async function choose(page, what) {
  const target = typeof what === "string" ? page.locator(what) : what;
  const there = () => target.evaluate((element) => element === document.activeElement);
  for (let tries = 0; !(await there()); tries++) {
    assert.ok(tries < 40, `Tab does not lead to ${target}`);
    await page.keyboard.press("Tab");
  }
  await enter(page);
}

async function enter(page) {
  const next = page.waitForEvent("domcontentloaded");
  await page.keyboard.press("Enter");
  await next;
}

function focus(page) {
  return page.evaluate(() => document.activeElement.name);
}

// seen checks that a page is the one, and is for everybody.
async function seen(page, step) {
  await at(page, step);
  await look(page, `ways-${step}`, shape);
}

// unspoken checks, too, that it says nothing of passwords.
async function unspoken(page, step) {
  await seen(page, step);
  assert.doesNotMatch(await page.locator("html").innerText(), /password/i, page.url());
}

async function refusedCode(page) {
  await seen(page, "otc");
  assert.equal(await page.locator("main").getAttribute("data-error"), "credentialRefused");
  assert.equal(await page.locator("[name=otc]").inputValue(), "");
  assert.equal(await focus(page), "otc");
}

// listen is an application on this machine: it shows what it was sent.
async function listen() {
  const listener = createServer((request, response) => response.end(request.url)).listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    url: `http://localhost:${listener.address().port}`,
    stop() {
      listener.closeAllConnections();
      return new Promise((done) => listener.close(done));
    },
  };
}
