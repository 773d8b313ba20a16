// @simplewebauthn: what its server says of the options and answers of our passkeys, and what we
// say of the answers of its browser library.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { verifyAuthenticationResponse, verifyRegistrationResponse } from "@simplewebauthn/server";
import { authenticator } from "../test/browser/lib/passkey.js";
import { skip, start } from "./lib/browser.js";
import { graph, person, signIns, url } from "./lib/tenant.js";

const library = readFileSync(new URL("node_modules/@simplewebauthn/browser/dist/bundle/index.umd.min.js", import.meta.url), "utf8");

describe("@simplewebauthn", { skip }, () => {
  const expected = { expectedOrigin: new URL(url).origin, expectedRPID: new URL(url).hostname, requireUserVerification: true };
  let browser;
  before(async () => {
    browser = await start();
  });
  after(() => browser?.stop());

  // opened returns a page of ours that asks for no passkey itself, and an authenticator.
  async function opened(t) {
    const page = await browser.open(t);
    await authenticator(page);
    await page.goto(`${url}/errors/credentialRefused`);
    return page;
  }

  // call runs a function of the library in the page.
  async function call(page, name, options) {
    await page.evaluate(library);
    return page.evaluate(([name, options]) => SimpleWebAuthnBrowser[name](options), [name, options]);
  }

  it("agrees with us on a registration through Graph, and on a sign-in with that key", async (t) => {
    const page = await opened(t);
    const mira = await person();
    const methods = `/users/${mira.id}/authentication/fido2Methods`;
    const { publicKey } = await graph("GET", `${methods}/creationOptions(challengeTimeoutInMinutes=5)`);

    const registered = await call(page, "startRegistration", { optionsJSON: publicKey });
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      ...expected,
      response: registered,
      expectedChallenge: publicKey.challenge,
      supportedAlgorithmIDs: publicKey.pubKeyCredParams.map(({ alg }) => alg),
    });
    assert.ok(verified && registrationInfo.userVerified);
    const made = await graph("POST", methods, { displayName: "Made from outside", publicKeyCredential: registered });
    assert.equal(made.aaGuid, registrationInfo.aaguid);
    assert.equal((await graph("GET", methods)).value.length, 1);

    const signIn = await page.request.get(`${url}/security-info`);
    const optionsJSON = JSON.parse(/data-options="([^"]+)"/.exec(await signIn.text())[1].replaceAll("&#34;", '"'));
    const signed = await call(page, "startAuthentication", { optionsJSON });
    const checked = await verifyAuthenticationResponse({
      ...expected,
      response: signed,
      expectedChallenge: optionsJSON.challenge,
      credential: registrationInfo.credential,
    });
    assert.ok(checked.verified && checked.authenticationInfo.userVerified);

    const answer = await page.request.post(signIn.url(), { form: { assertion: JSON.stringify(signed) } });
    assert.match(await answer.text(), /data-step="stay"/);
    const done = await page.request.post(signIn.url(), { form: { stay: "no" } });
    assert.match(await done.text(), /data-step="securityinfo"/);
    const [event] = await signIns(mira);
    assert.equal(event.userPrincipalName, mira.name);
  });
});
