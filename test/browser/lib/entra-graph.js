// A tenant of Entra as Graph shows it: what learn.microsoft.com/graph/api documents of shapes and refusals, and no more.
// It is strict as Graph is: it knows no property, segment or query that is not Microsoft's.
import { randomUUID } from "node:crypto";

const guid = (kind, i) => `${kind}0000000-0000-4000-8000-${String(i).padStart(12, "0")}`;
export const tenant = "3f1d2c4b-5a6e-4f70-8b91-0c2d3e4f5a6b";
export const me = { id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd", displayName: "Adele Vance", userPrincipalName: "adelev@contoso.onmicrosoft.com" };
export const people = Array.from({ length: 75 }, (_, i) => ({
  id: guid(0, i),
  displayName: `Person ${i}`,
  userPrincipalName: `person${i}@contoso.onmicrosoft.com`,
  mail: `person${i}@contoso.com`,
  jobTitle: "Seller",
  businessPhones: ["+1 425 555 0100"],
  mobilePhone: null,
  accountEnabled: true,
  department: i % 2 ? "Sales" : null,
  userType: "Member",
  createdDateTime: "2024-05-03T09:14:21Z",
}));
export const group = { id: guid(1, 1), displayName: "Sales team", description: "Sells", mailEnabled: false, mailNickname: "sales", securityEnabled: true, groupTypes: [], createdDateTime: "2024-05-03T09:14:21Z", isAssignableToRole: null, membershipRule: null };
export const groups = [group];
const app = {
  id: guid(2, 1), appId: guid(2, 2), displayName: "Expenses", signInAudience: "AzureADMyOrg", createdDateTime: "2024-05-03T09:14:21Z", description: null,
  isFallbackPublicClient: null, keyCredentials: [], requiredResourceAccess: [], identifierUris: [], publicClient: { redirectUris: [] },
  spa: { redirectUris: [] }, web: { redirectUris: ["https://expenses.contoso.com/in"], logoutUrl: null },
  passwordCredentials: [{ keyId: guid(2, 3), displayName: "ci", hint: "abc", startDateTime: "2024-05-03T09:14:21Z", endDateTime: "2030-05-03T09:14:21Z" }],
};
const principal = { id: guid(2, 4), appId: app.appId, displayName: "Expenses", accountEnabled: true, appRoles: [], oauth2PermissionScopes: [], servicePrincipalType: "Application", appOwnerOrganizationId: tenant };
const graph = { ...principal, id: guid(2, 5), appId: "00000003-0000-0000-c000-000000000000", displayName: "Microsoft Graph", appRoles: [{ id: guid(2, 6), value: "User.Read.All", displayName: "Read users", description: "", allowedMemberTypes: ["Application"], isEnabled: true }] };
const device = {
  id: guid(3, 1), deviceId: guid(3, 2), displayName: "DESKTOP-1", accountEnabled: true, trustType: "AzureAd", operatingSystem: "Windows", operatingSystemVersion: "10.0.26100.1",
  manufacturer: "Contoso", model: "Book", domainName: null, isCompliant: null, isManaged: null, registrationDateTime: "2024-05-03T09:14:21Z", approximateLastSignInDateTime: "2026-03-01T09:14:21Z",
};
const role = { id: "62e90394-69f5-4237-9190-012177145e10", templateId: "62e90394-69f5-4237-9190-012177145e10", displayName: "Global Administrator", description: "Can manage all aspects.", isBuiltIn: true, isEnabled: true, rolePermissions: [{ allowedResourceActions: ["microsoft.directory/users/create"], condition: null }] };
const signIn = {
  id: guid(4, 1), createdDateTime: "2026-03-02T08:00:00Z", userDisplayName: "Person 7", userPrincipalName: "person7@contoso.onmicrosoft.com", userId: people[7].id,
  appId: app.appId, appDisplayName: "Expenses", ipAddress: "203.0.113.7", clientAppUsed: "Browser", correlationId: guid(4, 2), conditionalAccessStatus: "notApplied", isInteractive: true,
  riskDetail: "none", riskLevelAggregated: "none", riskLevelDuringSignIn: "none", riskState: "none", riskEventTypes: [], riskEventTypes_v2: [], resourceDisplayName: "Windows Azure Active Directory", resourceId: guid(4, 3),
  status: { errorCode: 50126, failureReason: "Error validating credentials due to invalid username or password.", additionalDetails: null },
  deviceDetail: { deviceId: "", displayName: "", operatingSystem: "Windows 10", browser: "Edge 120.0.0", isCompliant: false, isManaged: false, trustType: "" },
  location: { city: "Redmond", state: "Washington", countryOrRegion: "US", geoCoordinates: { altitude: null, latitude: 47.6, longitude: -122.1 } }, appliedConditionalAccessPolicies: [],
};
const audit = {
  id: `Directory_${guid(4, 4)}`, category: "UserManagement", correlationId: guid(4, 4), result: "success", resultReason: "", activityDisplayName: "Update user", activityDateTime: "2026-03-02T08:00:00Z",
  loggedByService: "Core Directory", operationType: "Update", initiatedBy: { app: null, user: { id: me.id, displayName: null, userPrincipalName: me.userPrincipalName, ipAddress: "203.0.113.7" } },
  targetResources: [{ id: people[7].id, displayName: null, type: "User", userPrincipalName: people[7].userPrincipalName, groupType: null, modifiedProperties: [{ displayName: "Department", oldValue: "[]", newValue: "[\"Sales\"]" }] }],
  additionalDetails: [{ key: "UserType", value: "Member" }],
};
const all = [{ targetType: "group", id: "all_users", isRegistrationRequired: false }];
const method = (id, state, more) => ({ "@odata.type": `#microsoft.graph.${id[0].toLowerCase()}${id.slice(1)}AuthenticationMethodConfiguration`, id, state, excludeTargets: [], includeTargets: all, ...more });
const configurations = [
  method("Fido2", "enabled", { isAttestationEnforced: false, isSelfServiceRegistrationAllowed: true, keyRestrictions: { isEnforced: false, enforcementType: "block", aaGuids: [] } }),
  method("MicrosoftAuthenticator", "enabled", {
    isSoftwareOathEnabled: false, includeTargets: [{ ...all[0], authenticationMode: "any" }],
    featureSettings: Object.fromEntries(["displayAppInformationRequiredState", "displayLocationInformationRequiredState"].map((name) => [name, { state: "default", includeTarget: { targetType: "group", id: "all_users" }, excludeTarget: { targetType: "group", id: guid(0, 0) } }])),
  }),
  method("Sms", "disabled", { includeTargets: [{ ...all[0], isUsableForSignIn: false }] }),
  method("TemporaryAccessPass", "enabled", { defaultLifetimeInMinutes: 60, defaultLength: 8, minimumLifetimeInMinutes: 60, maximumLifetimeInMinutes: 480, isUsableOnce: false }),
  method("SoftwareOath", "enabled", {}),
  method("Voice", "disabled", { isOfficePhoneAllowed: false }),
  method("Email", "enabled", { allowExternalIdToUseEmailOtp: "default" }),
  method("X509Certificate", "disabled", { certificateUserBindings: [], authenticationModeConfiguration: { x509CertificateAuthenticationDefaultMode: "x509CertificateSingleFactor", rules: [] } }),
];

const strength = {
  id: "00000000-0000-0000-0000-000000000004", createdDateTime: "2021-12-01T00:00:00Z", modifiedDateTime: "2021-12-01T00:00:00Z", displayName: "Phishing-resistant MFA",
  description: "Phishing-resistant, passwordless methods for the strongest authentication, such as a FIDO2 security key", policyType: "builtIn", requirementsSatisfied: "mfa",
  allowedCombinations: ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"], combinationConfigurations: [],
};
const place = {
  "@odata.type": "#microsoft.graph.ipNamedLocation", id: guid(6, 1), displayName: "Offices", createdDateTime: "2024-05-03T09:14:21Z", modifiedDateTime: "2024-05-03T09:14:21Z",
  isTrusted: true, ipRanges: [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", cidrAddress: "203.0.113.0/24" }],
};
const rule = {
  id: guid(6, 2), templateId: null, displayName: "MFA outside the offices", createdDateTime: "2024-05-03T09:14:21Z", modifiedDateTime: null, state: "enabledForReportingButNotEnforced",
  conditions: {
    userRiskLevels: [], signInRiskLevels: [], clientAppTypes: ["all"], servicePrincipalRiskLevels: [], insiderRiskLevels: null, clientApplications: null, devices: null, platforms: null, authenticationFlows: null,
    applications: { includeApplications: ["All"], excludeApplications: [], includeUserActions: [], includeAuthenticationContextClassReferences: [], applicationFilter: null },
    users: { includeUsers: ["All"], excludeUsers: [me.id], includeGroups: [], excludeGroups: [group.id], includeRoles: [], excludeRoles: [], includeGuestsOrExternalUsers: null, excludeGuestsOrExternalUsers: null },
    locations: { includeLocations: ["All"], excludeLocations: [place.id] },
  },
  grantControls: { operator: "OR", builtInControls: [], customAuthenticationFactors: [], termsOfUse: [], authenticationStrength: strength },
  sessionControls: { applicationEnforcedRestrictions: null, cloudAppSecurity: null, persistentBrowser: null, disableResilienceDefaults: null, signInFrequency: { value: 4, type: "hours", authenticationType: "primaryAndSecondaryAuthentication", frequencyInterval: "timeBased", isEnabled: true } },
};
const context = { id: "c1", displayName: "Payments", description: "Before money leaves", isAvailable: true };
const template = { id: "a3d0a415-b068-4326-9251-f9cdf9feeb64", name: "Require multifactor authentication for all users", description: "Require multifactor authentication for all user accounts.", scenarios: "zeroTrust", details: { conditions: rule.conditions, grantControls: rule.grantControls, sessionControls: null } };

const more = {
  user: "givenName,surname,mailNickname,officeLocation,employeeId,employeeHireDate,onPremisesSyncEnabled,usageLocation,preferredLanguage,passwordProfile,passwordPolicies,otherMails,employeeType",
  group: "membershipRuleProcessingState,owners,members,visibility,mail,onPremisesSyncEnabled",
  application: "owners,api,appRoles,optionalClaims,tags", servicePrincipal: "tags", device: "registeredOwners,registeredUsers,deviceVersion,isRooted",
  organization: "createdDateTime,technicalNotificationMails,privacyProfile,marketingNotificationEmails,securityComplianceNotificationMails,securityComplianceNotificationPhones,street,city,postalCode,country,businessPhones,preferredLanguage",
  organizationalBranding: "id,backgroundColor,signInPageText,usernameHintText,customPrivacyAndCookiesUrl,customPrivacyAndCookiesText,customTermsOfUseUrl,customTermsOfUseText,bannerLogoRelativeUrl,squareLogoRelativeUrl,backgroundImageRelativeUrl,customCSSRelativeUrl,faviconRelativeUrl,headerLogoRelativeUrl,loginPageLayoutConfiguration,loginPageTextVisibilitySettings,squareLogoDarkRelativeUrl,headerBackgroundColor",
  directoryRole: "id,displayName,description,roleTemplateId", authenticationMethodsPolicy: "",
};
const own = {
  conditionalAccessPolicy: rule, namedLocation: place, authenticationStrengthPolicy: strength, conditionalAccessTemplate: template, authenticationContextClassReference: context,
  user: people[0], group, application: app, servicePrincipal: principal, device, signIn, directoryAudit: audit, unifiedRoleDefinition: role,
  organization: { id: tenant, displayName: "Contoso (Entra)", verifiedDomains: [{ name: "contoso.onmicrosoft.com", isDefault: true, isInitial: true, type: "Managed", capabilities: "Email" }] },
  domain: { id: "contoso.onmicrosoft.com", authenticationType: "Managed", isDefault: true, isInitial: true, isRoot: true, isVerified: true, isAdminManaged: true, supportedServices: ["Email"], availabilityStatus: null, passwordValidityPeriodInDays: 2147483647, passwordNotificationWindowInDays: 14, state: null },
};

// A Refusal is what Graph answers instead.
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}
const missing = () => new Refusal(404, "Request_ResourceNotFound", "Resource does not exist or one of its queried reference-property objects are not present.");

// startTenant returns answer(method, path below v1.0, URLSearchParams, headers, body), which returns [status, body] or throws a Refusal.
// roles are those of who signs in: [template id, name] each.
export function startTenant(base, roles) {
  const passes = new Map(); // by the person's id
  const members = new Map([[group.id, [people[7]]]]); // by the group's id
  const deleted = []; // [kind, object, list that it was on] each
  const methodsOf = (id) => [
    { "@odata.type": "#microsoft.graph.passwordAuthenticationMethod", id: "28c10230-6103-485e-b985-444c60001490", password: null, createdDateTime: "2024-05-03T09:14:21Z" },
    { "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", id: "_jpuR-TGZtk6aQCLF3BQjA2", displayName: "Red key", createdDateTime: "2024-05-03T09:14:21Z", aaGuid: guid(5, 1), model: "Contoso Key", attestationCertificates: [], attestationLevel: "attested" },
    { "@odata.type": "#microsoft.graph.phoneAuthenticationMethod", id: "3179e48a-750b-4051-897c-87b9720928f7", phoneNumber: "+1 4255550100", phoneType: "mobile", smsSignInState: "notConfigured" },
    ...(passes.has(id) ? [{ "@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethod", ...passes.get(id) }] : []),
  ];

  return function answer(verb, path, query, headers, body) {
    const eventual = headers.consistencylevel === "eventual";
    if ((query.has("$search") || query.has("$count")) && !eventual) {
      throw new Refusal(400, "Request_UnsupportedQuery", "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'");
    }
    if (query.has("$count") && query.has("$expand")) {
      throw new Refusal(400, "Request_UnsupportedQuery", "Expect simple name=value query, but observe property '$expand' with advanced query.");
    }
    if (path.includes("/microsoft.graph.") && !(eventual && query.has("$count"))) {
      throw new Refusal(400, "Request_UnsupportedQuery", "The specified cast is only supported with ConsistencyLevel: eventual and $count=true.");
    }
    const known = (kind, name) => name in (own[kind] ?? {}) || (more[kind] ?? "").split(",").includes(name);
    const check = (kind, names) => {
      for (const name of names) {
        if (!known(kind, name)) {
          throw new Refusal(400, "BadRequest", `Parsing OData Select and Expand failed: Could not find a property named '${name}' on type 'microsoft.graph.${kind}'.`);
        }
      }
    };
    const asked = (kind, one, names = query.get("$select")?.split(",")) => {
      check(kind, names ?? []);
      for (const name of query.get("$filter")?.match(/\bpostern_\w+/g) ?? []) {
        throw new Refusal(400, "Request_BadRequest", `Invalid filter clause: Could not find a property named '${name}' on type 'microsoft.graph.${kind}'.`);
      }
      return names ? Object.fromEntries([...new Set(["id", ...names])].map((name) => [name, one[name] ?? null])) : one;
    };
    const one = (kind, object) => [200, { "@odata.context": `${base}/v1.0/$metadata#${kind}/$entity`, ...asked(kind, object) }];
    const many = (kind, objects, size = 100) => {
      const from = Number(query.get("$skiptoken") ?? 0);
      const top = Math.min(Number(query.get("$top") ?? size), 999);
      asked(kind, {}); // a list of nobody refuses, too
      const next = new URL(`${base}/v1.0${path}?${query}`);
      next.searchParams.set("$skiptoken", String(from + top));
      return [200, {
        "@odata.context": `${base}/v1.0/$metadata#${kind}`,
        ...(query.has("$count") && { "@odata.count": objects.length }),
        ...(from + top < objects.length && { "@odata.nextLink": next.href }),
        value: objects.slice(from, from + top).map((object) => ({ ...(object["@odata.type"] && { "@odata.type": object["@odata.type"] }), ...asked(kind, object) })),
      }];
    };
    const typed = (type, object) => ({ "@odata.type": `#microsoft.graph.${type}`, ...object });
    const written = (kind) => {
      const given = body ? JSON.parse(body) : {};
      for (const name of Object.keys(given)) {
        if (!name.startsWith("@") && !name.includes("@odata") && !known(kind, name)) {
          throw new Refusal(400, "Request_BadRequest", `Invalid property '${name}'.`);
        }
      }
      return given;
    };
    const segments = path.split("/").slice(1);
    const [set, id, ...rest] = segments;
    const here = `${verb} /${[set, ...rest].join("/")}`;

    if (set === "deviceManagement") {
      throw new Refusal(403, "Forbidden", "{\"_version\": 3,\"Message\": \"Request not applicable to target tenant. - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000\"}");
    }
    switch (`${verb} ${path}`) {
      case "GET /me":
        return [200, asked("user", me)];
      case "GET /organization":
        return many("organization", [own.organization]);
      case `GET /organization/${tenant}`:
        return one("organization", own.organization);
      case `PATCH /organization/${tenant}`:
        written("organization");
        return [204];
      case `GET /organization/${tenant}/branding`:
        asked("organizationalBranding", {});
        throw new Refusal(404, "Request_ResourceNotFound", `Resource '${tenant}' does not exist or one of its queried reference-property objects are not present.`);
      case "GET /domains":
        return many("domain", [own.domain]);
      case "GET /domains/contoso.onmicrosoft.com":
        return one("domain", own.domain);
      case "GET /users": {
        const word = /"[^:"]+:([^"]*)"/.exec(query.get("$search") ?? "")?.[1]?.toLowerCase() ?? "";
        return many("user", people.filter((person) => person.displayName.toLowerCase().startsWith(word)));
      }
      case "POST /users": {
        const given = written("user");
        const lacks = ["accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"].find((name) => given[name] === undefined);
        if (lacks) {
          throw new Refusal(400, "Request_BadRequest", lacks === "passwordProfile" ? "A password must be specified to create a new user." : `A value is required for property '${lacks}' of resource 'User'.`);
        }
        if (!roles.some(([, name]) => name === "Global Administrator")) {
          throw new Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
        }
        if (people.some((one) => one.userPrincipalName === given.userPrincipalName)) {
          throw new Refusal(400, "Request_BadRequest", "Another object with the same value for property userPrincipalName already exists.");
        }
        const { passwordProfile, ...rest } = given;
        people.push({ ...people[0], ...rest, id: randomUUID() });
        return [201, asked("user", people.at(-1))];
      }
      case "GET /groups":
        return many("group", groups);
      case "POST /groups": {
        const given = written("group");
        const lacks = ["displayName", "mailEnabled", "mailNickname", "securityEnabled"].find((name) => given[name] === undefined);
        if (lacks) {
          throw new Refusal(400, "Request_BadRequest", `A value is required for property '${lacks}' of resource 'Group'.`);
        }
        groups.push({ ...group, ...given, id: randomUUID() });
        members.set(groups.at(-1).id, []);
        return [201, asked("group", groups.at(-1))];
      }
      case "GET /applications":
        return many("application", [app]);
      case `GET /servicePrincipals(appId='${app.appId}')`:
        return one("servicePrincipal", principal);
      case "GET /servicePrincipals(appId='00000003-0000-0000-c000-000000000000')":
        return one("servicePrincipal", graph);
      case "GET /devices":
        return many("device", [query.has("$expand") ? { ...device } : device]).map((part) => part.value ? { ...part, value: part.value.map((d) => ({ ...d, ...(query.has("$expand") && { registeredOwners: [typed("user", people[7])] }) })) } : part);
      case "GET /auditLogs/signIns":
        return many("signIn", [signIn], 1000);
      case `GET /auditLogs/signIns/${signIn.id}`:
        return one("signIn", signIn);
      case "GET /auditLogs/directoryAudits":
        return many("directoryAudit", [audit], 1000);
      case `GET /auditLogs/directoryAudits/${audit.id}`:
        return one("directoryAudit", audit);
      case "GET /roleManagement/directory/roleDefinitions":
        return many("unifiedRoleDefinition", [role]);
      case `GET /roleManagement/directory/roleDefinitions/${role.id}`:
        return one("unifiedRoleDefinition", role);
      case "GET /roleManagement/directory/roleAssignments":
        return [200, { value: [{ id: "lAPpYvVpN0KRkAEhdxReEMmgkO8", principalId: me.id, roleDefinitionId: role.id, directoryScopeId: "/", ...(query.get("$expand") === "principal" && { principal: typed("user", me) }), ...(query.get("$expand") === "roleDefinition" && { roleDefinition: role }) }] }];
      case "GET /identity/conditionalAccess/policies":
        return many("conditionalAccessPolicy", [rule]);
      case `GET /identity/conditionalAccess/policies/${rule.id}`:
        return one("conditionalAccessPolicy", rule);
      case "GET /identity/conditionalAccess/namedLocations":
        return many("namedLocation", [place]);
      case `GET /identity/conditionalAccess/namedLocations/${place.id}`:
        return one("namedLocation", place);
      case "GET /identity/conditionalAccess/authenticationContextClassReferences":
        return many("authenticationContextClassReference", [context]);
      case "GET /identity/conditionalAccess/templates":
        return many("conditionalAccessTemplate", [template]);
      case `GET /identity/conditionalAccess/templates/${template.id}`:
        return one("conditionalAccessTemplate", template);
      case "GET /policies/authenticationStrengthPolicies":
      case "GET /identity/conditionalAccess/authenticationStrength/policies":
        return many("authenticationStrengthPolicy", [strength]);
      case `GET /policies/authenticationStrengthPolicies/${strength.id}`:
      case `GET /identity/conditionalAccess/authenticationStrength/policies/${strength.id}`:
        return one("authenticationStrengthPolicy", strength);
      case "GET /policies/authenticationMethodsPolicy/authenticationMethodConfigurations":
        return [200, { value: configurations }];
      case "GET /directory/deletedItems/microsoft.graph.group":
      case "GET /directory/deletedItems/microsoft.graph.application":
      case "GET /directory/deletedItems/microsoft.graph.user": {
        const found = deleted.filter(([kind]) => path.endsWith(`.${kind}`)).map(([, object]) => object);
        return [200, { "@odata.count": found.length, value: found }];
      }
    }
    if (set === "directory" && id === "deletedItems") {
      const at = deleted.findIndex(([, object]) => object.id === rest[0]);
      if (at < 0) {
        throw missing();
      }
      const [kind, object, list] = deleted[at];
      if (verb === "POST" && rest[1] === "restore") {
        deleted.splice(at, 1);
        list.push(object);
      }
      return verb === "DELETE" ? (deleted.splice(at, 1), [204]) : [200, typed(kind, object)];
    }
    if (set === "policies" && rest[0] === "authenticationMethodConfigurations" && rest.length === 2) {
      const found = configurations.find((one) => one.id.toLowerCase() === rest[1].toLowerCase());
      const kind = found?.["@odata.type"].replace("#microsoft.graph.", "");
      const given = JSON.parse(body || "{}");
      const strange = found && Object.keys(given).find((name) => !(name in found));
      if (!found) {
        throw new Refusal(404, "resourceNotFound", "The requested authentication method configuration was not found.");
      }
      if (strange || [...query].length > 0) {
        throw new Refusal(400, "BadRequest", `Could not find a property named '${strange ?? [...query.keys()]}' on type 'microsoft.graph.${kind}'.`);
      }
      if (verb === "PATCH" && given["@odata.type"] !== found["@odata.type"]) {
        throw new Refusal(400, "badRequest", "Type of the configuration must be given.");
      }
      return verb === "GET" ? [200, found] : (Object.assign(found, given), [204]);
    }
    const objects = { users: ["user", [me, ...people]], groups: ["group", groups], applications: ["application", [app]], devices: ["device", [device]], servicePrincipals: ["servicePrincipal", [principal]] };
    if (set === "me") {
      return answer(verb, `/users/${me.id}/${segments.slice(1).join("/")}`, query, headers, body);
    }
    if (here === "POST /directoryObjects" && id === "getByIds") {
      const given = JSON.parse(body);
      if (Object.keys(given).some((name) => !["ids", "types"].includes(name)) || given.ids.length > 1000) {
        throw new Refusal(400, "Request_BadRequest", "Invalid property.");
      }
      const named = [...[me, ...people].map((each) => ["user", each]), ["group", group], ["servicePrincipal", principal]];
      return [200, { value: named.filter(([, each]) => given.ids.includes(each.id)).map(([type, each]) => typed(type, each)) }];
    }
    if (set === "directoryObjects" && verb === "GET") {
      const found = [me, ...people].find((person) => person.id === id);
      if (found) {
        return [200, typed("user", found)];
      }
      throw missing();
    }
    if (!(set in objects)) {
      throw new Refusal(400, "BadRequest", `Resource not found for the segment '${set}'.`);
    }
    const [kind, list] = objects[set];
    const object = list.find((each) => each.id === id || each.userPrincipalName === id);
    if (!object) {
      throw missing();
    }
    const methods = "/users/authentication";
    if (here.includes(methods) && object === people[74] && !roles.some(([, name]) => name === "Global Administrator")) {
      throw new Refusal(403, "accessDenied", "Request Authorization failed"); // this person holds a role, too
    }
    switch (here) {
      case `GET /${set}`: {
        const [status, found] = one(kind, object);
        return [status, kind === "device" && query.has("$expand") ? { ...found, registeredOwners: [typed("user", people[7])] } : found];
      }
      case `PATCH /${set}`: {
        const given = written(kind);
        if (headers["if-match"]) {
          throw new Refusal(400, "Request_BadRequest", "This Graph gave nobody an ETag.");
        }
        if (given.userPrincipalName && list.some((each) => each !== object && each.userPrincipalName === given.userPrincipalName)) {
          throw new Refusal(400, "Request_BadRequest", "Another object with the same value for property userPrincipalName already exists.");
        }
        if (given.groupTypes && given.groupTypes.includes("Unified") !== object.groupTypes.includes("Unified")) {
          throw new Refusal(400, "Request_BadRequest", "The group type cannot be changed."); // groupTypes: Unified is for good
        }
        Object.assign(object, given);
        return [204];
      }
      case "DELETE /users":
      case "DELETE /groups":
        deleted.push([kind, object, list === groups ? groups : people]);
        (list === groups ? groups : people).splice((list === groups ? groups : people).indexOf(object), 1);
        return [204];
      case "POST /groups/members/$ref": {
        const person = [me, ...people].find((each) => JSON.parse(body)["@odata.id"] === `${base}/v1.0/directoryObjects/${each.id}`);
        if (!person) {
          throw missing();
        }
        if (members.get(object.id).includes(person)) {
          throw new Refusal(400, "Request_BadRequest", "One or more added object references already exist for the following modified properties: 'members'.");
        }
        members.get(object.id).push(person);
        return [204];
      }
      case "GET /groups/members":
        return many("user", members.get(object.id).map((each) => typed("user", each)));
      case "GET /users/manager":
        throw missing();
      case "POST /users/revokeSignInSessions":
        return [200, { value: true }];
      case "GET /users/memberOf/microsoft.graph.group":
        return many("group", [group]);
      case "GET /users/transitiveMemberOf/microsoft.graph.directoryRole":
        return many("directoryRole", object === me ? roles.map(([roleTemplateId, displayName]) => ({ id: randomUUID(), displayName, roleTemplateId })) : []);
      case "GET /users/ownedDevices":
      case "GET /users/registeredDevices":
        return many("device", [typed("device", device)]);
      case `GET ${methods}/methods`:
        if (query.has("$select")) {
          throw new Refusal(400, "badRequest", "The query specified in the URI is not valid.");
        }
        return [200, { value: methodsOf(object.id) }];
      case `POST ${methods}/temporaryAccessPassMethods`: {
        const given = JSON.parse(body);
        const strange = Object.keys(given).find((name) => !["@odata.type", "isUsableOnce", "lifetimeInMinutes", "startDateTime"].includes(name));
        if (strange) {
          throw new Refusal(400, "badRequest", `The property '${strange}' does not exist on type 'microsoft.graph.temporaryAccessPassAuthenticationMethod'.`);
        }
        if ((given.lifetimeInMinutes ?? 60) > 480) {
          throw new Refusal(400, "badRequest", "Requested Temporary Access Pass lifetime is outside of the range that the policy allows.");
        }
        const made = { id: randomUUID(), temporaryAccessPass: null, createdDateTime: new Date().toISOString(), startDateTime: given.startDateTime ?? new Date().toISOString(), lifetimeInMinutes: given.lifetimeInMinutes ?? 60, isUsableOnce: given.isUsableOnce ?? false, isUsable: true, methodUsabilityReason: "EnabledByPolicy" };
        passes.set(object.id, made);
        return [201, { "@odata.context": `${base}/v1.0/$metadata#users('${object.id}')/authentication/temporaryAccessPassMethods/$entity`, ...made, temporaryAccessPass: "K7#mPq+9" }];
      }
      case "GET /groups/owners":
      case "GET /applications/owners":
      case "GET /devices/registeredUsers":
      case "GET /devices/registeredOwners":
        return many("user", [typed("user", people[7])]);
      case "GET /servicePrincipals/appRoleAssignedTo":
      case "GET /servicePrincipals/appRoleAssignments":
      case "GET /servicePrincipals/oauth2PermissionGrants":
        return [200, { value: [] }];
    }
    if (set === "groups" && verb === "DELETE" && rest[0] === "members" && rest[2] === "$ref") {
      const at = members.get(object.id).findIndex((each) => each.id === rest[1]);
      if (at < 0) {
        throw missing();
      }
      members.get(object.id).splice(at, 1);
      return [204];
    }
    if (here.startsWith(`GET ${methods}/temporaryAccessPassMethods/`) || here.startsWith(`DELETE ${methods}/temporaryAccessPassMethods/`)) {
      const pass = passes.get(object.id);
      if (pass?.id !== rest.at(-1)) {
        throw new Refusal(404, "resourceNotFound", "The requested authentication method was not found.");
      }
      if (verb === "DELETE") {
        passes.delete(object.id);
        return [204];
      }
      const strange = query.get("$select")?.match(/postern_\w+/)?.[0];
      if (strange) {
        throw new Refusal(400, "badRequest", `Could not find a property named '${strange}' on type 'microsoft.graph.temporaryAccessPassAuthenticationMethod'.`);
      }
      return [200, pass];
    }
    throw new Refusal(400, "BadRequest", `Resource not found for the segment '${rest[0] ?? set}'.`);
  };
}
