// openid-client, and below it oauth4webapi: a certified relying party for OpenID Connect.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createLocalJWKSet, decodeJwt, jwtVerify } from "jose";
import * as client from "openid-client";
import { answer as answerDevice, at, signIn, skip as noBrowser, start } from "./lib/browser.js";
import { certificate, skip as noCertificates } from "./lib/certificate.js";
import { listen } from "./lib/receiver.js";
import { application, developerCLI, graph, graphID, issuer, person, signIns, tenant, url } from "./lib/tenant.js";

const scope = "openid profile email offline_access User.Read";

describe("openid-client", { skip: noBrowser || noCertificates }, () => {
  const device = { id: developerCLI }; // a public client that needs no address
  let browser, back, mira, web;
  before(async () => {
    [browser, back, mira] = await Promise.all([start(), listen(), person()]);
    web = await application({ secret: true, web: { redirectUris: [back.callback, `${back.url}/bye`] } });
  });
  after(() => Promise.all([browser?.stop(), back?.stop()]));

  const discover = (app, auth, metadata = {}) => client.discovery(new URL(issuer), app.id, metadata, auth);

  // flow signs mira in with code and PKCE and returns the address to which the browser
  // came back, and what the code can be redeemed with.
  async function flow(t, config, parameters = {}, address = client.buildAuthorizationUrl) {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const expectedState = client.randomState();
    const expectedNonce = client.randomNonce();
    const page = await browser.open(t);
    const to = await address(config, {
      redirect_uri: back.callback,
      scope,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      state: expectedState,
      nonce: expectedNonce,
      ...parameters,
    });
    await signIn(page, to, mira);
    const answer = await back.next();
    return { page, answer, checks: { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true } };
  }

  async function tokensOf(t, config, parameters) {
    const { page, answer, checks } = await flow(t, config, parameters);
    return { page, tokens: await client.authorizationCodeGrant(config, answer.url, checks) };
  }

  it("is not reached by a browser that does not know the CA", async (t) => {
    const stranger = await start({ trusting: false });
    t.after(() => stranger.stop());
    const page = await stranger.open(t);
    await assert.rejects(page.goto(`${url}/security-info`), /ERR_CERT_AUTHORITY_INVALID/);
  });

  it("signs a person in with a code, PKCE and a secret, and shows who it is", async (t) => {
    const config = await discover(web, client.ClientSecretPost(web.secret));
    const { tokens } = await tokensOf(t, config);
    const claims = tokens.claims();
    assert.equal(claims.iss, issuer);
    assert.equal(claims.aud, web.id);
    assert.equal(claims.tid, tenant);
    assert.equal(claims.oid, mira.id);
    assert.equal(claims.preferred_username, mira.name);
    assert.equal(claims.name, mira.displayName);
    assert.match(tokens.token_type, /^bearer$/i);

    const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
    assert.equal(info.email, mira.name);
    assert.equal(info.given_name, "Mira");

    const access = decodeJwt(tokens.access_token);
    assert.deepEqual(access.amr.filter((each) => each !== "ngcmfa"), ["otp", "mfa"]);
    assert.equal(access.appidacr, "1");
    const [event] = await signIns(mira);
    assert.equal(event.appId, web.id);
  });

  it("checks every signature against the published keys", async (t) => {
    const config = await discover(web, client.ClientSecretBasic(web.secret));
    client.enableNonRepudiationChecks(config);
    const { tokens } = await tokensOf(t, config);
    const keys = createLocalJWKSet(await (await fetch(config.serverMetadata().jwks_uri)).json());
    const id = await jwtVerify(tokens.id_token, keys, { issuer, audience: web.id, algorithms: ["RS256"] });
    assert.equal(id.payload.oid, mira.id);
    const access = await jwtVerify(tokens.access_token, keys, { issuer, audience: graphID, typ: "at+jwt" });
    assert.ok(access.payload.scp.split(" ").includes("User.Read"));
    await assert.rejects(jwtVerify(`${tokens.id_token.slice(0, -4)}AAAA`, keys), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
  });

  it("refuses a code the second time, and ends what the first brought", async (t) => {
    const config = await discover(web, client.ClientSecretPost(web.secret));
    const { answer, checks } = await flow(t, config);
    const tokens = await client.authorizationCodeGrant(config, answer.url, checks);
    await assert.rejects(client.authorizationCodeGrant(config, answer.url, checks), refusal("invalid_grant", 54005));
    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), refusal("invalid_grant"));
    await assert.rejects(client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub), (err) => err.status === 401);
  });

  it("refuses a code with another verifier", async (t) => {
    const config = await discover(web, client.ClientSecretPost(web.secret));
    const { answer, checks } = await flow(t, config);
    const wrong = { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() };
    await assert.rejects(client.authorizationCodeGrant(config, answer.url, wrong), refusal("invalid_grant"));
  });

  it("refuses a code that another application brings", async (t) => {
    const other = await application({ secret: true, web: { redirectUris: [back.callback] } });
    const { answer, checks } = await flow(t, await discover(web, client.ClientSecretPost(web.secret)));
    const config = await discover(other, client.ClientSecretPost(other.secret));
    await assert.rejects(client.authorizationCodeGrant(config, answer.url, checks), refusal("invalid_grant"));
  });

  it("refuses a wrong secret", async () => {
    const config = await discover(web, client.ClientSecretPost("wrong"));
    const parameters = { scope: `${url}/.default` };
    await assert.rejects(client.clientCredentialsGrant(config, parameters), refusal("invalid_client", 7000215));
  });

  it("refreshes with rotation, and ends the family when a token is used twice", async (t) => {
    const config = await discover(web, client.ClientSecretPost(web.secret));
    const { tokens } = await tokensOf(t, config);
    const second = await client.refreshTokenGrant(config, tokens.refresh_token);
    assert.notEqual(second.refresh_token, tokens.refresh_token);
    assert.equal(second.claims().sub, tokens.claims().sub);
    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), refusal("invalid_grant"));
    await assert.rejects(client.refreshTokenGrant(config, second.refresh_token), refusal("invalid_grant"));
  });

  it("says at refresh that the pass is gone", async (t) => {
    const noor = await person("Noor");
    const config = await discover(web, client.ClientSecretPost(web.secret));
    const page = await browser.open(t);
    await signIn(page, client.buildAuthorizationUrl(config, { redirect_uri: back.callback, scope }), noor);
    const answer = await back.next();
    const tokens = await client.authorizationCodeGrant(config, answer.url);
    await noor.revoke();
    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), refusal("invalid_grant", 130507));
    await assert.rejects(client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck), (err) => err.status === 401);
    await signIns(noor, 130507);
  });

  it("binds a public client's tokens to its key by DPoP", async (t) => {
    const app = await application({ publicClient: { redirectUris: ["http://localhost/callback"] } });
    const config = await discover(app, client.None());
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    const { answer, checks } = await flow(t, config, { dpop_jkt: await DPoP.calculateThumbprint() });
    const tokens = await client.authorizationCodeGrant(config, answer.url, checks, undefined, { DPoP });
    assert.equal(tokens.token_type, "dpop");
    assert.equal(decodeJwt(tokens.access_token).cnf.jkt, await DPoP.calculateThumbprint());
    const { sub } = tokens.claims();
    const info = await client.fetchUserInfo(config, tokens.access_token, sub, { DPoP });
    assert.equal(info.sub, sub);
    const me = new URL(`${url}/v1.0/me`);
    const response = await client.fetchProtectedResource(config, tokens.access_token, me, "GET", null, undefined, { DPoP });
    assert.equal((await response.json()).id, mira.id);

    // Without the key, or with another one, nothing works.
    assert.equal((await fetch(me, { headers: { Authorization: `Bearer ${tokens.access_token}` } })).status, 401);
    const thief = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    await assert.rejects(client.fetchUserInfo(config, tokens.access_token, sub, { DPoP: thief }), (err) => err.status === 401);
    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: thief }), { name: "ResponseBodyError" });
    const again = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
    assert.equal(again.token_type, "dpop");
  });

  it("proves itself by a key instead of a secret", async (t) => {
    const { key, credential, thumbprint } = await certificate();
    const app = await application({ web: { redirectUris: [back.callback] } });
    await graph("PATCH", `/applications/${app.objectId}`, { keyCredentials: [credential] });
    const modifyAssertion = (header) => {
      header["x5t#S256"] = thumbprint;
    };
    const config = await discover(app, client.PrivateKeyJwt(key, { [client.modifyAssertion]: modifyAssertion }));
    const { tokens } = await tokensOf(t, config);
    assert.equal(decodeJwt(tokens.access_token).appidacr, "2");
    const other = await certificate();
    const wrong = await discover(app, client.PrivateKeyJwt(other.key));
    await assert.rejects(client.refreshTokenGrant(wrong, tokens.refresh_token), refusal("invalid_client", 700027));
  });

  it("takes a code by form_post", async (t) => {
    const config = await discover(web, client.ClientSecretPost(web.secret));
    const { answer, checks } = await flow(t, config, { response_mode: "form_post" });
    assert.equal(answer.method, "POST");
    assert.equal(answer.url.search, "");
    const request = new Request(back.callback, { method: "POST", body: answer.form });
    const tokens = await client.authorizationCodeGrant(config, request, checks);
    assert.equal(tokens.claims().oid, mira.id);
  });

  it("takes an id token by form_post where the application allows it", async (t) => {
    const settings = { redirectUris: [back.callback], implicitGrantSettings: { enableIdTokenIssuance: true } };
    const app = await application({ web: settings });
    const config = await discover(app, client.None());
    client.useIdTokenResponseType(config);
    const nonce = client.randomNonce();
    const page = await browser.open(t);
    const parameters = { redirect_uri: back.callback, scope: "openid profile", response_mode: "form_post", nonce, state: "here" };
    await signIn(page, client.buildAuthorizationUrl(config, parameters), mira);
    const { form } = await back.next();
    const request = () => new Request(back.callback, { method: "POST", body: form });
    const claims = await client.implicitAuthentication(config, request(), nonce, { expectedState: "here" });
    assert.equal(claims.oid, mira.id);
    assert.equal(form.has("access_token"), false);
    await assert.rejects(client.implicitAuthentication(config, request(), "another", { expectedState: "here" }));
  });

  it("answers a silent request from the session, and says when there is none", async (t) => {
    const config = await discover(web, client.ClientSecretPost(web.secret));
    const silent = () => client.buildAuthorizationUrl(config, { redirect_uri: back.callback, scope, prompt: "none" });
    const fresh = await browser.open(t);
    await fresh.goto(silent().href);
    const refused = (await back.next()).url;
    await assert.rejects(client.authorizationCodeGrant(config, refused), { error: "login_required" });

    const { page, tokens } = await tokensOf(t, config);
    await page.goto(silent().href);
    const again = await client.authorizationCodeGrant(config, (await back.next()).url);
    assert.equal(again.claims().sub, tokens.claims().sub);
  });

  it("signs out and comes back to a registered address only", async (t) => {
    const config = await discover(web, client.ClientSecretPost(web.secret));
    const { page, tokens } = await tokensOf(t, config);
    const bye = { post_logout_redirect_uri: `${back.url}/bye`, id_token_hint: tokens.id_token, state: "left" };
    await page.goto(client.buildEndSessionUrl(config, bye).href);
    assert.equal(page.url(), `${back.url}/bye?state=left`);
    await page.goto(client.buildAuthorizationUrl(config, { redirect_uri: back.callback, scope }).href);
    await at(page, "identify");
    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), refusal("invalid_grant"));

    const foreign = { post_logout_redirect_uri: "https://elsewhere.example/", id_token_hint: tokens.id_token };
    await page.goto(client.buildEndSessionUrl(config, foreign).href);
    await at(page, "signedout");
  });

  it("starts nothing for an address that is not registered", async (t) => {
    const config = await discover(web, client.ClientSecretPost(web.secret));
    const page = await browser.open(t);
    const to = client.buildAuthorizationUrl(config, { redirect_uri: `${back.callback}/../elsewhere`, scope });
    const response = await page.goto(to.href);
    assert.equal(response.status(), 400);
    await at(page, "error");
    assert.match(await page.locator("main").innerText(), /AADSTS50011/);
  });

  it("keeps the request off the address by a pushed one", async (t) => {
    const config = await discover(web, client.ClientSecretPost(web.secret));
    let to;
    const { answer, checks } = await flow(t, config, {}, async (...args) => (to = await client.buildAuthorizationUrlWithPAR(...args)));
    assert.deepEqual([...to.searchParams.keys()].sort(), ["client_id", "request_uri"]);
    const tokens = await client.authorizationCodeGrant(config, answer.url, checks);
    assert.equal(tokens.claims().oid, mira.id);

    const page = await browser.open(t);
    await page.goto(to.href);
    await at(page, "error"); // a request_uri is good once
  });

  it("signs a device in by a code that is typed elsewhere", async (t) => {
    const config = await discover(device, client.None());
    const started = await client.initiateDeviceAuthorization(config, { scope });
    const polling = client.pollDeviceAuthorizationGrant(config, { ...started, interval: 0.2 });
    await answerDevice(await browser.open(t), started.verification_uri, started.user_code, mira);
    const tokens = await polling;
    assert.equal(tokens.claims().oid, mira.id);
    assert.equal(decodeJwt(tokens.access_token).postern_protocol, "deviceCode");
    const info = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
    assert.equal(info.email, mira.name);
  });

  it("tells a device that the person said no", async (t) => {
    const config = await discover(device, client.None());
    const started = await client.initiateDeviceAuthorization(config, { scope });
    await answerDevice(await browser.open(t), started.verification_uri, started.user_code, mira, "deny");
    await assert.rejects(client.pollDeviceAuthorizationGrant(config, { ...started, interval: 0.2 }), refusal("authorization_declined"));
  });
});

// refusal checks an error of the token endpoint.
function refusal(error, code) {
  return (err) => {
    const cause = err.cause ?? {};
    assert.equal(cause.error ?? err.error, error, err.stack);
    if (code) {
      assert.deepEqual(cause.error_codes, [code], JSON.stringify(cause));
    }
    return true;
  };
}
