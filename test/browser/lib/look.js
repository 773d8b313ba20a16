// Looks at a page: for everybody (axe), on narrow screens, and into a picture.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// everywhere is each theme in one width, and all of both in a soak.
export const everywhere =
  process.env.POSTERN_SOAK === "1"
    ? [{ widths: [360, 1280], themes: ["light", "dark"] }]
    : [
        { widths: [360], themes: ["dark"] },
        { widths: [1280], themes: ["light"] },
      ];

// look checks the page that is shown, in each width (pixels) and theme of a shape, or of each of several. With
// POSTERN_SCREENSHOTS it leaves NAME-THEME-WIDTH.png in that folder.
export async function look(page, name, shape) {
  if (Array.isArray(shape)) {
    for (const one of shape) {
      await look(page, name, one);
    }
    return;
  }
  const { widths, themes } = shape;
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    for (const colorScheme of themes) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const shown = `${name}-${colorScheme}-${width}`;
      await picture(page, shown);
      assert.deepEqual(await problems(page), [], shown);
      assert.ok(await fits(page), `${shown} scrolls sideways`);
    }
  }
}

// problems returns what axe finds, one line each. The script comes from the test and not
// from the page, so the page's policy does not hold it up.
async function problems(page) {
  if (!(await page.evaluate("typeof axe === 'object'"))) {
    await page.evaluate(axe);
  }
  const { violations } = await page.evaluate('axe.run({ resultTypes: ["violations"] })');
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id}: ${help}: ${target}`));
}

function fits(page) {
  return page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
}

async function picture(page, name) {
  const folder = process.env.POSTERN_SCREENSHOTS;
  if (folder) {
    await mkdir(folder, { recursive: true });
    await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
  }
}
