// Recovery cases in the console: an agent takes a call from “I can't get in” to the pass that is used, and back.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, open, skip } from "./lib/browser.js";
import { colleague, enter } from "./lib/console.js";
import { everywhere, look } from "./lib/look.js";
import { authenticator, register } from "./lib/passkey.js";
import { giveName, givePass, signIn } from "./lib/person.js";
import { start } from "./lib/server.js";

// Pages that are much like others are looked at in a soak only.
const seldom = process.env.POSTERN_SOAK === "1" ? everywhere : [];
const narrow = process.env.POSTERN_SOAK === "1" ? everywhere : { widths: [360], themes: ["dark"] };

describe("a recovery case in the console", { skip }, () => {
  let server, browser, dana;
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    dana = await colleague(server, "dana", "Global Administrator");
    await server.cli("user", "create", "mira@contoso.example", "--display-name", `Mira "<img src=x onerror=alert(1)>" Okafor`);
  });
  after(() => Promise.all([server?.stop(), browser?.close()]));

  it("goes from a call to the pass that is used, one button after the other, and to a dispute", async (t) => {
    const page = await open(t, browser);
    const next = () => page.locator("#next").getAttribute("data-next");
    await enter(page, server, dana, "/console/recovery");
    await look(page, "console-recovery-none", seldom);
    await page.getByRole("link", { name: "Open a case" }).click();
    await page.locator("main [name=q]").fill("mira");
    await page.keyboard.press("Enter");
    await page.waitForURL(/person=/);
    await page.getByRole("checkbox", { name: "Phone lost", exact: true }).focus();
    await page.keyboard.press(" ");
    await page.getByLabel("What happened").fill("Phone stolen on a trip.");
    await look(page, "console-recovery-open", seldom);
    await page.getByRole("button", { name: "Open the case" }).focus();
    await page.keyboard.press("Enter");
    await page.locator("#next").waitFor();
    assert.equal(await next(), "prove");
    await look(page, "console-recovery-prove", narrow);
    await page.getByRole("radio", { name: /In person/ }).focus();
    await page.keyboard.press(" ");
    await page.getByRole("button", { name: "It’s them" }).focus();
    await page.keyboard.press("Enter");
    await page.locator("#next[data-next=issue]").waitFor();
    const at = new URL(page.url()).pathname;
    await look(page, "console-recovery-issue", seldom);
    await page.locator("#next").getByRole("link", { name: "Issue the pass" }).click();
    await page.locator("#issue").waitFor();
    await look(page, "console-recovery-pass", seldom);
    await page.getByRole("radio", { name: /^To sign in/ }).check();
    await page.getByRole("button", { name: "Issue the pass" }).click();
    await page.locator("#letters").waitFor();
    const pass = (await page.locator("#letters b").allTextContents()).join("");
    await page.getByRole("link", { name: "To the case" }).click();
    await page.locator("#next[data-next=use]").waitFor();

    const caller = await open(t, browser);
    await signIn(caller, { ...server, name: "mira@contoso.example" }, pass);
    await page.locator("[data-step=used]").waitFor(); // by itself
    await look(page, "console-recovery-used", seldom);

    await page.getByRole("link", { name: /This was somebody else/ }).click();
    await page.getByLabel("Why").fill("She is at her desk and did not call.");
    await look(page, "console-recovery-dispute", seldom);
    await page.getByRole("button", { name: /This was somebody else/ }).click();
    await page.locator("#next[data-next=decide]").waitFor();
    await look(page, "console-recovery-disputed", seldom);

    // Who issued the pass may undo it, and not say that all was well. A colleague who finds out does, and it is disputed again.
    assert.equal(await page.getByRole("link", { name: /It was them/ }).count(), 0);
    const judge = await open(t, browser);
    await enter(judge, server, await colleague(server, "sam", "Authentication Administrator"), at);
    await judge.getByRole("link", { name: /It was them/ }).click();
    await judge.getByLabel("Why").fill("I met her.");
    await look(judge, "console-recovery-release", seldom);
    await judge.getByRole("button", { name: /It was them/ }).click();
    await judge.getByText("The dispute is lifted.").waitFor();
    await look(judge, "console-recovery-released", seldom);
    await page.locator("[data-step=released]").waitFor(); // by itself
    await page.getByText("“I met her.”").waitFor();
    await page.getByRole("link", { name: /This was somebody else/ }).click();
    await page.getByRole("button", { name: /This was somebody else/ }).click();
    await page.locator("#next[data-next=decide]").waitFor();
    await page.goto(`${server.url}/console/recovery`);
    await look(page, "console-recovery-list", seldom);
    await page.goto(`${server.url}/console/`);
    await page.getByText(/is disputed/).waitFor();
    await look(page, "console-recovery-home", seldom);
    await page.goto(`${server.url}${at}/revert`);
    await page.getByLabel(/number of the case/).fill("R-AAAAAA");
    await page.getByRole("button", { name: /remove everything/ }).click();
    await page.locator("[aria-invalid=true]").waitFor();
    await look(page, "console-recovery-revert", seldom);
    await page.getByLabel(/number of the case/).fill((await page.locator("#number-hint").textContent()).trim());
    await page.getByRole("button", { name: /remove everything/ }).click();
    await page.locator("#next[data-next=reverted]").waitFor();
    await look(page, "console-recovery-reverted", seldom);
  });

  it("keeps what somebody is typing when a colleague goes on with the case", async (t) => {
    await server.cli("user", "create", "noor@contoso.example", "--display-name", "Noor Haddad");
    await server.cli("case", "open", "noor@contoso.example", "--channel", "phone", "--as", "automation");
    const page = await open(t, browser);
    await enter(page, server, dana, "/console/recovery");
    await page.getByRole("link", { name: "Noor Haddad" }).click();
    await page.getByRole("radio", { name: /In person/ }).check();
    const at = page.url();
    const note = page.getByLabel("What you saw or heard");
    await note.pressSequentially("A passport, ");

    // The part is loaded anew, with the same form in it: typing goes on where it was.
    await page.evaluate("document.getElementById('case').className += ' before'; htmx.trigger('#case', 'changed')");
    await page.locator("#case:not(.before)").waitFor();
    await page.keyboard.type("the photo");
    assert.equal(await note.inputValue(), "A passport, the photo");
    assert.ok(await page.getByRole("radio", { name: /In person/ }).isChecked());

    // The case moves on to another form: what was typed stays, and the page says why.
    const agent = await open(t, browser);
    await enter(agent, server, await colleague(server, "ida", "Authentication Administrator"), new URL(at).pathname);
    await agent.getByRole("radio", { name: /On video/ }).check();
    await agent.getByRole("button", { name: "It’s them" }).click();
    await agent.locator("#next[data-next=issue]").waitFor();
    await page.locator(".moved").waitFor();
    assert.equal(await note.inputValue(), "A passport, the photo");
    assert.equal(await page.locator("#next").getAttribute("data-next"), "prove");
    await look(page, "console-recovery-moved", narrow);

    // It was about the case as it was, so it is refused.
    await page.getByRole("button", { name: "It’s them" }).click();
    await page.getByRole("alert").waitFor();
    await page.goto(at);
    await page.locator("#next[data-next=issue]").waitFor();
  });

  it("takes an approval from who signs in anew with a passkey, and not from a session of a pass", async (t) => {
    const boss = await colleague(server, "boss", "Global Administrator");
    await server.cli("case", "open", boss.name, "--channel", "phone", "--as", "automation");
    const agent = await open(t, browser);
    await enter(agent, server, await colleague(server, "pia", "Privileged Authentication Administrator"), "/console/recovery");
    await agent.getByRole("link", { name: "boss" }).click();
    await agent.getByRole("radio", { name: /In person/ }).check();
    await agent.getByRole("button", { name: "It’s them" }).click();
    await agent.locator("#next[data-next=approve_not_you]").waitFor();
    const at = new URL(agent.url()).pathname;

    const page = await open(t, browser);
    const key = await authenticator(page);
    await enter(page, server, dana, at);
    await register(page, server);
    await key.present(false);
    await page.goto(`${server.url}${at}`);
    await page.getByLabel("Why").fill("I know her, and saw the document too.");
    await page.getByRole("button", { name: "Approve", exact: true }).click();
    await page.getByRole("alert").waitFor();
    await look(page, "console-recovery-anew", seldom);
    await key.present(true);
    await page.getByRole("link", { name: "Sign in anew" }).click(); // with a passkey at once: a pass counts for no approval
    await page.waitForURL((url) => url.pathname === at);
    await page.getByRole("button", { name: "Approve", exact: true }).click();
    await page.locator("#next[data-next=cool]").waitFor();
    await agent.locator("[data-step=approved]").waitFor(); // by itself
    await look(page, "console-recovery-cool", seldom);
  });

  it("says what a change of the policy comes to before it is saved", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, dana, "/console/recovery/policy");
    await look(page, "console-recovery-policy", seldom);
    await page.locator("[name='everyone.low.minutes']").fill("30");
    await page.getByRole("button", { name: "Look at what changes" }).last().click();
    await page.locator("#check ins").waitFor();
    assert.equal(await page.locator("#check ins").count(), 1);
    await look(page, "console-recovery-policy-check", narrow);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("The policy is saved.").waitFor();
  });

  it("gives the manager’s link once, to send it, with a button that copies it", async (t) => {
    await server.cli("user", "create", "kit@contoso.example", "--display-name", "Kit Reed");
    await server.cli("user", "create", "lea@contoso.example", "--display-name", "Lea Brandt");
    await server.cli("user", "set", "kit@contoso.example", "--manager", "lea@contoso.example");
    const page = await open(t, browser);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await server.cli("tap", "issue", "kit@contoso.example");
    await enter(page, server, dana, "/console/recovery/policy");
    await page.locator("[name='everyone.hand'][value=managerLink]").check();
    assert.equal(await page.locator("[name='privileged.hand'][value=managerLink]").count(), 0);
    await page.locator("[name=contactChangeDelayInHours]").fill("0");
    await look(page, "console-recovery-policy-link", seldom);
    await page.getByRole("button", { name: "Look at what changes" }).last().click();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("The policy is saved.").waitFor();
    const number = (await server.cli("case", "open", "kit@contoso.example", "--channel", "phone", "--as", "automation")).stdout.trim();
    await page.goto(`${server.url}/console/recovery/cases/${number}`);
    await page.getByRole("radio", { name: /In person/ }).check();
    await page.getByRole("button", { name: "It’s them" }).click();
    await page.locator("#next").getByRole("link", { name: "Issue the pass" }).click();

    // Nobody could open a link yet, and it is said beforehand, as is what ends with the new pass.
    const way = page.getByRole("radio", { name: /Lea Brandt, opens it; you send the link/ });
    assert.ok(await way.isDisabled());
    await page.getByText("Lea Brandt has no passkey").first().waitFor();
    await page.locator("#will").getByText("stops working").waitFor();
    await look(page, "console-recovery-pass-shut", everywhere);
    const manager = await open(t, browser);
    await authenticator(manager);
    await signIn(manager, { ...server, name: "lea@contoso.example" }, (await server.cli("tap", "issue", "lea@contoso.example")).stdout.trim());
    await register(manager, server);
    await page.reload();
    await way.check();
    await look(page, "console-recovery-pass-link", narrow);
    await page.getByRole("button", { name: "Issue the pass" }).click();
    const link = await page.getByLabel("Link", { exact: true }).inputValue();
    assert.match(link, /\/recover\/open#[\w-]{80,}$/);
    await look(page, "console-recovery-link", everywhere);
    await page.getByRole("button", { name: "Copy the link" }).click();
    await page.getByText("Copied. Paste it into the chat").waitFor();
    await look(page, "console-recovery-link-copied", narrow);
    assert.equal(await page.evaluate("navigator.clipboard.readText()"), link);
    await page.reload();
    assert.equal(await page.locator("#link").count(), 0);

    await page.goto(`${server.url}/console/recovery/new?q=dana@contoso.example`);
    await page.locator("#barred[data-code=notForYourself]").waitFor();
    await look(page, "console-recovery-barred", everywhere);
  });

  it("rehearses with somebody, and follows how it went", async (t) => {
    await server.cli("user", "create", "ada@contoso.example", "--display-name", `Ada "<img src=x onerror=alert(1)>" Wilk`);
    const page = await open(t, browser);
    await enter(page, server, dana, "/console/recovery/drills");
    await look(page, "console-drills-none", seldom);
    await page.getByRole("link", { name: "Begin a drill" }).click();
    await page.locator("main [name=q]").fill("ada");
    await page.keyboard.press("Enter");
    await page.waitForURL(/person=/);
    await look(page, "console-drills-start", narrow);
    await page.getByRole("button", { name: "Show the practice pass" }).focus();
    await page.keyboard.press("Enter");
    const code = await page.locator("[data-practice]").getAttribute("data-practice");
    await look(page, "console-drills-read", everywhere);

    const caller = await open(t, browser);
    await caller.goto(`${server.url}/security-info`);
    await giveName(caller, "ada@contoso.example");
    await givePass(caller, code);
    await page.locator("[data-state=passed]").waitFor(); // by itself
    assert.equal(await page.locator("[data-practice]").count(), 1);
    await page.goto(page.url());
    assert.equal(await page.locator("[data-practice]").count(), 0);
    await look(page, "console-drills-drill", everywhere);
    await page.getByRole("link", { name: "Drills" }).click();
    await look(page, "console-drills", seldom);
    await page.goto(`${server.url}/console/recovery/drills/new?sample=1`);
    await look(page, "console-drills-sample-form", seldom);
    await page.getByRole("button", { name: "Ask them" }).click();
    await page.getByText("The sample is asked.").waitFor();
    await look(page, "console-drills-sample", narrow);
    await page.getByRole("link", { name: /^2/ }).click();
    await page.getByRole("heading", { name: /^Report of/ }).waitFor();
    await look(page, "console-drills-report", narrow);
    await page.goto(`${server.url}/console/recovery/drills/schedule`);
    await look(page, "console-drills-schedule", seldom);
  });

  it("names an issuer of credentials, and says at the field what is wrong", async (t) => {
    const page = await open(t, browser);
    await enter(page, server, dana, "/console/recovery/policy/issuers/new");
    await page.getByLabel("Issuer", { exact: true }).fill("https://hr.example");
    await page.getByLabel("Types of credential").fill("https://hr.example/employee");
    await page.getByLabel("Public keys").fill(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`);
    await page.getByLabel("Last name").fill("family_name");
    await page.getByRole("button", { name: "Save the issuer" }).click();
    await page.locator("#wrong").waitFor();
    await look(page, "console-issuer", everywhere);
    await page.locator("#claim-employeeId").fill("employee_number");
    await page.getByRole("button", { name: "Save the issuer" }).click();
    await page.getByText("The issuer is saved.").waitFor();
    await look(page, "console-issuers", narrow);
  });
});
