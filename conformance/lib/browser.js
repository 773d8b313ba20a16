// A browser that trusts the tenant's CA because its store of certificates names it, as an
// administrator would have it. Verification is never switched off.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { launch, open as openPage, skip as noBrowser } from "../../test/browser/lib/browser.js";
import { at, giveName, givePass, press } from "../../test/browser/lib/person.js";
import { need } from "./needs.js";
import { ca } from "./tenant.js";

export { at, press };

// skip is given to each describe that needs the browser.
export const skip = noBrowser || need("libnss3-tools", "certutil");

const run = promisify(execFile);

// start starts Chromium in a home of its own. The result has the functions open, which
// returns a fresh page for the test t, and stop.
export async function start({ trusting = true } = {}) {
  const home = await mkdtemp(path.join(tmpdir(), "postern-conformance-"));
  const store = path.join(home, ".pki", "nssdb");
  await mkdir(store, { recursive: true });
  await run("certutil", ["-N", "-d", `sql:${store}`, "--empty-password"]);
  if (trusting) {
    await run("certutil", ["-A", "-d", `sql:${store}`, "-t", "C,,", "-n", "postern", "-i", ca]);
  }
  const browser = await launch({ env: { ...process.env, HOME: home } });
  return {
    open: (t, options = {}) => openPage(t, browser, { ignoreHTTPSErrors: false, ...options }),
    async stop() {
      await browser.close();
      await rm(home, { recursive: true });
    },
  };
}

// signIn opens an address that asks for a sign-in and goes through the pages as person. It
// returns once the browser has left them, for the application.
export async function signIn(page, address, person) {
  await page.goto(String(address));
  await at(page, "identify");
  await giveName(page, person.name);
  await givePass(page, person.pass);
  await at(page, "stay");
  await press(page, page.locator("button[name=stay][value=no]"));
}

// answer types the code that a device shows, signs in as person, and approves or denies.
export async function answer(page, address, code, person, reply = "approve") {
  await page.goto(address);
  await at(page, "device");
  await page.getByRole("textbox").fill(code);
  await press(page, page.locator("main form button"));
  await giveName(page, person.name);
  await givePass(page, person.pass);
  await at(page, "stay");
  await press(page, page.locator("button[name=stay][value=no]"));
  await at(page, "confirm");
  await press(page, page.locator(`button[name=answer][value=${reply}]`));
  await at(page, "done");
}
