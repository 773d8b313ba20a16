// standardwebhooks as the receiver of Postern's webhooks: it verifies what really came.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { serve, skip as noCertificates } from "./lib/certificate.js";
import { graph, person, tenant, unique } from "./lib/tenant.js";

// The tests wait for the same clock of the server, each at an address of its own.
describe("standardwebhooks as a receiver", { skip: noCertificates, concurrency: true }, () => {
  // hooks has by path what the receiver knows of each webhook: secret, and what came, each with what the library said.
  const hooks = new Map();
  let server;
  before(async () => {
    server = await serve(async (request, response) => {
      let body = "";
      for await (const part of request) {
        body += part;
      }
      const hook = hooks.get(request.url);
      const message = { headers: request.headers, body };
      try {
        message.event = new Webhook(hook.secret).verify(body, request.headers);
      } catch (err) {
        message.err = err;
      }
      response.writeHead(message.err ? 401 : 204).end();
      hook.waiting.length > 0 ? hook.waiting.shift()(message) : hook.came.push(message);
    });
  });
  after(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function create(...events) {
    const path = `/${unique("hook")}`;
    const made = await graph("POST", "/postern/webhooks", { displayName: unique("Receiver"), url: `https://localhost:${server.address().port}${path}`, events });
    const at = `/postern/webhooks/${made.id}`;
    const hook = { ...made, at, came: [], waiting: [], test: () => graph("POST", `${at}/test`), remove: () => graph("DELETE", at) };
    hook.next = () => (hook.came.length > 0 ? Promise.resolve(hook.came.shift()) : new Promise((done) => hook.waiting.push(done)));
    hooks.set(path, hook);
    return hook;
  }

  // delivery waits until a message is in state, and has been tried, in the log of a webhook.
  async function delivery(hook, message, state) {
    for (const end = Date.now() + 5000; ; ) {
      const found = await graph("GET", `${hook.at}/deliveries/${message.headers["webhook-id"]}`);
      if (found.state === state && found.attempts > 0) {
        return found;
      }
      assert.ok(Date.now() < end, `the log has ${JSON.stringify(found)}`);
    }
  }

  const refused = (why) => (err) => err instanceof WebhookVerificationError && why.test(err.message);
  const verify = (message, key, headers = {}) => new Webhook(key).verify(message.body, { ...message.headers, ...headers });

  it("verifies what tells of a pass, and nobody can change a byte of it", async () => {
    const hook = await create("pass.issued");
    const mira = await person();
    let message; // other tests issue passes, too
    do {
      message = await hook.next();
      assert.equal(message.err, undefined);
    } while (message.event.data.userId !== mira.id);
    const { type, timestamp, data } = message.event;
    assert.deepEqual([type, data.tenantId, data.userId], ["pass.issued", tenant, mira.id]);
    assert.ok(Math.abs(Date.now() - Date.parse(timestamp)) < 60_000);
    for (const known of [mira.pass, mira.name, mira.displayName]) {
      assert.ok(!message.body.includes(known), "a message holds more than ids");
    }
    const logged = await delivery(hook, message, "delivered");
    assert.deepEqual([logged.id, logged.event, logged.lastStatusCode, logged.payload], [message.headers["webhook-id"], "pass.issued", 204, message.event]);

    assert.throws(() => verify({ ...message, body: message.body.replace(mira.id, tenant) }, hook.secret), refused(/signature/));
    assert.throws(() => verify({ ...message, body: `${message.body} ` }, hook.secret), refused(/signature/));
    assert.throws(() => verify(message, hook.secret, { "webhook-id": tenant }), refused(/signature/));
    assert.throws(() => verify(message, hook.secret, { "webhook-signature": message.headers["webhook-signature"].replace("v1,", "v2,") }), refused(/signature/));
    await hook.remove();
  });

  it("refuses a message that was kept for later", async () => {
    const hook = await create("case.disputed");
    await hook.test();
    const message = await hook.next();
    assert.equal(message.err, undefined);
    const sent = Number(message.headers["webhook-timestamp"]);
    const at = (seconds, headers) => {
      const now = Date.now;
      Date.now = () => seconds * 1000; // the library's clock; nothing else runs meanwhile
      try {
        return verify(message, hook.secret, headers);
      } finally {
        Date.now = now;
      }
    };
    assert.equal(at(sent + 300).type, "webhook.test");
    assert.throws(() => at(sent + 301), refused(/too old/));
    assert.throws(() => at(sent - 301), refused(/too new/));
    // The time is signed: a newer one is no help.
    assert.throws(() => at(sent + 301, { "webhook-timestamp": String(sent + 301) }), refused(/signature/));
    await hook.remove();
  });

  it("refuses what is signed by another secret, and takes the same message once it has the right one", async () => {
    const hook = await create("case.disputed");
    const { secret } = hook;
    hook.secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
    await hook.test();
    const message = await hook.next();
    assert.ok(refused(/signature/)(message.err));
    const logged = await delivery(hook, message, "waiting");
    assert.deepEqual([logged.lastStatusCode, logged.completedDateTime, logged.tries.map(({ statusCode }) => statusCode)], [401, null, [401]]);

    hook.secret = secret;
    await graph("PATCH", hook.at, { isEnabled: false });
    await graph("PATCH", hook.at, { isEnabled: true }); // which ends the pause after a refusal
    await graph("POST", `${hook.at}/deliveries/${logged.id}/sendAgain`);
    const again = await hook.next();
    assert.equal(again.err, undefined);
    assert.deepEqual([again.headers["webhook-id"], again.body], [message.headers["webhook-id"], message.body]);
    assert.deepEqual((await delivery(hook, message, "delivered")).tries.map(({ statusCode }) => statusCode), [401, 204]);
    await hook.remove();
  });

  it("knows messages by the old and the new secret while both count, and by the new one alone afterwards", async () => {
    const hook = await create("case.disputed");
    const old = hook.secret;
    const { secret: fresh } = await graph("POST", `${hook.at}/rotateSecret`, {});
    assert.notEqual(fresh, old);
    await hook.test();
    const both = await hook.next(); // the receiver still has the old one
    assert.equal(both.err, undefined);
    assert.equal(verify(both, fresh).type, "webhook.test");
    assert.equal(both.headers["webhook-signature"].split(" ").length, 2);

    hook.secret = (await graph("POST", `${hook.at}/rotateSecret`, { overlapInHours: 0 })).secret;
    await hook.test();
    const alone = await hook.next();
    assert.equal(alone.err, undefined);
    for (const ended of [old, fresh]) {
      assert.throws(() => verify(alone, ended), refused(/signature/));
    }
    await hook.remove();
  });
});
