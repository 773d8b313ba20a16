// Groups, roles and applications in the console: made, found, given and taken, by mouse and by
// keyboard, with names that try to be more than names.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { colleague, enter } from "./lib/console.js";
import { look } from "./lib/look.js";
import { press } from "./lib/person.js";
import { start } from "./lib/server.js";

const soak = process.env.POSTERN_SOAK === "1";
// Each page is seen in every shape in the long run, and in one of two by turns otherwise.
const every = { widths: [360, 1280], themes: ["light", "dark"] };
const turns = [
  { widths: [360], themes: ["dark"] },
  { widths: [1280], themes: ["light"] },
];

// hostile is a name that is markup, a script, an attribute and a change of direction.
const hostile = `"><img src=x onerror="document.title='owned'"><script>document.title='owned'</script>' \u202Egnp.`;

describe("groups, roles and applications", { skip }, () => {
  let server, browser, gina, dana;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    gina = await colleague(server, "gina", "Global Administrator");
    dana = await colleague(server, "dana", "Helpdesk Administrator");
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  let seen = 0;
  const see = async (page, name) => {
    assert.notEqual(await page.title(), "owned", name);
    assert.equal(await page.locator("main img, main script").count(), 0, `${name} holds markup that somebody typed`);
    await look(page, `console-directory-${name}`, soak ? every : turns[seen++ % turns.length]);
    await page.setViewportSize({ width: 1280, height: 800 });
  };
  const main = (page) => page.locator("main");
  const go = (page, name) => press(page, main(page).getByRole("link", { name, exact: true }));
  const send = (page, name) => press(page, main(page).getByRole("button", { name, exact: true }));

  it("are made, changed, deleted and brought back", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, gina, "/console/groups");
    await see(page, "groups-empty");
    await go(page, "Make the first group");
    await see(page, "group-new");
    await page.getByLabel("Name", { exact: true }).fill(hostile);
    await page.getByLabel("Description").fill(hostile);
    await page.locator("[name=membership][value=rule]").check();
    await page.getByLabel("Rule", { exact: true }).fill('device.colour -eq "red"');
    await send(page, "Try the rule");
    await see(page, "group-rule-wrong");
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), hostile.replace("\u202E", ""));
    await page.locator("[name=membership][value=assigned]").check();
    await page.getByLabel("Rule", { exact: true }).fill("");
    await send(page, "Make the group");
    await page.getByText("The group is there").waitFor();

    // Search as one types, and add by keyboard alone.
    await go(page, "Add a member");
    await page.locator("main input:focus").waitFor();
    await page.keyboard.type("dan");
    await page.getByText("dana@contoso.example").waitFor();
    await see(page, "group-add");
    for (let i = 0; i < 4 && !(await page.evaluate(() => document.activeElement.textContent === "Choose")); i++) {
      await page.keyboard.press("Tab");
    }
    await Promise.all([page.waitForEvent("domcontentloaded"), page.keyboard.press("Enter")]);
    await page.getByText("Added.").waitFor();
    await see(page, "group");
    await go(page, "Edit");
    await see(page, "group-edit");
    await page.goBack();
    await go(page, "Delete");
    await see(page, "group-delete");
    await send(page, "Delete the group");
    await see(page, "groups-undo");
    await send(page, "Undo");
    await page.getByText("The group is back").waitFor();
    await page.goto(`${server.url}/console/groups`);
    await see(page, "groups");
    await page.getByLabel("Name of a group").fill("nowhere");
    await page.getByText("Nothing called").waitFor();
    assert.match(page.url(), /q=nowhere/);
    await page.getByLabel("Name of a group").fill("src");
    await page.locator("#found table").waitFor();
    await press(page, page.locator("#found tbody a"));
    await go(page, "Delete");
    await send(page, "Delete the group");
    await page.goto(`${server.url}/console/groups/deleted`);
    await see(page, "deleted");
    await press(page, page.getByRole("link", { name: /^Delete for good/ }));
    await page.getByLabel("Type its name").fill("another");
    await send(page, "Delete for good");
    await see(page, "purge");
    await page.getByLabel("Type its name").fill(hostile);
    await send(page, "Delete for good");
    await page.getByText("Nothing to restore").waitFor();
  });

  it("say what a role comes to before it is given", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, gina, "/console/roles");
    await see(page, "roles");
    await go(page, "Authentication Administrator");
    await see(page, "role-free");
    await go(page, "Give the role");
    await page.locator("main input:focus").waitFor();
    await page.keyboard.type("dana");
    await press(page, page.getByRole("link", { name: /^Choose/ }));
    await page.getByText("can be issued only by").waitFor();
    await see(page, "role-give");
    await send(page, "Give the role");
    await page.getByText("The role is given").waitFor();
    await press(page, page.getByRole("link", { name: /^Take the role from/ }));
    await see(page, "role-take");
    await send(page, "Take the role");
    await page.getByText("Nobody holds this role").waitFor();
    await page.goto(`${server.url}/console/roles`);
    await go(page, "Global Administrator");
    await page.getByText("take a role from yourself").waitFor();
    await see(page, "role-global");
  });

  it("show a new secret once", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, gina, "/console/applications");
    await see(page, "applications");
    await go(page, "New application");
    await see(page, "application-new");
    await page.getByLabel("Name", { exact: true }).fill(hostile);
    await page.getByLabel("Redirect addresses").fill("https://app.example/cb");
    await send(page, "Register the application");
    await page.getByText("The application is there").waitFor();
    const application = page.url().replace(/\?.*/, "");
    await go(page, "New secret");
    await see(page, "secret-new");
    await page.getByLabel("Name", { exact: true }).fill(hostile);
    await send(page, "Make the secret");
    const secret = await page.getByLabel("Secret").inputValue();
    assert.ok(secret.length > 30 && !page.url().includes(secret));
    await see(page, "secret-made");
    await page.reload();
    await page.getByText("can’t be shown again").waitFor();
    assert.ok(!(await page.content()).includes(secret));
    await page.goto(application);
    await go(page, "Grant a permission");
    await page.locator("[name=permission][value='User.Read']").check();
    await see(page, "permission");
    await send(page, "Grant what is chosen");
    await see(page, "application");
    await go(page, "Edit");
    await see(page, "application-edit");
    await page.goBack();
    await go(page, "Add a certificate");
    await see(page, "certificate");
    await page.goBack();
    await press(page, page.getByRole("link", { name: /^Remove/ }).first());
    await see(page, "secret-remove");
    await page.goto(`${application}/delete`);
    await send(page, "Delete the application");
    await see(page, "applications-undo");
  });

  it("offer nothing to who may only look", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, dana, "/console/groups");
    for (const path of ["/console/groups", "/console/roles", "/console/applications", "/console/roles/62e90394-69f5-4237-9190-012177145e10"]) {
      await page.goto(server.url + path);
      assert.equal(await main(page).locator("form[method=post], a[href$=new], a[href$=edit], a[href*='/assign'], a[href*='/take/']").count(), 0, path);
    }
    await page.goto(`${server.url}/console/groups/new`);
    await page.getByText("None of your roles opens this page").waitFor();
  });
});
