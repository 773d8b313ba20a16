// Every page that a sign-in shows: for everybody, in both themes, narrow and wide.
// POSTERN_SOAK=1 looks at all of it; otherwise each theme is seen in one width.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { at, press } from "./lib/person.js";
import { look } from "./lib/look.js";
import { start } from "./lib/server.js";

const soak = process.env.POSTERN_SOAK === "1";
const shapes = soak
  ? [{ widths: [360, 1280], themes: ["light", "dark"] }]
  : [
      { widths: [360], themes: ["dark"] },
      { widths: [1280], themes: ["light"] },
    ];

describe("the pages", { skip }, () => {
  let server, browser, pass;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    pass = await server.pass();
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  for (const locale of soak ? ["en-GB", "de-DE"] : ["en-GB"]) {
    const language = locale.slice(0, 2);

    it(`work for everybody, in ${language}`, async (t) => {
      const page = await open(t, browser, { locale });
      const see = async (name, step) => {
        await at(page, step);
        assert.equal(await page.locator("html").getAttribute("lang"), language);
        if (language !== "en") {
          assert.equal(await page.locator("main [lang=en]").count(), 0, `${name} is not translated`);
        }
        assert.doesNotMatch(await page.locator("main").innerText(), /: *\.|, *\./, `${name} has a gap in a sentence`);
        for (const shape of shapes) {
          await look(page, `${name}-${language}`, shape);
        }
      };
      const send = (value) => press(page, page.locator(`button${value ?? ".primary"}`).first());
      const fill = async (field, text) => {
        await page.locator(`[name=${field}]`).fill(text);
        await send();
      };

      await page.goto(server.url);
      await see("home", "home");
      await page.goto(`${server.url}/signin?t=0123abcd`);
      await see("error", "error");
      await page.goto(`${server.url}/security-info`);
      await see("identify", "identify");
      await fill("username", "admin");
      await see("identify-refused", "identify");
      await fill("username", server.name);
      await see("accesspass", "accesspass");
      await fill("accesspass", "ABCDEFGHJKLM");
      await see("accesspass-refused", "accesspass");
      await page.goto(`${page.url()}&go=methods`);
      await see("methods", "methods");
      await page.goto(page.url().replace("go=methods", "go=accesspass"));
      await fill("accesspass", pass);
      await see("stay", "stay");
      await send("[value=no]");
      await see("securityinfo", "securityinfo");
      await page.goto(server.url);
      await see("home-signed-in", "home");
    });

    it(`hold a name as long as a name may be, in ${language}`, async (t) => {
      const page = await open(t, browser, { locale });
      await page.goto(`${server.url}/security-info`);
      await page.locator("[name=username]").fill(`${"longname".repeat(8)}@contoso.example`);
      await press(page, page.locator("button.primary"));
      await at(page, "accesspass");
      await look(page, `accesspass-long-${language}`, { widths: [360], themes: ["light"] });
    });
  }
});
