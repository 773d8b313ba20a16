// The policies of methods in the console: what a change comes to, two who change the same, and back.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { colleague, enter } from "./lib/console.js";
import { everywhere, look } from "./lib/look.js";
import { press } from "./lib/person.js";
import { start } from "./lib/server.js";

const hostile = `"><img src=x onerror=alert(1)> break glass`;

describe("methods in the console", { skip }, () => {
  let server, browser, pia, tom;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    pia = await colleague(server, "pia", "Global Administrator");
    tom = await colleague(server, "tom", "Authentication Policy Administrator");
    await server.cli("group", "create", hostile);
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  it("says what a change comes to as it is typed, and keeps one from overwriting the other", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, pia, "/console/methods");
    await look(page, "console-methods", everywhere);
    await press(page, page.getByRole("link", { name: "Temporary Access Pass" }));
    await page.getByLabel("Longest life").fill("4");
    await page.getByLabel("Usual life").fill("6");
    await page.getByLabel("Usual life").press("Tab"); // leaves the field, which is a change
    const changes = page.getByRole("complementary", { name: "Before you save" });
    await changes.getByRole("row", { name: /Usual life 1 hour 6 hours/ }).waitFor();
    await changes.getByText("Mend first").waitFor();
    assert.ok(await changes.getByRole("button", { name: "Save 2 changes" }).isDisabled());
    await page.getByLabel("Usual life").press("Enter"); // shows what changes, and saves nothing
    await page.getByText("The usual life lies between").waitFor();
    await look(page, "console-methods-pass", everywhere);

    const other = await open(t, browser);
    await enter(other, server, tom, "/console/methods/TemporaryAccessPass");
    await other.getByLabel("Characters").fill("12");
    await press(other, other.getByRole("button", { name: "Show what changes" }));
    await press(other, other.getByRole("button", { name: "Save 1 change" }));
    await other.getByText("Saved. It holds from now on.").waitFor();

    await page.getByLabel("Usual life").fill("2");
    await page.getByLabel("Characters").fill("10");
    await press(page, page.getByRole("button", { name: "Show what changes" }).last());
    await page.getByRole("heading", { name: "Somebody was quicker" }).waitFor();
    await page.getByText("You both changed it.").waitFor();
    await look(page, "console-methods-quicker", everywhere);
    await page.getByRole("group", { name: "Characters" }).getByRole("radio", { name: /Yours/ }).check();
    await press(page, page.getByRole("button", { name: "Go on with this" }));
    await press(page, page.getByRole("button", { name: "Save 3 changes" }));
    await page.getByText("Saved. It holds from now on.").waitFor();

    await press(page, page.getByRole("link", { name: "History" }));
    await page.getByRole("row", { name: "Characters 12 10" }).waitFor();
    await look(page, "console-methods-history", everywhere);
    await press(page, page.getByRole("link", { name: /Put back/ }).first());
    await page.getByRole("button", { name: "Save 3 changes" }).waitFor();
  });

  it("finds a group as one types, whatever it is called, by keys alone", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, pia, "/console/methods/Fido2");
    await page.getByLabel("Add a group or an exception").focus();
    await page.keyboard.type("break");
    const out = page.getByRole("button", { name: /^Make .* an exception$/ });
    await out.waitFor();
    await out.focus();
    const next = page.waitForEvent("domcontentloaded");
    await page.keyboard.press("Enter");
    await next;
    await page.getByRole("button", { name: "Save 1 change" }).waitFor();
    assert.ok((await page.getByText(hostile).count()) > 0, "the name is not shown as it is");
    assert.equal(await page.locator("main img").count(), 0);
    await look(page, "console-methods-passkeys", everywhere);
    await press(page, page.getByRole("button", { name: "Save 1 change" }));
    await page.getByText("Saved. It holds from now on.").waitFor();
    for (const policy of ["signin", "campaign", "MicrosoftAuthenticator", "Password"]) {
      await page.goto(`${server.url}/console/methods/${policy}`);
      await look(page, `console-methods-${policy}`, everywhere);
    }
  });
});
