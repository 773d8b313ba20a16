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
import { everywhere, look } from "./lib/look.js";
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

// walk asks for each kind of page that links lead to, from one on, and returns path and status of each.
async function walk(page, first) {
  const kinds = new Set();
  const seen = [];
  const todo = [new URL(first)];
  while (todo.length > 0) {
    const url = todo.shift();
    const parameters = [...url.searchParams.keys()];
    const kind = `${url.pathname.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "{id}")}?${parameters}`;
    if (kinds.has(kind) || parameters.length > 1 || url.origin !== new URL(first).origin || !url.pathname.startsWith("/console/") || url.pathname.startsWith("/console/assets/")) {
      continue;
    }
    kinds.add(kind);
    const answer = await page.request.get(url.href);
    seen.push({ path: `${url.pathname}?${url.searchParams}`, status: answer.status() });
    if (answer.headers()["content-type"]?.startsWith("text/html")) {
      for (const [, href] of (await answer.text()).matchAll(/<a [^>]*?href="([^"]+)"/g)) {
        todo.push(new URL(href.replaceAll("&amp;", "&"), url));
      }
    }
  }
  return seen;
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

  it("offers of another Graph what is there, and asks for nothing else", async (t) => {
    const entra = await startEntra();
    t.after(() => entra.stop());
    const console = await alone("--graph", entra.url, "--authority", entra.url);
    t.after(() => console.stop());
    const page = await open(t, browser);
    await page.goto(`${console.url}/console/`);
    assert.deepEqual(await page.locator("nav").first().getByRole("link").allInnerTexts(), [
      "Home", "People", "Groups and roles", "Applications", "Devices", "Methods", "Conditional Access", "Logs", "Administration",
    ]);
    await page.goto(`${console.url}/console/methods/TemporaryAccessPass`);
    await page.locator("#defaultLength").fill("12");
    await page.locator("button[name=act][value=check]").last().click();
    await page.locator("button[name=act][value=save]").click();
    await page.waitForURL(/done=/);
    assert.equal(await page.locator("#defaultLength").inputValue(), "12");
    const pages = await walk(page, `${console.url}/console/`)
    assert.deepEqual(pages.filter(({ status }) => status !== 200), []);
    for (const section of ["people", "pass", "groups", "roles", "applications", "devices", "methods", "access", "places", "strengths", "logs", "administration"]) {
      assert.ok(pages.some(({ path }) => path.startsWith(`/console/${section}/`) || path.startsWith(`/console/${section}?`)), `nothing leads to ${section}`);
    }
    const expected = [/^400 GET \/postern\/me\/actions:/, /^404 GET \/users\/[^/]+\/manager/];
    assert.deepEqual(entra.refusals.filter((one) => !expected.some((each) => each.test(one))), []);
    assert.deepEqual(entra.calls.filter((one) => /deviceManagement/.test(one)), []);
    for (const path of ["settings", "settings/new", "administration/keys", "logs/seal", "plots/passes/csv"]) {
      const answer = await page.request.get(`${console.url}/console/${path}`);
      assert.equal(answer.status(), 404, path);
    }
  });

  it("lets the helpdesk of another Graph find a person, issue a pass that is shown once, and read the logs", async (t) => {
    const entra = await startEntra([
      ["c4e39bd9-1100-46d3-8c65-fb160da0071f", "Authentication Administrator"],
      ["4a5d8f65-41da-4de4-8968-e035b65339cf", "Reports Reader"],
    ]);
    t.after(() => entra.stop());
    const console = await alone("--graph", entra.url, "--authority", entra.url);
    t.after(() => console.stop());
    const page = await open(t, browser);
    await page.goto(`${console.url}/console/people?q=person+7`);
    await page.getByRole("link", { name: "Person 7", exact: true }).click();
    await page.locator("main").getByText("Red key").first().waitFor();
    await page.locator("a[href$='/signout']").click();
    await page.locator("form button.danger.primary").click();
    await page.waitForURL(/done=people_signed_out/);
    assert.ok(entra.calls.some((one) => /^POST \/users\/[^/]+\/revokeSignInSessions$/.test(one)));
    await page.goto(`${console.url}/console/people/${entra.people[7].id}/pass`);
    const issue = page.locator("#issue button.primary");
    await page.locator("#minutes").fill("600");
    await issue.click();
    await page.locator("main").getByText("outside of the range that the policy allows").first().waitFor();
    assert.equal(await page.locator("#minutes").inputValue(), "600");
    await page.locator("#minutes").fill("90");
    await issue.click();
    await page.waitForURL(/\/pass\/[0-9a-f-]{36}/);
    const shown = async () => (await page.locator("#letters b").allTextContents()).join("");
    assert.equal(await shown(), "K7#mPq+9");
    assert.ok(entra.calls.some((one) => /^POST \/users\/[^/]+\/authentication\/temporaryAccessPassMethods$/.test(one)));
    await page.reload();
    assert.equal(await shown(), "");
    assert.doesNotMatch(await page.content(), /K7#mPq/);
    await page.locator("form[action$='/back'] button").click();
    await page.waitForURL(/\/pass\?done=/);
    assert.ok(entra.calls.some((one) => /^DELETE .*temporaryAccessPassMethods/.test(one)));

    // Whose methods the role does not reach is said, and no pass is offered.
    await page.goto(`${console.url}/console/people/${entra.people[74].id}`);
    await page.getByRole("heading", { name: "Person 74" }).waitFor();
    assert.equal(await page.locator("main a[href$='/pass']").count(), 0);

    await page.goto(`${console.url}/console/logs`);
    await page.locator("main").getByText("Person 7").first().waitFor();
    await page.goto(`${console.url}/console/logs/changes`);
    await page.locator("main").getByText("person7@contoso.onmicrosoft.com").first().waitFor();
  });

  it("makes a person in another Graph, which wants a password, and says why it does not", async (t) => {
    const entra = await startEntra();
    t.after(() => entra.stop());
    const console = await alone("--graph", entra.url, "--authority", entra.url);
    t.after(() => console.stop());
    const page = await open(t, browser);
    const make = async (name) => {
      await page.goto(`${console.url}/console/people/new`);
      await page.locator("#userPrincipalName").fill(name);
      await page.locator("#displayName").fill("Nadia Berg");
      await page.locator("main form button.primary").click();
    };
    await make("nadia@contoso.onmicrosoft.com");
    await page.waitForURL(/done=people_created/);
    await page.getByRole("heading", { name: "Nadia Berg" }).waitFor();
    assert.ok(entra.calls.includes("POST /users"));
    await make("nadia@contoso.onmicrosoft.com");
    await page.locator("main").getByText("already exists").first().waitFor();
    assert.equal(await page.locator("#displayName").inputValue(), "Nadia Berg");
    assert.equal(entra.people.filter(({ displayName }) => displayName === "Nadia Berg").length, 1);
  });

  it("changes, deletes and brings back people and groups of another Graph, and says what it refuses", async (t) => {
    const entra = await startEntra();
    t.after(() => entra.stop());
    const console = await alone("--graph", entra.url, "--authority", entra.url);
    t.after(() => console.stop());
    const page = await open(t, browser);
    const main = page.locator("main");
    const primary = main.locator("form button.primary");
    const go = (path) => page.goto(`${console.url}/console/${path}`);
    const says = async (name, text) => {
      await main.getByText(text).first().waitFor();
      if (name === "412") {
        await look(page, `another-graph-${name}`, everywhere);
      }
    };

    await go("people/new");
    await page.locator("#userPrincipalName").fill("lena@contoso.onmicrosoft.com");
    await page.locator("#displayName").fill("Lena Voss");
    await primary.click();
    await page.waitForURL(/done=people_created/);
    const lena = entra.people.find(({ displayName }) => displayName === "Lena Voss");
    t.after(() => entra.people.includes(lena) && entra.people.splice(entra.people.indexOf(lena), 1));
    const change = async (field, value) => {
      await go(`people/${lena.id}/edit`);
      await page.locator(`#${field}`).fill(value);
      await primary.click();
    };
    for (const [name, status, code, message] of [
      ["403", 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."],
      ["409", 409, "Request_MultipleObjectsWithSameKeyValue", "Another object with the same value for property mail already exists."],
    ]) {
      entra.refuse(status, code, message);
      await change("jobTitle", "Buyer");
      await says(name, message);
      assert.equal(await page.locator("#jobTitle").inputValue(), "Buyer", "what was typed is lost");
      assert.equal(lena.jobTitle, "Seller");
    }
    await go(`people/${lena.id}/edit`);
    await page.locator("#jobTitle").fill("Buyer");
    const failed = [412, "Request_PreconditionFailed", "One or more conditions given in the request header fields evaluated to false."];
    entra.refuse(...failed, () => (lena.department = "Purchasing")); // by somebody else
    await primary.click();
    await says("412", "It is Purchasing now.");
    assert.equal(await page.locator("#jobTitle").inputValue(), "Buyer");
    await change("userPrincipalName", "person3@contoso.onmicrosoft.com");
    await says("taken", "already exists");
    await change("jobTitle", "Buyer");
    await page.waitForURL(/done=people_saved/);
    assert.equal(lena.jobTitle, "Buyer");

    entra.refuse(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
    const remove = main.locator("form button.danger.primary");
    await go(`people/${lena.id}/delete`);
    await remove.click();
    await says("delete-403", "Insufficient privileges");
    assert.ok(entra.people.includes(lena));
    await remove.click();
    await page.waitForURL(/done=people_deleted/);
    assert.ok(!entra.people.includes(lena));
    await go("people/deleted");
    await main.getByText("Lena Voss").waitFor();
    await main.locator("form[action$='/restore'] button").click();
    await page.waitForURL(/done=people_restored/);
    assert.ok(entra.people.includes(lena));
    await go(`people/${lena.id}/delete`);
    await remove.click();
    await page.waitForURL(/done=people_deleted/);
    await go(`people/${lena.id}/purge`);
    await page.locator("#purge-name").fill("Lena Voss");
    await remove.click();
    await page.waitForURL(/done=people_purged/);

    await go("groups/new");
    await page.locator("#displayName").fill("Night shift");
    await primary.click();
    await page.waitForURL(/done=directory_group_made/);
    const group = new URL(page.url()).pathname.split("/").at(-1);
    const add = async () => {
      await go(`groups/${group}/members/add?q=person+3`);
      await page.getByRole("button", { name: "Person 3", exact: false }).first().click();
    };
    await add();
    await page.waitForURL(/done=directory_added_members/);
    await main.getByRole("link", { name: "Person 3", exact: true }).waitFor();
    await add();
    await says("member-twice", "already exist");
    await go(`groups/${group}`);
    await main.locator("form[action$='/members/remove'] button").click();
    await page.waitForURL(/done=directory_removed_members/);
    assert.equal(await main.getByRole("link", { name: "Person 3", exact: true }).count(), 0);
    entra.refuse(...failed, () => (entra.groups.at(-1).description = "From ten to six"));
    await go(`groups/${group}/edit`);
    await page.locator("#displayName").fill("Late shift");
    await primary.click();
    await says("group-412", "From ten to six");
    assert.equal(await page.locator("#displayName").inputValue(), "Late shift");
    await primary.click();
    await page.waitForURL(/done=directory_group_changed/);
    await page.getByRole("heading", { name: "Late shift" }).waitFor();
    await go(`groups/${group}/delete`);
    entra.refuse(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
    await remove.click();
    await says("group-delete-403", "Insufficient privileges");
    await go(`groups/${group}/delete`);
    await remove.click();
    await page.waitForURL(/gone=/);
    await go("groups/deleted");
    await main.locator("form[action$='/restore'] button").click();
    await page.waitForURL(/done=directory_group_restored/);

    // Microsoft 365 groups stay what they are.
    const [office] = entra.groups.splice(0);
    entra.groups.push(office);
    t.after(() => Object.assign(office, { groupTypes: [], description: "Sells" }));
    Object.assign(office, { groupTypes: ["Unified"] });
    await go(`groups/${office.id}/edit`);
    await page.locator("#description").fill("Sells abroad");
    await primary.click();
    await page.waitForURL(/done=directory_group_changed/);
    assert.deepEqual([office.groupTypes, office.description], [["Unified"], "Sells abroad"]);
    assert.deepEqual(entra.refusals.filter((one) => !/already exist|^404 GET \/users\/[^/]+\/manager|^404 .*deletedItems|^400 GET \/postern\/me/.test(one)), []);
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
