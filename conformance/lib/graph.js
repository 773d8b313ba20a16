// Microsoft's own clients for Graph and its tokens: @azure/identity for the credential,
// @microsoft/microsoft-graph-client for the requests.
import { ClientSecretCredential } from "@azure/identity";
import graphClient from "@microsoft/microsoft-graph-client";
import tokens from "@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js";
import { automation, tenant, url } from "./tenant.js";

const { Client } = graphClient;
const { TokenCredentialAuthenticationProvider } = tokens;

// connect returns a Graph client with the rights of the application of init. Three settings
// differ from those for Microsoft's cloud: where tokens come from, where Graph is, and that
// its host may see the token.
export function connect(scopes = ["https://graph.microsoft.com/.default"]) {
  const credential = new ClientSecretCredential(tenant, automation.id, automation.secret, {
    authorityHost: url,
    disableInstanceDiscovery: true,
  });
  return Client.initWithMiddleware({
    authProvider: new TokenCredentialAuthenticationProvider(credential, { scopes }),
    baseUrl: `${url}/`,
    defaultVersion: "v1.0",
    customHosts: new Set(["localhost"]),
  });
}
