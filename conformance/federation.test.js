// oidc-provider as the upstream of a federated domain, in Chromium: people are led there by their
// names, and come back.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import Provider from "oidc-provider";
import { at, press, skip as noBrowser, start } from "./lib/browser.js";
import { serve, skip as noCertificates } from "./lib/certificate.js";
import { automation, graph, tenant, url } from "./lib/tenant.js";

const domain = "fabrikam.example";
const secret = "a secret with + and % in it";

describe("oidc-provider as an upstream", { skip: noBrowser || noCertificates }, () => {
  let browser, server, config, asked, factors, gaveUp;
  before(async () => {
    let handler;
    [browser, server] = await Promise.all([start(), serve((...each) => handler(...each))]);
    const issuer = `https://localhost:${server.address().port}`;
    const provider = new Provider(issuer, {
      clients: [{ client_id: "postern", client_secret: secret, redirect_uris: [`${url}/${tenant}/federation/oidc/${domain}`], post_logout_redirect_uris: [`${url}/${tenant}/federation/oidc/signedout`] }],
      claims: { openid: ["sub", "amr", "acr", "auth_time"], profile: ["name", "preferred_username"] },
      conformIdTokenClaims: false,
      acrValues: ["mfa"],
      pkce: { required: () => true },
      features: {
        devInteractions: { enabled: false },
        rpInitiatedLogout: { logoutSource: (context, form) => (context.body = `<!doctype html>${form}<button form="op.logoutForm" name="logout" value="yes">Yes</button>`) },
      },
      interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: "Mira Okafor", preferred_username: id.replace("subject-", "") }) }),
    });
    const answers = provider.callback();
    handler = async (request, response) => {
      if (!request.url.startsWith("/interaction/")) {
        for (const [name, value] of [["content-security-policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action https:"], ["x-content-type-options", "nosniff"], ["referrer-policy", "no-referrer"]]) {
          response.setHeader(name, value); // the test's browser wants them of every page
        }
        return answers(request, response);
      }
      response.setHeader("cache-control", "no-store"); // the test's browser wants it of every answer
      const { prompt, params, session } = await provider.interactionDetails(request, response);
      if (gaveUp) {
        return provider.interactionFinished(request, response, { error: "access_denied" });
      }
      if (prompt.name === "login") {
        asked.push(params);
        const amr = factors(params);
        return provider.interactionFinished(request, response, { login: { accountId: `subject-${params.login_hint}`, amr } });
      }
      const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope("openid profile email");
      return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
    };

    const { value: [principal] } = await graph("GET", `/servicePrincipals?$filter=${encodeURIComponent(`appId eq '${automation.id}'`)}`);
    await graph("POST", "/roleManagement/directory/roleAssignments", {
      roleDefinitionId: "62e90394-69f5-4237-9190-012177145e10", principalId: principal.id, directoryScopeId: "/",
    });
    await graph("POST", "/domains", { id: domain });
    await graph("POST", `/domains/${domain}/verify`, { postern_withoutDns: true });
    const { id } = await graph("POST", `/domains/${domain}/federationConfiguration`, {
      displayName: "Fabrikam", issuerUri: issuer, postern_clientId: "postern", postern_clientSecret: secret,
      postern_passBeforeFederation: false, postern_createUsers: true,
    });
    config = `/domains/${domain}/federationConfiguration/${id}`;
  });
  after(async () => {
    await browser?.stop();
    server?.closeAllConnections();
    server?.close();
  });
  beforeEach(() => {
    asked = [];
    gaveUp = false;
    factors = () => ["pwd", "mfa"];
  });

  const behave = (federatedIdpMfaBehavior) => graph("PATCH", config, { federatedIdpMfaBehavior });

  async function signIn(t, nick) {
    const tab = await browser.open(t);
    await tab.goto(`${url}/security-info`);
    await at(tab, "identify");
    await tab.getByRole("textbox").fill(`${nick}@${domain}`);
    await tab.locator("main form button.primary").first().click();
    return tab;
  }

  // seen waits for a step: there are pages on the way that lead on by themselves.
  const seen = (tab, step) => tab.locator(`main[data-step=${step}]`).waitFor();

  async function arrive(tab) {
    await seen(tab, "stay");
    await press(tab, tab.locator("button[name=stay][value=no]"));
    await at(tab, "securityinfo");
  }

  it("brings a new person, who is led there and back without a click", async (t) => {
    await behave("acceptIfMfaDoneByFederatedIdp");
    await arrive(await signIn(t, "mira"));
    assert.equal(asked.length, 1);
    assert.equal(asked[0].login_hint, `mira@${domain}`);
    assert.equal(asked[0].acr_values, undefined);
    const { displayName } = await graph("GET", `/users/mira@${domain}`);
    assert.equal(displayName, "Mira Okafor");
  });

  it("is asked again for a second factor that it did not do", async (t) => {
    await behave("enforceMfaByFederatedIdp");
    factors = ({ prompt }) => (prompt === "login" ? ["pwd", "mfa"] : ["pwd"]);
    await arrive(await signIn(t, "ben"));
    assert.deepEqual(asked.map(({ prompt }) => prompt), [undefined, "login"]);
    assert.match(asked[1].acr_values, /\bmfa\b/);
  });

  it("counts as one factor where the domain says so", async (t) => {
    await behave("rejectMfaByFederatedIdp");
    const tab = await signIn(t, "cleo");
    await seen(tab, "blocked"); // a new person has nothing of their own here
    assert.equal(await tab.locator("main").getAttribute("data-error"), "moreProofNeeded");
  });

  it("signs nobody in who gives up there", async (t) => {
    await behave("acceptIfMfaDoneByFederatedIdp");
    gaveUp = true;
    const tab = await signIn(t, "mira");
    await tab.locator("main[data-step=federated][data-error=federationRefused]").waitFor();
    gaveUp = false;
    await tab.locator("main a.button").click();
    await arrive(tab);
  });

  it("ends its session with the one that came of it", async (t) => {
    const tab = await signIn(t, "mira");
    await arrive(tab);
    await tab.goto(`${url}/${tenant}/oauth2/v2.0/logout`);
    await at(tab, "confirm");
    await tab.locator("main form button.primary").click();
    await tab.locator("button[name=logout][value=yes]").click(); // oidc-provider asks, too
    await at(tab, "signedout");
    assert.equal(new URL(tab.url()).origin, url);
    const before = asked.length;
    await tab.goto(`${url}/security-info`);
    await at(tab, "identify");
    await tab.getByRole("textbox").fill(`mira@${domain}`);
    await tab.locator("main form button.primary").first().click();
    await seen(tab, "stay");
    assert.equal(asked.length, before + 1, "it still knew the browser");
  });
});
