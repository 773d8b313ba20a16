// Virtual authenticators of Chromium (https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/).
import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";

// authenticator gives the browser of page one that keeps passkeys and checks its person. While
// present says so, it answers whatever is asked, passkeys that are offered beside a name too.
export async function authenticator(page, { transport = "internal" } = {}) {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      ctap2Version: "ctap2_1",
      transport,
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const send = (method, options = {}) => session.send(`WebAuthn.${method}`, { authenticatorId, ...options });
  const credentials = async () => (await send("getCredentials")).credentials;
  return {
    credentials,
    // empty waits until it keeps nothing any more.
    async empty() {
      for (const end = Date.now() + 5000; (await credentials()).length > 0; ) {
        assert.ok(Date.now() < end, "the authenticator still keeps a passkey");
        await page.evaluate(() => new Promise(requestAnimationFrame));
      }
    },
    // forge replaces its passkey by one that claims to be of the same person.
    async forge() {
      const [{ credentialId, rpId, userHandle }] = await credentials();
      await send("removeCredential", { credentialId });
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      await send("addCredential", {
        credential: {
          credentialId: randomBytes(16).toString("base64"),
          isResidentCredential: true,
          rpId,
          userHandle,
          privateKey: privateKey.export({ type: "pkcs8", format: "der" }).toString("base64"),
          signCount: 1,
        },
      });
    },
    verified: (isUserVerified) => send("setUserVerified", { isUserVerified }),
    present: (enabled) => send("setAutomaticPresenceSimulation", { enabled }),
    remove: () => send("removeVirtualAuthenticator"),
  };
}

// register adds a passkey on the person's own page.
export async function register(page, server) {
  await page.goto(`${server.url}/security-info/add/passkey`);
  await page.getByRole("button", { name: "Create a passkey" }).click();
  await page.waitForSelector("main[data-step=securityinfo]");
}
