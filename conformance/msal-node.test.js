// MSAL for Node.js: Microsoft's library for web servers and for programs on a person's
// machine.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import * as msal from "@azure/msal-node";
import { decodeJwt } from "jose";
import { answer, signIn, skip, start } from "./lib/browser.js";
import { certificate, skip as noCertificates } from "./lib/certificate.js";
import { listen } from "./lib/receiver.js";
import { application, automation, developerCLI, graph, permit, person, signIns, tenant, url } from "./lib/tenant.js";

// auth is the one setting that differs from those for Microsoft's cloud: the authority is
// named as known, so that the library does not ask Microsoft about it.
const auth = (clientId, more) => ({
  auth: { clientId, authority: `${url}/${tenant}`, knownAuthorities: [new URL(url).host], ...more },
});

const everything = [`${url}/.default`];
const scopes = ["User.Read"];

// me asks Graph who the owner of a token is.
async function me(token) {
  const response = await fetch(`${url}/v1.0/me`, { headers: { Authorization: `Bearer ${token}` } });
  return response.ok ? (await response.json()).userPrincipalName : response.status;
}

describe("@azure/msal-node, for itself", { skip: noCertificates }, () => {
  it("gets a token by a secret, and keeps it", async () => {
    const app = new msal.ConfidentialClientApplication(auth(automation.id, { clientSecret: automation.secret }));
    const first = await app.acquireTokenByClientCredential({ scopes: everything });
    const claims = decodeJwt(first.accessToken);
    assert.deepEqual([claims.appid, claims.idtyp, claims.appidacr, claims.tid], [automation.id, "app", "1", tenant]);
    assert.ok(claims.roles.includes("User.ReadWrite.All"));
    const second = await app.acquireTokenByClientCredential({ scopes: everything });
    assert.deepEqual([second.fromCache, second.accessToken], [true, first.accessToken]);
  });

  it("is refused with a wrong secret", async () => {
    const app = new msal.ConfidentialClientApplication(auth(automation.id, { clientSecret: "wrong" }));
    await assert.rejects(app.acquireTokenByClientCredential({ scopes: everything }), (err) => {
      assert.equal(err.errorCode, "invalid_client");
      assert.match(err.message, /AADSTS7000215/);
      return true;
    });
  });

  it("gets a token by a certificate, and none by another one", async () => {
    const registered = await certificate();
    const app = await application({});
    await graph("PATCH", `/applications/${app.objectId}`, { keyCredentials: [registered.credential] });
    await permit(app, "User.Read.All");
    const by = ({ thumbprintSha256, privateKey }) =>
      new msal.ConfidentialClientApplication(auth(app.id, { clientCertificate: { thumbprintSha256, privateKey } }));
    const { accessToken } = await by(registered).acquireTokenByClientCredential({ scopes: everything });
    const claims = decodeJwt(accessToken);
    assert.deepEqual([claims.appidacr, claims.roles], ["2", ["User.Read.All"]]);
    const other = await certificate();
    await assert.rejects(by(other).acquireTokenByClientCredential({ scopes: everything }), /AADSTS700027/);
  });
});

describe("@azure/msal-node, for a person", { skip }, () => {
  let browser, back, mira;
  before(async () => {
    [browser, back, mira] = await Promise.all([start(), listen(), person()]);
  });
  after(() => Promise.all([browser?.stop(), back?.stop()]));

  // account checks whose account a result is about.
  const account = (result, owner = mira) => {
    assert.equal(result.account.homeAccountId, `${owner.id}.${tenant}`);
    assert.equal(result.account.username, owner.name);
  };

  // byCode signs a person in to app and returns what the code is redeemed with.
  async function byCode(t, app, owner) {
    const { verifier, challenge } = await new msal.CryptoProvider().generatePkceCodes();
    const request = { scopes, redirectUri: back.callback };
    const to = await app.getAuthCodeUrl({ ...request, codeChallenge: challenge, codeChallengeMethod: "S256" });
    await signIn(await browser.open(t), to, owner);
    return { ...request, code: (await back.next()).url.searchParams.get("code"), codeVerifier: verifier };
  }

  it("signs in to a web application by a code, and refreshes by account", async (t) => {
    const { id, secret } = await application({ secret: true, web: { redirectUris: [back.callback] } });
    const app = new msal.ConfidentialClientApplication(auth(id, { clientSecret: secret }));
    const request = await byCode(t, app, mira);
    const result = await app.acquireTokenByCode(request);
    account(result);
    assert.equal(await me(result.accessToken), mira.name);
    const silent = { account: result.account, scopes };
    assert.equal((await app.acquireTokenSilent(silent)).fromCache, true);
    const fresh = await app.acquireTokenSilent({ ...silent, forceRefresh: true });
    assert.notEqual(fresh.accessToken, result.accessToken);
    assert.equal(await me(fresh.accessToken), mira.name);
    await assert.rejects(app.acquireTokenByCode(request), /AADSTS54005/);
    assert.equal(await me(fresh.accessToken), 401);
  });

  it("says at refresh that the pass is gone", async (t) => {
    const noor = await person("Noor");
    const { id, secret } = await application({ secret: true, web: { redirectUris: [back.callback] } });
    const app = new msal.ConfidentialClientApplication(auth(id, { clientSecret: secret }));
    const result = await app.acquireTokenByCode(await byCode(t, app, noor));
    await noor.revoke();
    const silent = app.acquireTokenSilent({ account: result.account, scopes, forceRefresh: true });
    await assert.rejects(silent, (err) => {
      assert.match(err.message, /AADSTS130507/);
      return true;
    });
    assert.equal(await me(result.accessToken), 401);
    await signIns(noor, 130507);
  });

  it("signs in on a person's machine, through the system's browser", async (t) => {
    const app = new msal.PublicClientApplication(auth(developerCLI));
    const page = await browser.open(t);
    const result = await app.acquireTokenInteractive({
      scopes,
      openBrowser: (to) => signIn(page, to, mira),
    });
    account(result);
    assert.equal(await me(result.accessToken), mira.name);
    const fresh = await app.acquireTokenSilent({ account: result.account, scopes, forceRefresh: true });
    assert.equal(await me(fresh.accessToken), mira.name);
    const [event] = await signIns(mira);
    assert.equal(event.appId, developerCLI);
  });

  it("signs in by a code that is typed on another device", async (t) => {
    const app = new msal.PublicClientApplication(auth(developerCLI));
    const page = await browser.open(t);
    const result = await app.acquireTokenByDeviceCode({
      scopes,
      deviceCodeCallback: ({ verificationUri, userCode }) => answer(page, verificationUri, userCode, mira),
    });
    account(result);
    assert.equal(await me(result.accessToken), mira.name);
  });
});
