// mod_auth_openidc and mod_auth_mellon: what many sites put before applications that know
// nothing of OpenID Connect and SAML.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import * as apache from "./lib/apache.js";
import { at, signIn, skip as noBrowser, start } from "./lib/browser.js";
import { certificate } from "./lib/certificate.js";
import { visitor } from "./lib/forms.js";
import { metadata, samlApplication } from "./lib/saml.js";
import { application, person, signIns, tenant } from "./lib/tenant.js";

const page = `<!doctype html><title>Protected</title><main data-step="protected">
<dl><!--#echo var="REMOTE_USER" -->|<!--#echo var="OIDC_CLAIM_oid" -->|<!--#echo var="OIDC_CLAIM_tid" -->|<!--#echo var="OIDC_CLAIM_email" --></dl>
</main>`;
const bye = `<!doctype html><title>Bye</title><main data-step="bye">Bye.</main>`;

describe("mod_auth_openidc", { skip: noBrowser || apache.skip }, () => {
  let browser, server, mira, app, url;
  before(async () => {
    const port = await apache.freePort();
    url = `http://localhost:${port}`;
    [browser, mira] = await Promise.all([start(), person()]);
    app = await application({ secret: true, web: { redirectUris: [`${url}/protected/back`, `${url}/bye.html`] } });
    const pages = { "protected/mira.html": page, "protected/others.html": page, "bye.html": bye };
    const access = `
<Location /protected/mira.html>
  Require claim oid:${mira.id}
</Location>
<Location /protected/others.html>
  Require claim oid:00000000-0000-0000-0000-000000000000
</Location>`;
    server = await apache.start(port, apache.openidc(app), pages, access);
  });
  after(() => Promise.all([server?.stop(), browser?.stop()]));

  it("lets a person in by a pass, hands their claims on, and signs them out", async (t) => {
    const tab = await browser.open(t);
    await signIn(tab, `${url}/protected/mira.html`, mira);
    await at(tab, "protected");
    const [user, oid, tid, email] = (await tab.locator("dl").innerText()).split("|");
    assert.deepEqual([user, oid, tid, email], [mira.name, mira.id, tenant, mira.name]);
    const [event] = await signIns(mira);
    assert.equal(event.appId, app.id);

    await tab.goto(`${url}/protected/back?logout=${encodeURIComponent(`${url}/bye.html`)}`);
    await at(tab, "bye");
    await tab.goto(`${url}/protected/mira.html`);
    await at(tab, "identify");
  });

  it("keeps others out by their claims", async (t) => {
    const tab = await browser.open(t);
    await signIn(tab, `${url}/protected/others.html`, mira);
    assert.equal(await tab.locator("main[data-step=protected]").count(), 0);
    const response = await tab.goto(`${url}/protected/mira.html`);
    assert.equal(response.status(), 200);
  });

  it("takes no answer that it did not ask for", async (t) => {
    const tab = await browser.open(t);
    const response = await tab.goto(`${url}/protected/back?code=stolen&state=forged`);
    assert.ok(response.status() >= 400, `it answers ${response.status()}`);
  });
});

describe("mod_auth_mellon", { skip: apache.skip }, () => {
  const shown = `<!doctype html><title>Protected</title><main data-step="protected">
<dl><!--#echo var="REMOTE_USER" -->|<!--#echo var="OID" -->|<!--#echo var="TID" --></dl>
</main>`;
  let server, mira, app, url;
  before(async () => {
    const port = await apache.freePort();
    url = `http://localhost:${port}`;
    let key;
    [mira, key] = await Promise.all([person(), certificate()]);
    app = await samlApplication({
      entity: `${url}/mellon/metadata`,
      acs: `${url}/mellon/postResponse`,
      slo: `${url}/mellon/logout`,
      key,
      encrypted: true,
      requestSignatureVerification: { isSignedRequestRequired: true },
    });
    server = await apache.start(port, apache.mellon(key, await metadata()), { "protected/mira.html": shown, "bye.html": bye });
  });
  after(() => server?.stop());

  const text = async (response) => assert.equal(response.status, 200, await server.log()) ?? response.text();

  it("lets a person in by a pass, reads an encrypted assertion, and signs them out", async () => {
    const tab = visitor(mira, url);
    const page = await text(await tab.open(`${url}/protected/mira.html`));
    assert.match(page, new RegExp(`<dl>${mira.name}\\|${mira.id}\\|${tenant}</dl>`));
    const [event] = await signIns(mira);
    assert.equal(event.appId, app.id);
    const out = await text(await tab.open(`${url}/mellon/logout?ReturnTo=${encodeURIComponent(`${url}/bye.html`)}`));
    assert.match(out, /data-step="bye"/);
  });

  it("takes no answer that it did not ask for", async () => {
    const tab = visitor(mira, url);
    await tab.open(`${url}/protected/mira.html`);
    const response = await tab.open(`${url}/mellon/postResponse`, { SAMLResponse: "Zm9yZ2Vk" });
    assert.ok(response.status >= 400, `it answers ${response.status}`);
  });
});

describe("mod_auth_mellon in a browser", { skip: noBrowser || apache.skip }, () => {
  it("lets a person in and out", async (t) => {
    const port = await apache.freePort();
    const url = `http://localhost:${port}`;
    const [browser, mira, key] = await Promise.all([start(), person(), certificate()]);
    t.after(() => browser.stop());
    await samlApplication({ entity: `${url}/mellon/metadata`, acs: `${url}/mellon/postResponse`, slo: `${url}/mellon/logout`, key });
    const pages = { "protected/mira.html": `<!doctype html><main data-step="protected"><!--#echo var="REMOTE_USER" --></main>`, "bye.html": bye };
    const server = await apache.start(port, apache.mellon(key, await metadata()), pages);
    t.after(() => server.stop());
    const tab = await browser.open(t);
    await signIn(tab, `${url}/protected/mira.html`, mira);
    await at(tab, "protected");
    assert.equal(await tab.locator("main").innerText(), mira.name);
    await tab.goto(`${url}/mellon/logout?ReturnTo=${encodeURIComponent(`${url}/bye.html`)}`);
    await at(tab, "bye");
    await tab.goto(`${url}/protected/mira.html`);
    await at(tab, "identify");
  });
});
