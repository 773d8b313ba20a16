// oauth4webapi by itself: each step of the protocols checked by the letter, with the
// strictness that openid-client leaves to it, and the answers to what is wrong.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import * as oauth from "oauth4webapi";
import { signIn, skip, start } from "./lib/browser.js";
import { listen } from "./lib/receiver.js";
import { automation, developerCLI, issuer, person, url } from "./lib/tenant.js";

const client = { client_id: developerCLI };
const scope = "openid profile offline_access User.Read";

describe("oauth4webapi", { skip }, () => {
  let browser, back, mira, server;
  before(async () => {
    [browser, back, mira] = await Promise.all([start(), listen(), person()]);
    const at = new URL(issuer);
    server = await oauth.processDiscoveryResponse(at, await oauth.discoveryRequest(at));
  });
  after(() => Promise.all([browser?.stop(), back?.stop()]));

  it("finds what it needs in the discovery document, and nothing weak", () => {
    assert.equal(server.issuer, issuer);
    assert.deepEqual(server.code_challenge_methods_supported, ["S256"]);
    assert.equal(server.authorization_response_iss_parameter_supported, true);
    assert.ok(!server.response_types_supported.some((type) => type.split(" ").includes("token")));
    assert.ok(!server.grant_types_supported.includes("password"));
    for (const list of [server.id_token_signing_alg_values_supported, server.dpop_signing_alg_values_supported]) {
      assert.ok(list.length > 0 && !list.includes("none") && !list.some((alg) => alg.startsWith("HS")));
    }
  });

  // code signs mira in and returns the answer's parameters, checked, and the verifier.
  async function code(t, more = {}) {
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const to = new URL(server.authorization_endpoint);
    to.search = new URLSearchParams({
      client_id: client.client_id,
      response_type: "code",
      redirect_uri: back.url,
      scope,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      ...more,
    });
    await signIn(await browser.open(t), to, mira);
    const { url: came } = await back.next();
    assert.throws(() => oauth.validateAuthResponse(server, client, came, oauth.generateRandomState()));
    return { parameters: oauth.validateAuthResponse(server, client, came, state), verifier };
  }

  const redeem = (parameters, verifier, options) =>
    oauth.authorizationCodeGrantRequest(server, client, oauth.None(), parameters, back.url, verifier, options);

  it("walks through code, id token, UserInfo and refresh", async (t) => {
    const nonce = oauth.generateRandomNonce();
    const { parameters, verifier } = await code(t, { nonce, max_age: "600" });
    const response = await redeem(parameters, verifier);
    assert.equal(response.headers.get("cache-control"), "no-store");
    const result = await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: nonce, maxAge: 600, requireIdToken: true });
    await oauth.validateApplicationLevelSignature(server, response);
    const { sub, oid } = oauth.getValidatedIdTokenClaims(result);
    assert.equal(oid, mira.id);

    const info = await oauth.processUserInfoResponse(server, client, sub, await oauth.userInfoRequest(server, client, result.access_token));
    assert.equal(info.email, mira.name);

    const fresh = await oauth.processRefreshTokenResponse(server, client, await oauth.refreshTokenGrantRequest(server, client, oauth.None(), result.refresh_token));
    assert.equal(oauth.getValidatedIdTokenClaims(fresh).sub, sub);
    assert.notEqual(fresh.refresh_token, result.refresh_token);
  });

  it("needs a DPoP proof for every use of a bound token, each once", async (t) => {
    const keys = await oauth.generateKeyPair("ES256");
    const DPoP = oauth.DPoP(client, keys);
    const { parameters, verifier } = await code(t, { dpop_jkt: await DPoP.calculateThumbprint() });
    const stranger = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
    for (const options of [undefined, { DPoP: stranger }]) {
      const refused = await redeem(parameters, verifier, options);
      await assert.rejects(oauth.processAuthorizationCodeResponse(server, client, refused), { name: "ResponseBodyError", status: 400 });
    }
    const result = await oauth.processAuthorizationCodeResponse(server, client, await redeem(parameters, verifier, { DPoP }));
    assert.equal(result.token_type, "dpop");

    // The same proof a second time is a copy.
    let proof;
    const me = new URL(`${url}/v1.0/me`);
    const first = await oauth.protectedResourceRequest(result.access_token, "GET", me, undefined, null, {
      DPoP,
      [oauth.customFetch]: (address, options) => {
        proof = options.headers;
        return fetch(address, options);
      },
    });
    assert.equal(first.status, 200);
    assert.equal((await fetch(me, { headers: proof })).status, 401);
  });

  it("tells a client without its secret to prove itself", async () => {
    const confidential = { client_id: automation.id };
    const parameters = new URLSearchParams({ scope: `${url}/.default` });
    const refused = [
      [oauth.None(), "ResponseBodyError"],
      [oauth.ClientSecretPost("wrong"), "ResponseBodyError"],
      [oauth.ClientSecretBasic("wrong"), "WWWAuthenticateChallengeError"], // RFC 6749 section 5.2
    ];
    for (const [auth, name] of refused) {
      const response = await oauth.clientCredentialsGrantRequest(server, confidential, auth, parameters);
      assert.equal((await response.clone().json()).error, "invalid_client");
      await assert.rejects(oauth.processClientCredentialsResponse(server, confidential, response), { name, status: 401 });
    }
    for (const auth of [oauth.ClientSecretBasic(automation.secret), oauth.ClientSecretPost(automation.secret)]) {
      const response = await oauth.clientCredentialsGrantRequest(server, confidential, auth, parameters);
      assert.ok((await oauth.processClientCredentialsResponse(server, confidential, response)).access_token);
    }
  });

  it("gets no token for a password", async () => {
    const parameters = { username: mira.name, password: mira.pass, scope };
    const response = await oauth.genericTokenEndpointRequest(server, client, oauth.None(), "password", parameters);
    await assert.rejects(oauth.processGenericTokenEndpointResponse(server, client, response), (err) => {
      assert.equal(err.error, "unsupported_grant_type");
      assert.deepEqual(err.cause.error_codes, [70003]);
      return true;
    });
  });
});
