// A sign-in server and a Graph that are not Postern's: answers in the shapes that Microsoft documents
// (learn.microsoft.com/graph/errors, /graph/paging, /graph/throttling, /entra/identity-platform/v2-protocols-oidc).
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { groups, me, people, Refusal, startTenant, tenant } from "./entra-graph.js";

const globalAdministrator = ["62e90394-69f5-4237-9190-012177145e10", "Global Administrator"];

// startEntra returns url, scopes (each one that was asked for), calls (paths of Graph) and the functions busy (the next
// calls are throttled), refuse (the next change is, with a status, a code and a message, when something happens meanwhile) and stop. roles are those of who signs in.
export async function startEntra(roles = [globalAdministrator]) {
  const codes = new Map();
  const scopes = [];
  const calls = [];
  const refusals = []; // what Graph did not take, but for throttling
  let busy = 0;
  let next; // what is answered to the next change
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
    const path = decodeURIComponent(url.pathname.replace(/^\/v1\.0/, ""));
    calls.push(`${request.method} ${path}`);
    if (busy > 0) {
      busy--;
      return refuse(429, "TooManyRequests", "Too many requests.", { "retry-after": "1" });
    }
    try {
      if (next && ["PATCH", "POST", "DELETE"].includes(request.method) && !/getByIds|actions|\/postern\//.test(path)) {
        const [answer, meanwhile] = next;
        next = undefined;
        meanwhile?.();
        return refuse(...answer);
      }
      return send(...tenantAnswers(request.method, path, url.searchParams, request.headers, body));
    } catch (error) {
      if (error instanceof Refusal) {
        refusals.push(`${error.status} ${request.method} ${path}${url.search}: ${error.message}`);
        return refuse(error.status, error.code, error.message);
      }
      throw error;
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const at = `http://127.0.0.1:${server.address().port}`;
  const tenantAnswers = startTenant(at, roles);
  return {
    url: at,
    scopes,
    calls,
    refusals,
    people,
    groups,
    refuse: (status, code, message, meanwhile) => {
      next = [[status, code, message], meanwhile];
    },
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
