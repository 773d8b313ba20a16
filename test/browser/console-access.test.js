// Conditional Access in the console: a policy from a template to report-only, what it comes to in
// words, who is left out, what if; places and strengths; what each page looks like.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { enterDev } from "./lib/console.js";
import { everywhere, look } from "./lib/look.js";
import { press } from "./lib/person.js";
import { startDev } from "./lib/server.js";

const soak = process.env.POSTERN_SOAK === "1";
// The others are looked at in a soak.
const looked = ["list", "form", "policy"];

describe("Conditional Access in the console", { skip }, () => {
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
    await look(page, `console-access-${name}`, everywhere);
  }

  it("begins with a template, says what it comes to, leaves somebody out, and reports", async (t) => {
    const page = await open(t, browser);
    await enterDev(page, dev, "/console/access");
    await see(page, "empty");
    await press(page, link(page, "Make the first policy"));
    await page.getByText("Begin with a template").click();
    await press(page, link(page, "Require multifactor authentication for all users"));
    await page.getByText("Nobody is left out").waitFor();
    await page.getByLabel("Find people and groups").fill("adm");
    await press(page, page.locator("button[name=go][value=find]").first());
    await see(page, "form");
    await press(page, page.locator("button[value^='add:outUser:']").first());
    assert.equal(await page.getByText("Nobody is left out").count(), 0);
    await press(page, button(page, "Count the sign-ins of the last 7 days"));
    await page.locator("#counted").getByText("Sign-ins looked at").waitFor();
    await press(page, button(page, "Save"));
    await page.getByText("Saved.").waitFor();
    assert.equal(await page.getByText("Report-only").first().isVisible(), true);
    await see(page, "policy");
    await page.goto(`${page.url().split("?")[0].replace(/[^/]*$/, "")}impact`);
    await press(page, button(page, "Count"));
    await page.getByText("Sign-ins looked at").waitFor();
    assert.equal(await page.getByRole("progressbar").count(), 0);
    await page.goBack();
    await page.goBack();
    await press(page, link(page, "Conditional Access").last());
    await see(page, "list");
    await press(page, link(page, "What if"));
    await page.getByLabel("Who (user name)").fill(dev.adminUserPrincipalName);
    await press(page, button(page, "Look"));
    await page.getByText("They get in.").first().waitFor();
    await see(page, "try");
  });

  it("is for what an application asks for, by its name, and for applications by themselves", async (t) => {
    const page = await open(t, browser);
    await enterDev(page, dev, "/console/access/new");
    await page.getByLabel("Name", { exact: true }).fill("Payments");
    await page.getByRole("checkbox", { name: "Everybody" }).check();
    await page.getByText("Authentication contexts", { exact: true }).click();
    await page.getByLabel("Name of a new one").fill("Paying");
    await press(page, button(page, "Make it"));
    assert.ok(await page.getByRole("checkbox", { name: /^Paying/ }).isChecked());
    await see(page, "context");
    await press(page, button(page, "See what it comes to"));
    assert.match(await page.locator("#check dl").innerText(), /To what\s+Paying/);
    await press(page, button(page, "Save"));
    await page.getByText("Saved.").waitFor();
    assert.match(await page.locator("main dl").first().innerText(), /Paying/);

    await page.goto(`${dev.publicUrl}/console/access/new`);
    await page.getByLabel("Name", { exact: true }).fill("Robots stay at home");
    await page.getByRole("radio", { name: /^Applications by themselves/ }).check();
    assert.equal(await page.getByLabel("Find people and groups").isVisible(), false);
    await page.getByLabel("Find applications").first().fill("sample");
    await press(page, page.locator(".for-works button[value=find]"));
    await press(page, page.locator("button[value^='add:work:']").first());
    await page.getByRole("radio", { name: /^Block/ }).check();
    await press(page, page.locator("form#policy p.line button[value=check]"));
    await see(page, "works");
    await press(page, button(page, "Save"));
    await page.getByText("Saved.").waitFor();
    assert.match(await page.locator("main dl").first().innerText(), /Sample application/);

    // Afterwards it is there to be changed, as it was saved.
    await press(page, link(page, "Change"));
    assert.ok(await page.getByRole("radio", { name: /^Applications by themselves/ }).isChecked());
    await press(page, page.locator("button[value^='drop:work:']"));
    await page.getByRole("checkbox", { name: "All applications of this organisation" }).check();
    await press(page, page.locator("form#policy p.line button[value=check]"));
    await press(page, button(page, "Save"));
    await page.getByText("Saved.").waitFor();
    assert.match(await page.locator("main dl").first().innerText(), /All applications of this organisation/);
  });

  it("keeps places and strengths", async (t) => {
    const page = await open(t, browser);
    await enterDev(page, dev, "/console/places");
    await press(page, link(page, "Add networks"));
    await page.getByLabel("Name", { exact: true }).fill("Office");
    await page.getByLabel("Networks, one a line").fill("203.0.113.0/24\n2001:db8::/32");
    await see(page, "place");
    await press(page, button(page, "Save"));
    await page.getByText("The place is saved.").waitFor();
    await see(page, "places");
    await page.goto(`${dev.publicUrl}/console/strengths`);
    await see(page, "strengths");
    await press(page, link(page, "New strength"));
    await page.getByLabel("Name", { exact: true }).fill("Keys");
    await page.getByLabel("A passkey", { exact: true }).check();
    await see(page, "strength");
    await press(page, button(page, "Save"));
    await page.getByText("The strength is saved.").waitFor();
  });
});
