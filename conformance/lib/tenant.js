// The tenant that scripts/conformance serves, seen by its administrator's application.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const file = process.env.POSTERN_CONFORMANCE;
if (!file) {
  throw new Error("start the tests by scripts/conformance, which starts the server");
}
const created = JSON.parse(readFileSync(file, "utf8"));

export const url = created.publicUrl;
export const tenant = created.tenantId;
export const domain = created.domain;
export const issuer = `${url}/${tenant}/v2.0`;
export const graphID = "00000003-0000-0000-c000-000000000000";
// developerCLI is the public client that Microsoft's developer tools use; every tenant has it.
export const developerCLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
export const ca = created.caCertificate;

// automation is the application of `postern init --app`, with every Graph permission.
export const automation = { id: created.clientId, secret: created.clientSecret };

let token;

async function automationToken() {
  const response = await fetch(`${url}/${tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: automation.id,
      client_secret: automation.secret,
      scope: `${url}/.default`,
    }),
  });
  assert.equal(response.status, 200);
  return (await response.json()).access_token;
}

// graph sends one request to /v1.0 and returns the body of a good answer.
export async function graph(method, path, body) {
  token ??= automationToken();
  const response = await fetch(`${url}/v1.0${path}`, {
    method,
    headers: { Authorization: `Bearer ${await token}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text && JSON.parse(text);
}

let count = 0;

// unique returns a name that no other test has.
export function unique(name) {
  count++;
  return `${name}-${process.pid}-${count}`;
}

// person creates somebody with a pass for many uses.
export async function person(first = "Mira") {
  const nick = unique(first.toLowerCase());
  const user = await graph("POST", "/users", {
    accountEnabled: true,
    displayName: `${first} Okafor`,
    givenName: first,
    surname: "Okafor",
    mailNickname: nick,
    mail: `${nick}@${domain}`,
    userPrincipalName: `${nick}@${domain}`,
    passwordProfile: { password: "not kept, but Graph wants one 7!" },
  });
  const passes = `/users/${user.id}/authentication/temporaryAccessPassMethods`;
  const { id, temporaryAccessPass } = await graph("POST", passes, {});
  return {
    id: user.id,
    name: user.userPrincipalName,
    displayName: user.displayName,
    pass: temporaryAccessPass,
    revoke: () => graph("DELETE", `${passes}/${id}`),
  };
}

// application registers one with the properties of Graph's application, and consents for
// everybody to scope. With secret: true it gets a secret.
export async function application({ secret = false, scope = "openid profile email offline_access User.Read", ...properties }) {
  const app = await graph("POST", "/applications", { displayName: unique("app"), ...properties });
  const principal = await graph("POST", "/servicePrincipals", { appId: app.appId });
  await graph("POST", "/oauth2PermissionGrants", {
    clientId: principal.id,
    consentType: "AllPrincipals",
    resourceId: (await graphPrincipal()).id,
    scope,
  });
  const result = { id: app.appId, objectId: app.id, principal: principal.id };
  if (secret) {
    const { secretText } = await graph("POST", `/applications/${app.id}/addPassword`, {
      passwordCredential: { displayName: "test" },
    });
    result.secret = secretText;
  }
  return result;
}

let known;

// graphPrincipal is the service principal of Graph in the tenant.
export function graphPrincipal() {
  known ??= graph("GET", `/servicePrincipals(appId='${graphID}')`);
  return known;
}

// permit gives an application one of Graph's application permissions.
export async function permit(app, value) {
  const { id, appRoles } = await graphPrincipal();
  const role = appRoles.find((each) => each.value === value);
  assert.ok(role, `${value} is no application permission`);
  await graph("POST", `/servicePrincipals/${app.principal}/appRoleAssignments`, {
    principalId: app.principal,
    resourceId: id,
    appRoleId: role.id,
  });
}

// signIns waits until the log shows a sign-in of a person with errorCode, and returns all
// that have it, the newest first. Events are readable two seconds after they happened.
export async function signIns(user, errorCode = 0) {
  const filter = encodeURIComponent(`userId eq '${user.id}' and status/errorCode eq ${errorCode}`);
  for (const end = Date.now() + 5000; ; ) {
    const { value } = await graph("GET", `/auditLogs/signIns?$filter=${filter}`);
    if (value.length > 0) {
      return value;
    }
    assert.ok(Date.now() < end, `no sign-in of ${user.name} with ${errorCode} in the log`);
  }
}
