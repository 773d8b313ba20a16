// The console by itself: in front of another Postern, and of a Graph that is not Postern's.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import readline from "node:readline";
import { fileURLToPath } from "node:url";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { colleague, enter } from "./lib/console.js";
import { startEntra } from "./lib/entra.js";
import { start } from "./lib/server.js";

const binary = process.env.POSTERN_TEST_BINARY ?? fileURLToPath(new URL("../../bin/postern", import.meta.url));
const client = "1daac634-6d3e-49c8-9c38-6592697d3853";

// alone runs the console in front of a Graph and a sign-in server.
async function alone(...options) {
  const run = spawn(binary, ["console", "--listen", "127.0.0.1:0", "--client-id", client, ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(run, "exit");
  const [line] = await Promise.race([
    once(readline.createInterface(run.stdout), "line"),
    ended.then(([code]) => Promise.reject(new Error(`postern console ended with ${code}`))),
  ]);
  return {
    url: new URL(line).origin,
    async stop() {
      run.kill("SIGTERM");
      const [code] = await ended;
      assert.equal(code, 0);
    },
  };
}

describe("the console alone", { skip }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  it("works in front of another Postern, with all that it has", async (t) => {
    const server = await start();
    t.after(() => server.stop());
    const console = await alone("--graph", server.url, "--authority", server.url, "--ca", server.ca);
    t.after(() => console.stop());
    const dana = await colleague(server, "dana", "Helpdesk Administrator");
    const page = await open(t, browser);
    await enter(page, console, dana, "/console/people?q=dana");
    await page.locator("main").getByText("dana@contoso.example").waitFor();
    assert.equal(new URL(page.url()).origin, console.url);
  });

  it("works in front of another Graph, and asks for permissions as they are needed", async (t) => {
    const entra = await startEntra();
    t.after(() => entra.stop());
    const console = await alone("--graph", entra.url, "--authority", entra.url);
    t.after(() => console.stop());
    const page = await open(t, browser);
    await page.goto(`${console.url}/console/people?q=person`);
    await page.getByRole("link", { name: "Person 0", exact: true }).waitFor();
    assert.ok(entra.scopes.length >= 2, "it asked for everything at once");
    assert.doesNotMatch(entra.scopes[0], /ReadWrite/);
    assert.match(entra.scopes.at(-1), /User\.Read/);
    await page.getByRole("link", { name: "Next 50" }).click();
    await page.getByRole("link", { name: "Person 60", exact: true }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Person 0", exact: true }).count(), 0);

    entra.busy(1);
    await page.goto(`${console.url}/console/people?q=person`);
    await page.getByRole("link", { name: "Person 0", exact: true }).waitFor();
    entra.busy(100);
    const busy = await page.goto(`${console.url}/console/people?q=person`);
    assert.equal(busy.status(), 429);
    entra.busy(0);
    await page.getByRole("link", { name: "Try again" }).click();
    await page.getByRole("link", { name: "Person 0", exact: true }).waitFor();
  });

  it("serves nobody who comes under another name", async (t) => {
    const entra = await startEntra();
    t.after(() => entra.stop());
    const console = await alone("--graph", entra.url, "--authority", entra.url);
    t.after(() => console.stop());
    const { port } = new URL(console.url);
    const answer = await fetch(`http://127.0.0.1:${port}/console/`, { headers: { host: "evil.example" }, redirect: "manual" });
    assert.equal(answer.status, 421);
  });
});
