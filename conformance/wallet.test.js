// A credential that @sd-jwt/sd-jwt-vc issued and presents, by a wallet of @openid4vc/openid4vp, is
// what Postern asks for and takes in a recovery case.
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes, sign, verify, X509Certificate } from "node:crypto";
import { before, describe, it } from "node:test";
import { Openid4vpClient } from "@openid4vc/openid4vp";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import { CompactEncrypt, compactVerify, importJWK, importX509 } from "jose";
import { graph, person, unique, url } from "./lib/tenant.js";

const issuer = "https://hr.example";
const vct = "https://hr.example/employee";
const now = () => Math.floor(Date.now() / 1000);

// key is a key of P-256 with the functions that the SD-JWT library signs by.
function key() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    jwk: publicKey.export({ format: "jwk" }),
    signer: (data) => sign("sha256", Buffer.from(data), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url"),
    verifier: (data, signature) =>
      verify("sha256", Buffer.from(data), { key: publicKey, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url")),
  };
}

// browser keeps cookies and sends forms.
function browser() {
  const cookies = new Map();
  return async (path, fields) => {
    const response = await fetch(new URL(path, url), {
      method: fields ? "POST" : "GET",
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      body: fields && new URLSearchParams(fields),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      cookies.set(name, value);
    }
    return { status: response.status, to: response.headers.get("location"), text: await response.text() };
  };
}

// ask opens a case for somebody and returns the link that opens a wallet.
async function ask(send, name) {
  const page = (await send("/security-info")).to;
  await send(page, { username: name });
  const others = await send(`${page}&go=methods`);
  const help = /href="(\/recover\?t=[0-9a-f]+)"/.exec(others.text)[1];
  await send(help, { lost: "everythingLost" });
  const shown = await send("/recover/case", { ask: "credential" });
  return /href="(openid4vp:[^"]+)"/.exec(shown.text)[1].replaceAll("&amp;", "&");
}

describe("a wallet", () => {
  const authority = key();
  const holder = key();
  const parts = {
    signer: authority.signer,
    verifier: authority.verifier,
    signAlg: "ES256",
    hasher: (data) => createHash("sha256").update(Buffer.from(data)).digest(),
    hashAlg: "sha-256",
    saltGenerator: () => randomBytes(16).toString("base64url"),
    kbSigner: holder.signer,
    kbSignAlg: "ES256",
  };
  const credentials = new SDJwtVcInstance(parts);
  const wallet = new Openid4vpClient({
    callbacks: {
      fetch,
      hash: (data, algorithm) => createHash(algorithm.replace("-", "")).update(data).digest(),
      getX509CertificateMetadata: (text) => ({
        sanDnsNames: [new X509Certificate(Buffer.from(text, "base64")).subjectAltName.replace("DNS:", "")],
        sanUriNames: [],
      }),
      async verifyJwt({ alg, x5c }, { compact }) {
        const pem = `-----BEGIN CERTIFICATE-----\n${x5c[0]}\n-----END CERTIFICATE-----`;
        await compactVerify(compact, await importX509(pem, alg));
        return { verified: true, signerJwk: holder.jwk };
      },
      async encryptJwe({ publicJwk, alg, enc }, data) {
        const header = { alg, enc, kid: publicJwk.kid };
        const jwe = await new CompactEncrypt(new TextEncoder().encode(data))
          .setProtectedHeader(header)
          .encrypt(await importJWK(publicJwk, alg));
        return { jwe, encryptionJwk: publicJwk };
      },
      signJwt: () => assert.fail("the wallet signs no token of its own"),
      decryptJwe: () => assert.fail("the wallet opens none"),
    },
  });

  before(() =>
    graph("PATCH", "/postern/recovery/policy", {
      credentialIssuers: [
        {
          issuer,
          types: [vct],
          jwks: { keys: [authority.jwk] },
          match: [
            { claim: "family_name", attribute: "surname" },
            { claim: "employee_number", attribute: "employeeId" },
          ],
        },
      ],
    }),
  );

  // present answers the request of a link, and returns where the wallet leads.
  async function present(link, number) {
    const credential = await credentials.issue(
      { iss: issuer, iat: now() - 60, exp: now() + 3600, vct, cnf: { jwk: holder.jwk }, family_name: "Okafor", employee_number: number, title: "Nurse" },
      { _sd: ["family_name", "employee_number", "title"] },
    );
    const request = await wallet.resolveOpenId4vpAuthorizationRequest({ authorizationRequestPayload: Object.fromEntries(new URL(link).searchParams) });
    const asked = request.authorizationRequestPayload;
    const query = asked.dcql_query.credentials[0];
    assert.equal(query.format, "dc+sd-jwt");
    const shown = await credentials.present(
      credential,
      Object.fromEntries(query.claims.map(({ path }) => [path[0], true])),
      { kb: { payload: { iat: now(), aud: asked.client_id, nonce: asked.nonce } } },
    );
    const answer = await wallet.createOpenid4vpAuthorizationResponse({
      authorizationRequestPayload: asked,
      authorizationResponsePayload: { vp_token: { [query.id]: [shown] } },
      jarm: { encryption: { nonce: "unused" }, serverMetadata: { authorization_signing_alg_values_supported: [], authorization_encryption_alg_values_supported: ["ECDH-ES"], authorization_encryption_enc_values_supported: ["A256GCM"] } },
    });
    const { response } = await wallet.submitOpenid4vpAuthorizationResponse({ authorizationRequestPayload: asked, ...answer });
    const body = await response.json();
    assert.equal(response.status, 200, JSON.stringify(body));
    return body.redirect_uri;
  }

  async function employee() {
    const number = unique("E");
    const { id, name } = await person("Mira");
    await graph("PATCH", "/postern/recovery/policy", { contactChangeDelayInHours: 0 });
    await graph("PATCH", `/users/${id}`, { employeeId: number });
    return { name, number };
  }

  it("shows who asks for recovery", async () => {
    const { name, number } = await employee();
    const send = browser();
    const back = await present(await ask(send, name), number);
    assert.equal((await send(back)).to, "/recover/case");
    assert.match((await send("/recover/case")).text, /You presented a credential/);
  });

  it("shows nothing about somebody else", async () => {
    const { name } = await employee();
    const send = browser();
    const back = await present(await ask(send, name), "E-other");
    assert.equal((await send(back)).to, "/recover/case?said=wrong");
  });
});
