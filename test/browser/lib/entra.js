// A sign-in server and a Graph that are not Postern's: answers in the shapes that Microsoft documents
// (learn.microsoft.com/graph/errors, /graph/paging, /graph/throttling, /entra/identity-platform/v2-protocols-oidc).
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

const tenant = "3f1d2c4b-5a6e-4f70-8b91-0c2d3e4f5a6b";
const me = { id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd", displayName: "Adele Vance", userPrincipalName: "adelev@contoso.onmicrosoft.com" };
const people = Array.from({ length: 75 }, (_, i) => ({
  id: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
  displayName: `Person ${i}`,
  userPrincipalName: `person${i}@contoso.onmicrosoft.com`,
  accountEnabled: true,
  department: i % 2 ? "Sales" : null,
}));

// startEntra returns url, scopes (each one that was asked for), calls (paths of Graph) and the functions busy (the next
// call is throttled) and stop. more answers calls that the test adds: a path's function returns [status, body].
export async function startEntra(more = {}) {
  const codes = new Map();
  const scopes = [];
  const calls = [];
  let busy = 0;
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    const send = (status, body, headers = {}) => {
      response.writeHead(status, { "content-type": "application/json", "request-id": randomUUID(), ...headers });
      response.end(body === undefined ? "" : JSON.stringify(body));
    };
    const refuse = (status, code, message, headers) =>
      send(status, { error: { code, message, innerError: { date: "2026-03-02T09:00:00", "request-id": randomUUID() } } }, headers);
    const body = await text(request);
    if (url.pathname.endsWith("/openid-configuration")) {
      return send(200, {
        issuer: `${at}/{tenantid}/v2.0`,
        authorization_endpoint: `${at}/organizations/oauth2/v2.0/authorize`,
        token_endpoint: `${at}/organizations/oauth2/v2.0/token`,
        end_session_endpoint: `${at}/organizations/oauth2/v2.0/logout`,
      });
    }
    if (url.pathname.endsWith("/authorize")) {
      const code = randomUUID();
      codes.set(code, Object.fromEntries(url.searchParams));
      scopes.push(url.searchParams.get("scope"));
      const back = new URL(url.searchParams.get("redirect_uri"));
      back.searchParams.set("code", code);
      back.searchParams.set("state", url.searchParams.get("state"));
      response.writeHead(302, { location: back.href });
      return response.end();
    }
    if (url.pathname.endsWith("/logout")) {
      return send(200, {});
    }
    if (url.pathname.endsWith("/token")) {
      const form = new URLSearchParams(body);
      const asked = codes.get(form.get("code"));
      codes.delete(form.get("code"));
      const proof = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
      if (!asked || asked.code_challenge !== proof || asked.redirect_uri !== form.get("redirect_uri")) {
        return send(400, { error: "invalid_grant", error_description: "AADSTS70008: The provided authorization code is expired." });
      }
      const id = { iss: `${at}/${tenant}/v2.0`, aud: asked.client_id, tid: tenant, oid: me.id, name: me.displayName, nonce: asked.nonce };
      const part = (v) => Buffer.from(JSON.stringify(v)).toString("base64url");
      return send(200, {
        token_type: "Bearer", scope: asked.scope, expires_in: 3600, access_token: `access-${randomUUID()}`, refresh_token: `refresh-${randomUUID()}`,
        id_token: `${part({ alg: "RS256" })}.${part(id)}.signature`,
      });
    }
    if (!request.headers.authorization?.startsWith("Bearer access-")) {
      return refuse(401, "InvalidAuthenticationToken", "Access token is empty.");
    }
    const path = url.pathname.replace(/^\/v1\.0/, "");
    calls.push(`${request.method} ${path}`);
    if (busy > 0) {
      busy--;
      return refuse(429, "TooManyRequests", "Too many requests.", { "retry-after": "1" });
    }
    if (more[path]) {
      return send(...more[path](request, body));
    }
    switch (path) {
      case "/me":
        return send(200, me);
      case "/organization":
        return send(200, { value: [{ id: tenant, displayName: "Contoso (Entra)" }] });
      case "/me/transitiveMemberOf/microsoft.graph.directoryRole":
        return send(200, { value: [{ id: randomUUID(), displayName: "Global Administrator", roleTemplateId: "62e90394-69f5-4237-9190-012177145e10" }] });
      case "/users": {
        const from = Number(url.searchParams.get("$skiptoken") ?? 0);
        const top = Math.min(Number(url.searchParams.get("$top") ?? 100), 999);
        const word = /"[^:"]+:([^"]*)"/.exec(url.searchParams.get("$search") ?? "")?.[1]?.toLowerCase() ?? "";
        if (word && request.headers.consistencylevel !== "eventual") {
          return refuse(400, "Request_UnsupportedQuery", "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'");
        }
        const found = people.filter((one) => one.displayName.toLowerCase().startsWith(word));
        const next = new URL(`${at}/v1.0/users?${url.searchParams}`);
        next.searchParams.set("$skiptoken", String(from + top));
        return send(200, { value: found.slice(from, from + top), ...(from + top < found.length && { "@odata.nextLink": next.href }) });
      }
    }
    const one = people.find(({ id }) => path === `/users/${id}`);
    if (one) {
      return send(200, one);
    }
    if (path.startsWith("/users/")) {
      return refuse(404, "Request_ResourceNotFound", "Resource does not exist or one of its queried reference-property objects are not present.");
    }
    if (path.startsWith("/deviceManagement")) {
      return refuse(403, "Forbidden", "Request not applicable to target tenant.");
    }
    return refuse(400, "BadRequest", `Resource not found for the segment '${path.split("/")[1]}'.`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const at = `http://127.0.0.1:${server.address().port}`;
  return {
    url: at,
    scopes,
    calls,
    people,
    busy: (times) => {
      busy = times;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function text(request) {
  let all = "";
  for await (const part of request) {
    all += part;
  }
  return all;
}
