// Service providers in JavaScript: node-saml, which Passport uses, and samlify.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { SAML } from "@node-saml/node-saml";
import * as samlify from "samlify";
import { certificate, skip } from "./lib/certificate.js";
import { visitor } from "./lib/forms.js";
import { certificates, endpoint, metadata, samlApplication } from "./lib/saml.js";
import { person, signIns, tenant, unique, url } from "./lib/tenant.js";

const issuer = `${url}/${tenant}/`;
const names = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";

// place is where an application of this name would be.
function place() {
  const host = `https://${unique("sp")}.example`;
  return { entity: `${host}/metadata`, acs: `${host}/acs`, slo: `${host}/slo` };
}

describe("node-saml", { skip }, () => {
  let mira, key, idpCert;
  before(async () => {
    [mira, key, idpCert] = await Promise.all([person(), certificate(), certificates()]);
  });
  const provider = (at, more = {}) =>
    new SAML({
      callbackUrl: at.acs,
      entryPoint: endpoint,
      logoutUrl: endpoint,
      issuer: at.entity,
      audience: at.entity,
      idpIssuer: issuer,
      idpCert,
      privateKey: key.privateKey,
      signatureAlgorithm: "sha256",
      wantAuthnResponseSigned: false,
      wantAssertionsSigned: true,
      validateInResponseTo: "always",
      ...more,
    });

  it("signs a person in by a signed redirect, and both sides out", async () => {
    const at = place();
    const app = await samlApplication({ ...at, key, requestSignatureVerification: { isSignedRequestRequired: true } });
    const sp = provider(at);
    const somebody = visitor(mira);
    const answer = await somebody.follow({ url: await sp.getAuthorizeUrlAsync("state", "", {}) });
    assert.deepEqual([answer.method, answer.url, answer.fields.RelayState], ["POST", at.acs, "state"]);
    const { profile } = await sp.validatePostResponseAsync(answer.fields);
    assert.equal(profile.nameID, mira.name);
    assert.equal(profile[`${names}/givenname`], "Mira");
    const [event] = await signIns(mira);
    assert.equal(event.appId, app.id);

    await assert.rejects(sp.validatePostResponseAsync(answer.fields), "the same answer once more");
    const done = await somebody.follow({ url: await sp.getLogoutUrlAsync(profile, "bye", {}) });
    assert.ok(done.url.startsWith(at.slo), done.url);
    const query = new URL(done.url).search.slice(1);
    const out = await sp.validateRedirectAsync(Object.fromEntries(new URLSearchParams(query)), query);
    assert.ok(out.loggedOut);
    const again = await somebody.follow({ url: await sp.getAuthorizeUrlAsync("", "", {}) });
    assert.equal(again.url, at.acs); // after signing in anew: the session was over
  });

  it("reads an encrypted assertion in a signed response", async () => {
    const at = place();
    await samlApplication({ ...at, key, encrypted: true, settings: { sign: "both", nameIdFormat: "persistent" } });
    const sp = provider(at, { decryptionPvk: key.privateKey, wantAuthnResponseSigned: true, identifierFormat: null });
    const answer = await visitor(mira).follow({ url: await sp.getAuthorizeUrlAsync("", "", {}) });
    assert.ok(!Buffer.from(answer.fields.SAMLResponse, "base64").includes("NameID"));
    const { profile } = await sp.validatePostResponseAsync(answer.fields);
    assert.equal(profile.nameIDFormat, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent");
    assert.notEqual(profile.nameID, mira.name);
  });

  it("is refused with another key, and at an address that is not registered", async () => {
    const at = place();
    await samlApplication({ ...at, key });
    const other = await certificate();
    const forged = provider(at, { privateKey: other.privateKey });
    await assert.rejects(visitor(mira).follow({ url: await forged.getAuthorizeUrlAsync("", "", {}) }), /samlSignatureInvalid/);
    const elsewhere = provider({ ...at, acs: "https://evil.example/acs" });
    await assert.rejects(visitor(mira).follow({ url: await elsewhere.getAuthorizeUrlAsync("", "", {}) }), /samlReplyUnknown/);
  });
});

describe("samlify", { skip }, () => {
  it("reads the metadata, and signs a person in by a posted request and by a redirect", async () => {
    samlify.setSchemaValidator({ validate: () => Promise.resolve("its schemas need Java") });
    const [mira, key] = await Promise.all([person(), certificate()]);
    const at = place();
    await samlApplication({ ...at, key });
    const idp = samlify.IdentityProvider({ metadata: await metadata() });
    const sp = samlify.ServiceProvider({
      entityID: at.entity,
      authnRequestsSigned: false,
      wantAssertionsSigned: true,
      assertionConsumerService: [{ Binding: samlify.Constants.namespace.binding.post, Location: at.acs }],
    });
    assert.equal(idp.entityMeta.getEntityID(), issuer);
    const somebody = visitor(mira);
    const posted = sp.createLoginRequest(idp, "post");
    const first = await somebody.follow({ method: "POST", url: posted.entityEndpoint, fields: { SAMLRequest: posted.context } });
    const { extract } = await sp.parseLoginResponse(idp, "post", { body: first.fields });
    assert.equal(extract.nameID, mira.name);
    assert.equal(extract.response.inResponseTo, posted.id);
    assert.equal(extract.attributes["http://schemas.microsoft.com/identity/claims/objectidentifier"], mira.id);

    const led = sp.createLoginRequest(idp, "redirect");
    const second = await somebody.follow({ url: led.context });
    const parsed = await sp.parseLoginResponse(idp, "post", { body: second.fields });
    assert.equal(parsed.extract.response.inResponseTo, led.id);
  });
});
