// Microsoft's own client for Graph, @microsoft/microsoft-graph-client.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import graphClient from "@microsoft/microsoft-graph-client";
import { connect } from "./lib/graph.js";
import { automation, domain, person, unique, url } from "./lib/tenant.js";

const { BatchRequestContent, BatchResponseContent, PageIterator } = graphClient;

const policy = "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/temporaryAccessPass";

describe("@microsoft/microsoft-graph-client", () => {
  let graph;
  before(() => {
    graph = connect();
  });

  const user = (changes = {}) => {
    const nick = unique("kenji");
    return {
      accountEnabled: true,
      displayName: "Kenji Sato",
      mailNickname: nick,
      userPrincipalName: `${nick}@${domain}`,
      passwordProfile: { password: "not kept, but Graph wants one 7!" },
      ...changes,
    };
  };

  it("takes a token for Postern's own address, too", async () => {
    const { value } = await connect([`${url}/.default`]).api("/users").top(1).get();
    assert.equal(value.length, 1);
  });

  it("creates, reads, changes and deletes a user, and restores them", async () => {
    const created = await graph.api("/users").post(user({ department: "Logistics" }));
    const one = graph.api(`/users/${created.userPrincipalName}`);
    assert.deepEqual(await one.select("id,department,accountEnabled").get(), {
      "@odata.context": `${url}/v1.0/$metadata#users(id,department,accountEnabled)/$entity`,
      id: created.id,
      department: "Logistics",
      accountEnabled: true,
    });
    await graph.api(`/users/${created.id}`).patch({ jobTitle: "Driver", accountEnabled: false });
    const changed = await graph.api(`/users/${created.id}`).select(["jobTitle", "accountEnabled"]).get();
    assert.deepEqual([changed.jobTitle, changed.accountEnabled], ["Driver", false]);
    await graph.api(`/users/${created.id}`).delete();
    await assert.rejects(graph.api(`/users/${created.id}`).get(), { statusCode: 404, code: "Request_ResourceNotFound" });
    await graph.api(`/directory/deletedItems/${created.id}/restore`).post({});
    assert.equal((await graph.api(`/users/${created.id}`).get()).jobTitle, "Driver");
  });

  it("puts people into a group and finds them there", async () => {
    const [one, two] = await Promise.all([graph.api("/users").post(user()), graph.api("/users").post(user())]);
    const name = unique("drivers");
    const group = await graph.api("/groups").post({
      displayName: name,
      mailEnabled: false,
      mailNickname: name,
      securityEnabled: true,
      "members@odata.bind": [`${url}/v1.0/directoryObjects/${one.id}`],
    });
    await graph.api(`/groups/${group.id}/members/$ref`).post({ "@odata.id": `${url}/v1.0/directoryObjects/${two.id}` });
    const { value } = await graph.api(`/groups/${group.id}/members`).get();
    assert.deepEqual(new Set(value.map(({ id }) => id)), new Set([one.id, two.id]));
    assert.ok(value.every((each) => each["@odata.type"] === "#microsoft.graph.user"));
    await graph.api(`/groups/${group.id}/members/${one.id}/$ref`).delete();
    const of = await graph.api(`/users/${two.id}/memberOf`).get();
    assert.deepEqual(of.value.map(({ id }) => id), [group.id]);
    assert.deepEqual((await graph.api(`/users/${one.id}/memberOf`).get()).value, []);
    await graph.api(`/groups/${group.id}`).delete();
  });

  it("turns the pages with its iterator until none is left", async () => {
    const department = unique("Night shift");
    const made = await Promise.all(Array.from({ length: 5 }, () => graph.api("/users").post(user({ department }))));
    const first = await graph.api("/users").filter(`department eq '${department}'`).top(2).select("id").get();
    assert.equal(first.value.length, 2);
    const seen = [];
    await new PageIterator(graph, first, ({ id }) => seen.push(id) > 0).iterate();
    assert.deepEqual(seen.sort(), made.map(({ id }) => id).sort());
  });

  it("sends a batch and tells its answers apart", async () => {
    const somebody = await graph.api("/users").post(user());
    const send = async (...steps) => {
      const content = await new BatchRequestContent(steps).getContent();
      return new BatchResponseContent(await graph.api("/$batch").post(content));
    };
    // A step's address is taken without its host, and no version goes before it.
    const body = JSON.stringify({ city: "Leeds" });
    const headers = { "Content-Type": "application/json" };
    const change = new Request(`${url}/users/${somebody.id}`, { method: "PATCH", body, headers });
    const read = new Request(`${url}/users/${somebody.id}?$select=city`);
    const missing = new Request(`${url}/users/nobody@${domain}`);

    const parallel = await send({ id: "read", request: read }, { id: "missing", request: missing });
    assert.equal((await parallel.getResponseById("read").json()).city, null);
    assert.equal(parallel.getResponseById("missing").status, 404);

    const serial = await send({ id: "change", request: change }, { id: "read", request: read, dependsOn: ["change"] });
    assert.equal(serial.getResponseById("change").status, 204);
    assert.equal((await serial.getResponseById("read").json()).city, "Leeds");

    const failed = await send({ id: "missing", request: missing }, { id: "read", request: read, dependsOn: ["missing"] });
    assert.equal(failed.getResponseById("read").status, 424);
  });

  it("searches with the header that Graph wants, and is refused without", async () => {
    const displayName = `${unique("Zsofia")} Kovacs`;
    const { id } = await graph.api("/users").post(user({ displayName }));
    const search = graph.api("/users").search(`"displayName:${displayName}"`).header("ConsistencyLevel", "eventual");
    const { value } = await search.get();
    assert.deepEqual(value.map((each) => each.id), [id]);
    const counted = graph.api("/users").filter("userType ne 'Guest'").count(true).top(1);
    assert.ok((await counted.header("ConsistencyLevel", "eventual").get())["@odata.count"] > 1);
    await assert.rejects(graph.api("/users").search(`"displayName:Zs"`).get(), { statusCode: 400, code: "Request_UnsupportedQuery" });
  });

  it("issues a pass, shows it once, and deletes it", async () => {
    const { id } = await graph.api("/users").post(user());
    const passes = `/users/${id}/authentication/temporaryAccessPassMethods`;
    const pass = await graph.api(passes).post({
      "@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethod",
      isUsableOnce: true,
      lifetimeInMinutes: 60,
    });
    assert.match(pass.temporaryAccessPass, /^[A-HJ-NP-Z2-9]{8}$/);
    assert.deepEqual([pass.isUsable, pass.methodUsabilityReason], [true, "EnabledByPolicy"]);
    const read = await graph.api(`${passes}/${pass.id}`).get();
    assert.equal(read.temporaryAccessPass, null);
    const { value } = await graph.api(`/users/${id}/authentication/methods`).get();
    assert.deepEqual(value.map((each) => each["@odata.type"]), ["#microsoft.graph.temporaryAccessPassAuthenticationMethod"]);
    await graph.api(`${passes}/${pass.id}`).delete();
    assert.deepEqual((await graph.api(passes).get()).value, []);
    const filter = `activityDateTime ge ${pass.createdDateTime} and targetResources/any(t:t/id eq '${id}')`;
    const { value: events } = await graph.api("/auditLogs/directoryAudits").filter(filter).get();
    assert.ok(events.length >= 2, "the log has no event for issue and removal");
  });

  it("reads the policy of every method, changes one, and puts it back", async () => {
    const whole = await graph.api("/policies/authenticationMethodsPolicy").get();
    const ids = whole.authenticationMethodConfigurations.map(({ id }) => id);
    for (const id of ["Fido2", "MicrosoftAuthenticator", "TemporaryAccessPass", "SoftwareOath"]) {
      assert.ok(ids.includes(id), `${id} is missing`);
    }
    assert.equal(whole.registrationEnforcement.authenticationMethodsRegistrationCampaign.state, "default");
    const one = graph.api("/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/SoftwareOath");
    const before = await one.get();
    await one.patch({ ...before, state: "enabled" }); // as scripts do: what was read, with one change
    assert.equal((await one.get()).state, "enabled");
    await one.delete();
    assert.equal((await one.get()).state, before.state);
    const sms = graph.api("/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/Sms");
    await assert.rejects(sms.get(), { statusCode: 404 });
    await assert.rejects(sms.patch({ state: "enabled" }), { statusCode: 400, code: "notSupported" });
  });

  it("makes a place, a strength and a policy of Conditional Access, and sends back what it read", async () => {
    const root = "/identity/conditionalAccess";
    const place = await graph.api(`${root}/namedLocations`).post({
      "@odata.type": "#microsoft.graph.ipNamedLocation",
      displayName: unique("Office"),
      isTrusted: true,
      ipRanges: [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", cidrAddress: "203.0.113.0/24" }],
    });
    const strength = await graph.api("/policies/authenticationStrengthPolicies").post({
      "@odata.type": "#microsoft.graph.authenticationStrengthPolicy",
      displayName: unique("Keys"),
      allowedCombinations: ["fido2", "temporaryAccessPassOneTime"],
    });
    const made = await graph.api(`${root}/policies`).post({
      displayName: unique("Away from the office"),
      state: "enabledForReportingButNotEnforced",
      conditions: {
        clientAppTypes: ["all"],
        users: { includeUsers: ["All"] },
        applications: { includeApplications: ["All"] },
        locations: { includeLocations: ["All"], excludeLocations: [place.id] },
      },
      grantControls: {
        operator: "OR",
        builtInControls: [],
        "authenticationStrength@odata.bind": `${url}/v1.0/policies/authenticationStrengthPolicies/${strength.id}`,
      },
    });
    const one = graph.api(`${root}/policies/${made.id}`);
    const read = await one.get();
    assert.equal(read.grantControls.authenticationStrength.displayName, strength.displayName);
    await one.patch({ ...read, state: "disabled" });
    assert.equal((await one.get()).state, "disabled");
    const { value: builtIn } = await graph.api("/policies/authenticationStrengthPolicies").filter("policyType eq 'builtIn'").get();
    assert.equal(builtIn.length, 3);
    const location = graph.api(`${root}/namedLocations/${place.id}`);
    await assert.rejects(location.delete(), { statusCode: 409 });
    await one.delete();
    await location.delete();
    await graph.api(`${root}/authenticationStrength/policies/${strength.id}`).delete();
    await assert.rejects(one.get(), { statusCode: 404 });
  });

  it("reports who has which method, page by page and counted", async () => {
    const department = unique("Report");
    const made = await Promise.all(Array.from({ length: 3 }, () => graph.api("/users").post(user({ displayName: department }))));
    const [{ id }] = made;
    await graph.api(`/users/${id}/authentication/temporaryAccessPassMethods`).post({ isUsableOnce: true });
    const details = graph.api("/reports/authenticationMethods/userRegistrationDetails");
    const first = await details.filter(`startswith(userDisplayName,'${department}')`).top(2).get();
    const seen = [];
    await new PageIterator(graph, first, (line) => seen.push(line) > 0).iterate();
    assert.deepEqual(seen.map((line) => line.id).sort(), made.map((each) => each.id).sort());
    const line = seen.find((each) => each.id === id);
    assert.deepEqual([line.methodsRegistered, line.isMfaCapable, line.isAdmin, line.userType], [["temporaryAccessPass"], false, false, "member"]);
    const has = "methodsRegistered/any(x:x eq 'temporaryAccessPass')";
    const those = graph.api("/reports/authenticationMethods/userRegistrationDetails");
    const { value } = await those.filter(`startswith(userDisplayName,'${department}') and ${has}`).get();
    assert.deepEqual(value.map((each) => each.id), [id]);
    const root = "/reports/authenticationMethods";
    const counts = await graph.api(`${root}/usersRegisteredByMethod(includedUserTypes='all',includedUserRoles='all')`).get();
    const passes = counts.userRegistrationMethodCounts.find((each) => each.authenticationMethod === "temporaryAccessPass");
    assert.ok(passes.userCount >= 1 && counts.totalUserCount >= 4);
    const features = await graph.api(`${root}/usersRegisteredByFeature()`).get();
    assert.deepEqual(features.userRegistrationFeatureCounts.map(({ feature }) => feature), [
      "mfaCapable",
      "passwordlessCapable",
      "ssprCapable",
      "ssprEnabled",
      "ssprRegistered",
    ]);
  });

  it("says what is wrong with a pass that the policy does not allow", async () => {
    const { id } = await graph.api("/users").post(user());
    const passes = `/users/${id}/authentication/temporaryAccessPassMethods`;
    await assert.rejects(graph.api(passes).post({ lifetimeInMinutes: 100000 }), (err) => {
      assert.deepEqual([err.statusCode, err.code], [400, "badRequest"]);
      assert.match(err.message, /60.*480/);
      assert.ok(JSON.parse(err.body).innerError["request-id"]);
      return true;
    });
  });

  it("changes the policy for passes, and refuses a wrong one whole", async () => {
    const type = "#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration";
    const before = await graph.api(policy).get();
    assert.equal(before.state, "enabled");
    await graph.api(policy).patch({ "@odata.type": type, defaultLength: 12 });
    assert.equal((await graph.api(policy).get()).defaultLength, 12);
    await assert.rejects(graph.api(policy).patch({ "@odata.type": type, defaultLength: 4 }), { statusCode: 400, code: "badRequest" });
    await graph.api(policy).patch({ "@odata.type": type, defaultLength: before.defaultLength });
  });

  it("gets Graph's errors for what is not there", async () => {
    await assert.rejects(graph.api("/users").query({ $skip: 1 }).get(), { statusCode: 400 });
    await assert.rejects(graph.api("/users").select("shoeSize").get(), { statusCode: 400 });
    await assert.rejects(graph.api("/no/such/thing").get(), { statusCode: 404 });
    const twice = user();
    await graph.api("/users").post(twice);
    await assert.rejects(graph.api("/users").post(twice), { statusCode: 400, code: "Request_BadRequest" });
  });

  it("shows a sign-in log that a person's failures and successes reach", async () => {
    const nobody = await person("Nia");
    const { value } = await graph.api("/auditLogs/signIns").filter(`userId eq '${nobody.id}'`).get();
    assert.deepEqual(value, []);
    const apps = await graph.api("/auditLogs/signIns").filter(`appId eq '${automation.id}'`).top(1).get();
    assert.equal(apps.value[0].status.errorCode, 0);
  });
});
