// Somebody whose domain is federated, at a device's lock screen. The upstream is a second Postern.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { at, press } from "./lib/person.js";
import { start, startDev } from "./lib/server.js";

const domain = "fabrikam.example";
const commandLine = "d63505a7-8db9-41a0-88f0-78639b447745";

describe("a person of a federated domain at a lock screen", { skip }, () => {
  let home, dev, browser, mira, token, config;

  // graph calls dev's Graph with its administrator's own rights.
  async function graph(page, method, path, data) {
    const response = await page.request.fetch(`${dev.publicUrl}/v1.0${path}`, { method, data, headers: { authorization: `Bearer ${token}` } });
    const text = await response.text();
    assert.ok(response.ok(), `${method} ${path}: ${response.status()} ${text}`);
    return text && JSON.parse(text);
  }

  // signInAdministrator gets their token as the command line does.
  async function signInAdministrator(page) {
    const ask = async (endpoint, form) =>
      (await page.request.post(`${dev.publicUrl}/${dev.tenantId}/oauth2/v2.0/${endpoint}`, { form })).json();
    const code = await ask("devicecode", { client_id: commandLine, scope: `${dev.publicUrl}/.default` });
    await page.goto(code.verification_uri);
    for (const [name, value] of [["otc", code.user_code], ["username", dev.adminUserPrincipalName], ["accesspass", dev.temporaryAccessPass]]) {
      await page.locator(`[name=${name}]`).fill(value);
      await press(page, page.locator("button.primary").first());
    }
    await press(page, page.locator("button[name=stay][value=no]"));
    await press(page, page.locator("button[value=approve]"));
    ({ access_token: token } = await ask("token", { client_id: commandLine, grant_type: "device_code", device_code: code.device_code }));
  }

  before(async () => {
    [home, browser] = await Promise.all([start(domain), launch()]);
    [dev, mira] = await Promise.all([startDev({ SSL_CERT_FILE: home.ca }), home.person("mira")]);
    const back = `${dev.publicUrl}/${dev.tenantId}/federation/oidc/${domain}`;
    const client = (await home.cli("app", "create", "Contoso", "--redirect-uri", back)).stdout.trim();
    const secret = (await home.cli("app", "secret", "add", client)).stdout.trim();
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await signInAdministrator(page);
    await graph(page, "POST", "/domains", { id: domain });
    await graph(page, "POST", `/domains/${domain}/verify`, { postern_withoutDns: true });
    const { id } = await graph(page, "POST", `/domains/${domain}/federationConfiguration`, {
      displayName: "Fabrikam", issuerUri: `${home.url}/${home.tenant}/v2.0`, postern_clientId: client, postern_clientSecret: secret,
      postern_passBeforeFederation: false, postern_createUsers: true,
    });
    config = `/domains/${domain}/federationConfiguration/${id}`;
    await context.close();
  });
  after(() => Promise.all([home?.stop(), dev?.stop(), browser?.close()]));

  // globe goes from a lock screen to the page that follows the name.
  async function globe(page, screen) {
    await page.goto(dev.lockScreens[screen]);
    await page.waitForURL("http://localhost:*/");
    await page.getByRole("button", { name: "Web sign-in", exact: true }).first().click();
    await page.locator("main[data-step=identify]").waitFor();
    await page.locator("[name=username]").fill(mira.name);
    await page.locator("button.primary").click();
  }

  // unlock sets a PIN, and checks that the session opened.
  async function unlock(page) {
    await page.waitForURL("http://localhost:*/new-pin");
    await page.locator("[name=pin]").fill("271828");
    await page.locator("[name=repeat]").fill("271828");
    await Promise.all([page.waitForURL("**/desktop"), page.locator("button.primary").click()]);
    await at(page, "desktop");
    assert.match(await page.locator("body").innerText(), /Session opened/);
  }

  it("goes to the upstream and comes back signed in", async (t) => {
    const page = await open(t, browser);
    await globe(page, 0);
    await page.waitForURL(`${home.url}/**`, { waitUntil: "commit" });
    await page.locator("main[data-step=identify]").waitFor();
    assert.equal(await page.locator("[name=username]").inputValue(), mira.name, "the name is typed twice");
    await press(page, page.locator("button.primary"));
    await page.locator("[name=accesspass]").fill(mira.pass);
    await press(page, page.locator("button.primary"));
    await Promise.all([page.waitForURL(`${dev.publicUrl}/**`, { waitUntil: "commit" }), page.locator("button[name=stay][value=no]").click()]);
    await unlock(page);
    const { value: [last] } = await graph(page, "GET", "/auditLogs/signIns?$top=1");
    assert.deepEqual([last.userPrincipalName, last.deviceDetail.displayName, last.status.errorCode], [mira.name, "LAP-0417", 0]);
  });

  it("is asked for a pass first where the domain says so", async (t) => {
    const page = await open(t, browser);
    await graph(page, "PATCH", config, { postern_passBeforeFederation: true });
    const { temporaryAccessPass: pass } = await graph(page, "POST", `/users/${mira.name}/authentication/temporaryAccessPassMethods`, {});
    await globe(page, 1);
    await page.locator("main[data-step=accesspass]").waitFor();
    assert.ok(page.url().startsWith(`${dev.publicUrl}/`), page.url());
    assert.equal(await page.locator("a[href*='/signin/upstream']").count(), 1, "the upstream is not beside it");
    await page.locator("[name=accesspass]").fill(pass);
    await press(page, page.locator("button.primary"));
    await page.locator("button[name=stay][value=no]").click();
    await unlock(page);
  });
});
