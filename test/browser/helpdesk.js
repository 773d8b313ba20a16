// The helpdesk's main job, timed: from the letters of a name to a pass that can be read out. The server is one
// that runs as https://localhost, and POSTERN_HELPDESK says {"at", "name", "pass", "typed", "rounds"} in JSON. `go run ./bench -only console`
// runs it over a million people; it prints {"search", "open", "issue", "all"}: medians in milliseconds.
import { launch } from "./lib/browser.js";
import { enter } from "./lib/console.js";

const url = "https://localhost";
const { at, name, pass, typed, rounds } = JSON.parse(process.env.POSTERN_HELPDESK);
const browser = await launch({ args: [`--host-resolver-rules=MAP localhost:443 ${at}`] });
try {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "en-GB" });
  const page = await context.newPage();
  await enter(page, { url }, { name, pass }, "/console/people");
  const took = { search: [], open: [], issue: [], all: [] };
  for (let round = 0; round < rounds; round++) {
    await page.goto(`${url}/console/people`);
    await page.locator("#q").focus();
    const begin = performance.now();
    await page.keyboard.type(typed);
    await page.waitForURL((address) => address.searchParams.get("q") === typed); // what was found is shown, too
    const person = page.locator("#found tbody tr").nth(round).locator("th a");
    await person.waitFor();
    const found = performance.now();
    await person.click();
    await page.waitForURL(/people\/[0-9a-f-]+$/);
    await page.getByRole("link", { name: "Issue a pass" }).click();
    const button = page.getByRole("button", { name: "Issue the pass" });
    await button.waitFor();
    const asked = performance.now();
    await button.click();
    await page.locator("#letters b").first().waitFor();
    const read = performance.now();
    took.search.push(found - begin);
    took.open.push(asked - found);
    took.issue.push(read - asked);
    took.all.push(read - begin);
  }
  const median = (all) => Math.round(all.sort((a, b) => a - b)[Math.floor(all.length / 2)]);
  console.log(JSON.stringify(Object.fromEntries(Object.entries(took).map(([step, all]) => [step, median(all)]))));
} finally {
  await browser.close();
}
