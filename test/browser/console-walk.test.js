// Every page of the console that a link leads to, in Chromium: as each of those who work in it, and by somebody
// without a role. Each is looked at (axe, narrow and wide, both themes for who sees most), no request leaves the origin,
// and the browser complains of nothing. POSTERN_SOAK=1 walks; POSTERN_SCREENSHOTS=FOLDER keeps the pictures.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { colleague, enter, enterDev } from "./lib/console.js";
import { everywhere, look } from "./lib/look.js";
import { start, startDev } from "./lib/server.js";

const soak = process.env.POSTERN_SOAK === "1";
const narrow = { widths: [360], themes: ["dark"] };
const most = 400;

// shapeOf names pages that differ by whom or what they are about alike.
function shapeOf(address) {
  const { pathname, searchParams } = new URL(address);
  const path = pathname.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{12,}|[A-Z0-9]{8,}|[^/]+@[^/]+/g, "ID").replace("/console", "");
  return [path, ...[...searchParams.keys()].sort()].join("?");
}

// walk opens one page of each shape that links lead to, and returns the names of the shapes.
async function walk(page, origin, name, shape) {
  const seen = new Map();
  const waiting = [`${origin}/console/`];
  const wrong = [];
  page.on("console", (message) => message.type() === "error" && wrong.push(`${page.url()}: ${message.text()}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(origin) && !/^(data|blob):/.test(request.url())) {
      wrong.push(`${page.url()} asks ${request.url()}`);
    }
  });
  while (waiting.length > 0 && seen.size < most) {
    const address = waiting.shift();
    const of = shapeOf(address);
    if (seen.has(of)) {
      continue;
    }
    seen.set(of, address);
    const head = await page.request.get(address, { maxRedirects: 0 });
    if (!(head.headers()["content-type"] ?? "").startsWith("text/html")) {
      assert.ok(head.status() < 400, `${address} answers ${head.status()}`);
      continue;
    }
    const answer = await page.goto(address, { waitUntil: "domcontentloaded" });
    if (answer.status() >= 400) {
      wrong.push(`${name}: ${address} is offered and answers ${answer.status()}`);
      continue;
    }
    assert.equal(await page.locator("h1").count(), 1, address);
    await look(page, `walk-${name}${of.replaceAll(/[/?]+/g, "-").replaceAll(/[^\w.-]/g, "")}`, shape);
    for (const next of await page.locator("a[href]").evaluateAll((all) => all.map((one) => one.href))) {
      const { origin: at, pathname } = new URL(next);
      if (at === origin && pathname.startsWith("/console/") && !/\/assets\/|\/signout|\/live$/.test(pathname)) {
        waiting.push(next.replace(/#.*/, ""));
      }
    }
  }
  assert.deepEqual(wrong, []);
  return [...seen.keys()];
}

describe("every page of the console", { skip: skip || !soak }, () => {
  let dev, server, browser;
  before(async () => {
    [dev, server, browser] = await Promise.all([startDev(), start(), launch()]);
  });
  after(() => Promise.all([dev?.stop(), server?.stop(), browser?.close()]));

  it("opens for a Global Administrator, in every theme and width", async (t) => {
    const page = await open(t, browser);
    await enterDev(page, dev, "/console/people");
    const pages = await walk(page, dev.publicUrl, "global", everywhere);
    assert.ok(pages.length > 80, `${pages.length} pages: ${pages}`);
  });

  for (const [nick, ...roles] of [
    ["helpdesk", "Helpdesk Administrator"],
    ["authentication", "Authentication Administrator"],
    ["policy", "Authentication Policy Administrator"],
    ["reader", "Global Reader"],
    ["ordinary"],
  ]) {
    it(`opens for ${roles[0] ?? "somebody without a role"}, as far as it is offered`, async (t) => {
      const page = await open(t, browser);
      const someone = await colleague(server, nick, ...roles);
      await enter(page, server, someone, "/console/");
      if (roles.length === 0) {
        assert.match(await page.locator("main").innerText(), /role|not for you|may not/i);
        await look(page, "walk-ordinary", narrow);
        return;
      }
      const pages = await walk(page, server.url, nick, narrow);
      assert.ok(pages.length > 5, `${pages}`);
    });
  }
});
