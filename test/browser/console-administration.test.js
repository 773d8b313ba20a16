// Administration in the console: the tenant, its domains, and how its sign-in pages look.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { colleague, enter } from "./lib/console.js";
import { look } from "./lib/look.js";
import { at, press } from "./lib/person.js";
import { png } from "./lib/picture.js";
import { start } from "./lib/server.js";

const soak = process.env.POSTERN_SOAK === "1";
const shapes = soak
  ? [{ widths: [360, 1280], themes: ["light", "dark"] }]
  : [
      { widths: [360], themes: ["dark"] },
      { widths: [1280], themes: ["light"] },
    ];
const seen = async (page, name, some = shapes) => {
  for (const shape of some) {
    await look(page, name, shape);
  }
};
const logo = png(220, 40, (x, y) => [122, 31, 162, (x % 20 < 14 && y > 6 && y < 34) ? 255 : 0]);
const picture = png(600, 700, (x, y) => [40 + (y >> 3), 20 + (x >> 4), 90 + (y >> 4), 255]);
const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`);

describe("administration", { skip }, () => {
  let server, browser, grace;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    grace = await colleague(server, "grace", "Global Administrator");
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  it("looks after the organization, its domains and what runs", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, grace, "/console/administration");
    await seen(page, "administration");
    await page.getByRole("link", { name: "Organisation" }).click();
    await page.getByLabel("Phone").fill("020 7946 0120");
    await page.getByLabel("When somebody answers").fill("day and night");
    await page.keyboard.press("Enter");
    await page.getByText("Saved.").waitFor();
    await seen(page, "administration-tenant");

    await page.goto(`${server.url}/console/administration/domains`);
    await page.getByLabel("Domain", { exact: true }).fill("corp.internal");
    await press(page, page.getByRole("button", { name: "Add a domain" }));
    assert.match(await page.locator("#record").innerText(), /^postern-domain-verification=/);
    await seen(page, "administration-domain");
    await press(page, page.getByRole("button", { name: "Verify", exact: true }));
    await page.getByText("The DNS does not have the record").waitFor();
    await page.goto(`${server.url}/console/administration/domains`);
    await seen(page, "administration-domains", shapes.slice(0, 1));
    for (const name of ["mail", "keys", "backup", "about"]) {
      await page.goto(`${server.url}/console/administration/${name}`);
      await seen(page, `administration-${name}`, shapes.slice(0, 1));
    }
  });

  it("shows a draft of the branding as one types, and refuses what can't be read or runs", async (t) => {
    const page = await open(t, browser);
    page.on("dialog", () => assert.fail("a script ran"));
    await enter(page, server, grace, "/console/administration/branding");
    const previews = page.locator("#beside .preview");
    await page.getByLabel("Colour of links and buttons").fill("#7a1fa2");
    await page.waitForFunction(() => getComputedStyle(document.querySelector("#beside .preview .button.primary")).backgroundColor === "rgb(122, 31, 162)");
    await page.getByLabel("Text below the form").fill("<img src=x onerror=alert(1)>\nOnly for people of Contoso");
    await previews.first().getByText("Only for people of Contoso").waitFor();
    assert.equal(await page.locator("#beside img").count(), 0);
    await page.getByLabel("Colour of links and buttons").fill("#ffff33");
    await page.locator("#beside").getByText("4.5 are needed").waitFor();
    await seen(page, "administration-branding-pale", shapes.slice(0, 1));
    await page.getByLabel("Colour of links and buttons").fill("#7a1fa2");
    await page.getByLabel("Colour beside the form").fill("#2b1140");
    await page.getByLabel("Hint below the name").fill("As on your badge");
    await page.getByLabel("Address of the terms").fill("javascript:alert(1)");
    await press(page, page.getByRole("button", { name: "Save" }));
    await page.locator("#trouble").getByText("not the address of a page").waitFor();
    assert.equal(await page.getByLabel("Address of the terms").inputValue(), "javascript:alert(1)");
    await page.getByLabel("Address of the terms").fill("https://contoso.example/rules");
    await press(page, page.getByRole("button", { name: "Save" }));
    await page.getByText("The sign-in pages look like this now").waitFor();

    const put = async (slot, name, buffer) => {
      await page.locator(`#${slot}`).setInputFiles({ name, mimeType: "image/png", buffer });
      await press(page, page.locator(`form[action$="/${slot}"] button[value=put]`));
    };
    await put("squareLogo", "logo.png", svg);
    await page.locator("#trouble").getByText("not a picture in PNG or JPEG").waitFor();
    await put("squareLogo", "logo.png", png(600, 10, () => [0, 0, 0, 255]));
    await page.locator("#trouble").getByText("600 × 10 pixels").waitFor();
    await put("bannerLogo", "logo.png", logo);
    await put("backgroundImage", "picture.png", picture);
    await page.locator("form[action$='/backgroundImage'] button[value=remove]").waitFor();
    await seen(page, "administration-branding");

    const outside = await open(t, browser);
    outside.on("dialog", () => assert.fail("a script ran"));
    await outside.goto(`${server.url}/security-info`);
    await at(outside, "identify");
    await outside.locator("[name=username]").fill(grace.name);
    await press(outside, outside.locator("button.primary"));
    await at(outside, "accesspass");
    await seen(outside, "branded-accesspass");
    assert.equal(await outside.locator("header img").getAttribute("alt"), "Contoso");
    assert.equal(await outside.locator("header img").evaluate((i) => i.complete && i.naturalWidth), 220);
    await outside.locator("[name=accesspass]").fill(grace.pass);
    await press(outside, outside.locator("button.primary"));
    await press(outside, outside.locator("button[name=stay][value=no]"));
    await seen(outside, "branded-security-info", shapes.slice(0, 1));
  });

  it("tells a service of what happens, and shows how that went", async (t) => {
    const few = soak ? shapes : shapes.slice(0, 1);
    const page = await open(t, browser);
    await enter(page, server, grace, "/console/administration/webhooks");
    await page.getByRole("link", { name: "Tell a service" }).click();
    await page.getByLabel("Name", { exact: true }).fill(`SIEM "<img src=x onerror=alert(1)>"`);
    await page.getByLabel("Address", { exact: true }).fill(`https://127.0.0.1:9/${"in/".repeat(40)}?key=1`);
    await page.getByRole("button", { name: "Make it" }).click();
    await page.locator("#events-wrong").waitFor();
    await seen(page, "webhooks-form");
    await page.getByRole("checkbox", { name: "A case was opened" }).focus();
    await page.keyboard.press(" ");
    await page.getByRole("button", { name: "Make it" }).focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("Secret").waitFor();
    await seen(page, "webhooks-secret", few);
    await page.getByRole("link", { name: "I have kept it" }).click();
    await page.getByRole("button", { name: "Send a test" }).click();
    await page.locator("#delivery tbody tr").first().waitFor(); // by itself
    await seen(page, "webhooks-message");
    await page.getByRole("link", { name: /^SIEM/ }).click();
    await seen(page, "webhooks-one");
    await page.getByRole("button", { name: "Turn off" }).click();
    await page.getByRole("button", { name: "Turn on" }).waitFor();
    await seen(page, "webhooks-off", few);
    await page.getByRole("link", { name: "Delete the webhook" }).click();
    await seen(page, "webhooks-delete", few);
    await page.goto(`${server.url}/console/administration/webhooks`);
    await seen(page, "webhooks", few);
  });

  it("puts mails into words of one's own, shows them as one types, and says what is wrong", async (t) => {
    const few = soak ? shapes : shapes.slice(0, 1);
    const page = await open(t, browser);
    page.on("dialog", () => assert.fail("a script ran"));
    await enter(page, server, grace, "/console/administration/mail/templates");
    await page.getByRole("link", { name: "A way to sign in was added" }).click();
    await page.getByLabel("Another language").fill("fr");
    await page.keyboard.press("Enter");
    await page.getByText("for people who prefer fr").waitFor();
    const letter = page.frameLocator("#beside iframe");
    await letter.getByText("Hello Nils Holm").waitFor();

    await page.getByLabel("Subject").fill("Ajouté : {{method}}");
    await page.getByLabel("Body").fill("Bonjour {{recipientDisplayName}},\n\n<img src=x onerror=alert(1)>\n\nle {{time}}."); // without what happened
    await page.locator("#beside [role=status]").getByText("The body has to have {{method}}.").waitFor();
    await page.getByLabel("Body").fill("Bonjour {{recipientDisplayName}},\n\n<img src=x onerror=alert(1)>\n\n{{method}}, le {{time}}.");
    await letter.getByText("Bonjour Nils Holm").waitFor(); // nothing was pressed
    await letter.getByText("<img src=x onerror=alert(1)>").waitFor();
    assert.equal(await letter.locator("img").count(), 0);
    await letter.getByText("open this link within").waitFor();
    await page.getByLabel("Notice at the end").fill("Pas vous ? {{id}}");
    await page.locator("#beside [role=status]").getByText("The notice has to have {{link}}.").waitFor();
    await page.getByLabel("Notice at the end").fill("Pas vous ?\n\n{{link}}\n\n{{id}}");
    await letter.getByText("Pas vous ?").waitFor();
    assert.equal(await letter.getByText("open this link within").count(), 0);
    await letter.getByText("Passkey, le").waitFor();
    await seen(page, "mail-words");
    await press(page, page.getByRole("button", { name: "Save" }));
    await page.getByText("These are your words").waitFor();
    assert.equal(await page.getByLabel("Subject").inputValue(), "Ajouté : {{method}}");

    // What a way to sign in is called is said once for all mails.
    await page.goto(`${server.url}/console/administration/mail/templates`);
    await page.getByRole("listitem").filter({ hasText: "A way to sign in was added" }).getByText("fr", { exact: true }).waitFor();
    await page.getByRole("link", { name: "Names and sentences in all mails" }).click();
    await page.goto(`${page.url()}?language=fr`);
    const lines = page.getByLabel("Names and sentences");
    const product = await lines.inputValue();
    assert.match(product, /^passkey: Passkey$/m);
    assert.match(product, /^passIssuedOnce: It works once, from {{startTime}} to {{endTime}}\./m);
    await lines.fill("passkey: Clé d’accès\npassIssuedOnce: Une fois, jusqu’à {{endTime}}.");
    await page.locator("#beside [role=status]").getByText("The line of passIssuedOnce has to have {{startTime}}.").waitFor();
    await lines.fill("passkey: Clé d’accès\npassIssuedOnce: Une fois, de {{startTime}} à {{endTime}}.");
    await letter.getByText("Clé d’accès").waitFor();
    await seen(page, "mail-phrases", few);
    await press(page, page.getByRole("button", { name: "Save" }));
    await page.getByText("These are your words").waitFor();
    await page.goto(`${server.url}/console/administration/mail/templates/methodAdded?language=fr-CA`);
    await letter.getByText("Clé d’accès, le").waitFor();

    await page.goto(`${server.url}/console/administration/mail/templates/methodAdded?language=fr`);
    await press(page, page.getByRole("button", { name: "Take my words away" }));
    await letter.getByText("Hello Nils Holm").waitFor();
  });
});
