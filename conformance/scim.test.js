// scim-patch and scim2-parse-filter do what SCIM says with documents in memory, and scimmy knows
// its schemas: what Postern does with people must come out the same.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { scimPatch } from "scim-patch";
import { filter, parse } from "scim2-parse-filter";
import SCIMMY from "scimmy";
import { application, domain, permit, tenant, unique, url } from "./lib/tenant.js";

const core = "urn:ietf:params:scim:schemas:core:2.0:User";
const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

describe("SCIM", () => {
  let token;
  before(async () => {
    const app = await application({ secret: true });
    await permit(app, "User.ReadWrite.All");
    await permit(app, "Group.ReadWrite.All");
    const response = await fetch(`${url}/${tenant}/oauth2/v2.0/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: app.id,
        client_secret: app.secret,
        scope: "https://graph.microsoft.com/.default",
      }),
    });
    token = (await response.json()).access_token;
  });

  async function scim(method, path, body, status = 200) {
    const response = await fetch(`${url}/scim/v2${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/scim+json" },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    assert.equal(response.status, status, `${method} ${path}: ${text}`);
    return text && JSON.parse(text);
  }

  function create(name, more = {}) {
    const nick = unique(name);
    const person = {
      schemas: [core, enterprise],
      userName: `${nick}@${domain}`,
      externalId: nick,
      active: true,
      displayName: name,
      name: { givenName: name, familyName: "Okafor" },
      title: "Nurse",
      emails: [{ value: `${nick}@${domain}`, type: "work", primary: true }],
      phoneNumbers: [{ value: "+49 1", type: "work" }],
      [enterprise]: { department: "Ward 3", employeeNumber: nick },
      ...more,
    };
    return scim("POST", "/Users", person, 201);
  }

  // comparable leaves out what only a server writes, and the order of lists.
  function comparable({ meta, schemas, id, name, [enterprise]: x, ...rest }) {
    const { formatted, ...parts } = name ?? {};
    const { manager, ...extension } = x ?? {};
    for (const list of ["emails", "phoneNumbers", "addresses"]) {
      rest[list] = (rest[list] ?? []).map((e) => JSON.stringify(e, Object.keys(e).sort())).sort();
    }
    return { ...rest, name: parts, extension, manager: manager?.value };
  }

  for (const [name, operations] of Object.entries({
    "replaces values": [{ op: "replace", path: "title", value: "Doctor" }, { op: "replace", path: "name.familyName", value: "Berg" }],
    "takes a value without a path": [{ op: "replace", value: { title: "Head", displayName: "Dr. Berg" } }],
    "changes an element by a filter": [{ op: "replace", path: 'phoneNumbers[type eq "work"].value', value: "+49 2" }],
    "adds an element": [{ op: "add", path: "phoneNumbers", value: [{ type: "mobile", value: "+49 3" }] }],
    "removes an element": [{ op: "remove", path: 'phoneNumbers[type eq "work"]' }],
    "removes a value": [{ op: "remove", path: "title" }],
    "changes an extension": [{ op: "add", path: `${enterprise}:department`, value: "Ward 4" }],
    "turns somebody off": [{ op: "replace", path: "active", value: false }],
  })) {
    it(`${name}, as scim-patch does`, async () => {
      const person = await create("Mira");
      const schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"];
      const ours = await scim("PATCH", `/Users/${person.id}`, { schemas, Operations: operations });
      const theirs = scimPatch(structuredClone(person), structuredClone(operations));
      assert.deepEqual(comparable(ours), comparable(theirs));
    });
  }

  it("finds who scim2-parse-filter finds", async () => {
    await create("Ida", { title: "Doctor" });
    await create("Omar", { active: false });
    const all = [];
    for (let cursor = ""; cursor !== undefined; ) {
      const page = await scim("GET", `/Users?count=3&cursor=${cursor}`);
      all.push(...page.Resources);
      cursor = page.nextCursor;
    }
    // It minds the case of letters, which the standard does not here.
    for (const text of [
      'title eq "Doctor"', "active eq false", 'displayName sw "I" and not (title pr)', '(title eq "Nurse" or title eq "Doctor") and active eq true',
      'emails[type eq "work"] and displayName eq "Omar"', 'name.familyName eq "Okafor"',
    ]) {
      const ours = await scim("GET", `/Users?count=500&filter=${encodeURIComponent(text)}`);
      const theirs = all.filter(filter(parse(text)));
      assert.deepEqual(ours.Resources.map((u) => u.id).sort(), theirs.map((u) => u.id).sort(), text);
    }
  });

  it("sends people and groups that scimmy takes for ones", async () => {
    const person = await create("Eva");
    const group = await scim("POST", "/Groups", {
      schemas: ["urn:ietf:params:scim:schemas:core:2.0:Group"], displayName: unique("Nurses"), members: [{ value: person.id }],
    }, 201);
    assert.equal(new SCIMMY.Schemas.User(person, "out").userName, person.userName);
    assert.equal(new SCIMMY.Schemas.Group(group, "out").members[0].value, person.id);
    const refused = await scim("POST", "/Users", { ...person, userName: `x@${domain}` }, 409);
    assert.equal(refused.scimType, "uniqueness");
  });
});
