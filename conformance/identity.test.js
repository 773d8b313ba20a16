// @azure/identity: the credentials that programs of administrators use.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import {
  AuthorizationCodeCredential,
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  DeviceCodeCredential,
} from "@azure/identity";
import { decodeJwt, SignJWT } from "jose";
import { answer, signIn, skip as noBrowser, start } from "./lib/browser.js";
import { certificate, skip as noCertificates } from "./lib/certificate.js";
import { listen } from "./lib/receiver.js";
import { application, automation, developerCLI, graph, permit, person, tenant, url } from "./lib/tenant.js";

// Where tokens come from; and that Microsoft is not asked whether the place is one of theirs.
const options = { authorityHost: url, disableInstanceDiscovery: true };
const everything = "https://graph.microsoft.com/.default";

async function status(token) {
  return (await fetch(`${url}/v1.0/users?$top=1`, { headers: { Authorization: `Bearer ${token}` } })).status;
}

describe("@azure/identity", { skip: noBrowser || noCertificates }, () => {
  let browser, back, mira;
  before(async () => {
    [browser, back, mira] = await Promise.all([start(), listen(), person()]);
  });
  after(() => Promise.all([browser?.stop(), back?.stop()]));

  it("gets a token by a secret, and none by a wrong one", async () => {
    const { token, expiresOnTimestamp } = await new ClientSecretCredential(tenant, automation.id, automation.secret, options).getToken(everything);
    assert.equal(await status(token), 200);
    const minutes = (expiresOnTimestamp - Date.now()) / 60_000;
    assert.ok(minutes > 55 && minutes <= 60, `it ends in ${minutes} minutes`);
    const wrong = new ClientSecretCredential(tenant, automation.id, "wrong", options);
    await assert.rejects(wrong.getToken(everything), /AADSTS7000215/);
  });

  it("gets a token by a certificate, and by an assertion that it made itself, once", async () => {
    const [registered, app] = await Promise.all([certificate(), application({})]);
    await graph("PATCH", `/applications/${app.objectId}`, { keyCredentials: [registered.credential] });
    await permit(app, "User.Read.All");
    const folder = await mkdtemp(path.join(tmpdir(), "postern-conformance-"));
    const file = path.join(folder, "both.pem");
    await writeFile(file, registered.pem);
    const { token } = await new ClientCertificateCredential(tenant, app.id, file, options).getToken(everything);
    await rm(folder, { recursive: true });
    assert.equal(decodeJwt(token).appidacr, "2");
    assert.equal(await status(token), 200);

    const assertion = await new SignJWT()
      .setProtectedHeader({ alg: "PS256", "x5t#S256": registered.thumbprint })
      .setIssuer(app.id)
      .setSubject(app.id)
      .setAudience(`${url}/${tenant}/v2.0`)
      .setJti(crypto.randomUUID())
      .setExpirationTime("5m")
      .sign(registered.key);
    const own = () => new ClientAssertionCredential(tenant, app.id, async () => assertion, options).getToken(everything);
    assert.equal(await status((await own()).token), 200);
    await assert.rejects(own(), /AADSTS70002/);
  });

  it("redeems the code of a web application", async (t) => {
    const { id, secret } = await application({ secret: true, web: { redirectUris: [back.callback] } });
    const to = new URL(`${url}/${tenant}/oauth2/v2.0/authorize`);
    to.search = new URLSearchParams({
      client_id: id,
      response_type: "code",
      redirect_uri: back.callback,
      scope: "https://graph.microsoft.com/User.Read offline_access openid profile",
    });
    await signIn(await browser.open(t), to, mira);
    const code = (await back.next()).url.searchParams.get("code");
    const credential = new AuthorizationCodeCredential(tenant, id, secret, code, back.callback, options);
    const { token } = await credential.getToken("https://graph.microsoft.com/User.Read");
    assert.equal(decodeJwt(token).oid, mira.id);
  });

  it("signs a person in by a device code", async (t) => {
    const page = await browser.open(t);
    const credential = new DeviceCodeCredential({
      ...options,
      tenantId: tenant,
      clientId: developerCLI,
      userPromptCallback: ({ verificationUri, userCode }) => answer(page, verificationUri, userCode, mira),
    });
    const { token } = await credential.getToken("https://graph.microsoft.com/User.Read");
    assert.equal(decodeJwt(token).oid, mira.id);
  });
});
