// The mailbox of `postern dev`: what would have been sent, read in a browser.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { look } from "./lib/look.js";
import { at } from "./lib/person.js";
import { startDev } from "./lib/server.js";

const shapes =
  process.env.POSTERN_SOAK === "1"
    ? [{ widths: [360, 1280], themes: ["light", "dark"] }]
    : [
        { widths: [360], themes: ["dark"] },
        { widths: [1280], themes: ["light"] },
      ];

describe("the mailbox", { skip }, () => {
  let server, browser;
  before(async () => {
    [server, browser] = await Promise.all([startDev(), launch()]);
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  it("shows what was sent, text and HTML", { timeout: 60_000 }, async (t) => {
    const page = await open(t, browser);
    const links = page.locator("main a");
    await page.goto(server.mailboxUrl);
    await at(page, "mailbox");
    while ((await links.count()) === 0) {
      await page.reload(); // the mail is on its way
    }
    for (const shape of shapes) {
      await look(page, "mailbox", shape);
    }
    await links.first().click();
    await at(page, "mail");
    const letter = page.frameLocator("iframe");
    const words = /made a new pass for admin@contoso\.example/;
    await letter.getByText(words).waitFor();
    await page.getByRole("region", { name: "As text" }).getByText(words).waitFor();
    assert.equal(await page.getByText(server.temporaryAccessPass).count(), 0);
    for (const shape of shapes) {
      await look(page, "mail", shape);
    }
    await page.getByRole("link", { name: "All mail" }).click();
    await at(page, "mailbox");
  });

  it("says so when a mail is not there", async (t) => {
    const page = await open(t, browser);
    await page.goto(`${server.mailboxUrl}/nothing`);
    await at(page, "error");
    assert.equal(await page.locator("main").getAttribute("data-error"), "mailUnknown");
  });
});
