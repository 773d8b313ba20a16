// An application that signs people in by SAML, as Graph has it.
import { graph, tenant, unique, url } from "./tenant.js";

export const endpoint = `${url}/${tenant}/saml2`;

// metadata is the signed description of the tenant, in XML.
export async function metadata() {
  const response = await fetch(`${url}/${tenant}/federationmetadata/2007-06/federationmetadata.xml`);
  return response.text();
}

// certificates are those of the metadata, in base64.
export async function certificates() {
  const found = [...(await metadata()).matchAll(/use="signing".*?<ds:X509Certificate>([^<]+)</gs)];
  return found.map(([, text]) => text);
}

// samlApplication registers one that signs with a certificate of lib/certificate.js. With
// encrypted its assertions are encrypted for the same.
export async function samlApplication({ entity, acs, slo, key, encrypted = false, settings = {}, ...more }) {
  const encryption = { ...key.credential, usage: "Encrypt", keyId: crypto.randomUUID() };
  const app = await graph("POST", "/applications", {
    displayName: unique("saml"),
    identifierUris: [entity],
    postern_saml: settings,
    web: { redirectUris: [acs], logoutUrl: slo },
    keyCredentials: [key.credential, encryption],
    ...(encrypted && { tokenEncryptionKeyId: encryption.keyId }),
    ...more,
  });
  await graph("POST", "/servicePrincipals", { appId: app.appId, preferredSingleSignOnMode: "saml" });
  return { id: app.appId, objectId: app.id };
}
