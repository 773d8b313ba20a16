// The authenticator app. Each account has a key of its own that never leaves this browser: it is
// made here, can't be read, and signs every call. What is shown comes from the server; what is
// kept here are the names of the accounts.
const main = document.querySelector("main");
const words = JSON.parse(main.dataset.words);
const at = (id) => document.getElementById(id);
const version = "1";

// Words. {name} and the like are filled in.
const say = (key, facts = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "");

// --- What the phone keeps -----------------------------------------------------------------

const database = new Promise((resolve, reject) => {
  const open = indexedDB.open("postern-authenticator", 1);
  open.onupgradeneeded = () => open.result.createObjectStore("accounts", { keyPath: "id" });
  open.onsuccess = () => resolve(open.result);
  open.onerror = () => reject(open.error);
});

async function kept(mode, change) {
  const store = (await database).transaction("accounts", mode).objectStore("accounts");
  const asked = change(store);
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}
const accounts = () => kept("readonly", (store) => store.getAll());
const keep = (account) => kept("readwrite", (store) => store.put(account));
const forget = (id) => kept("readwrite", (store) => store.delete(id));

// --- Calls: each is signed by the key of the account (RFC 9449, with a claim for the body) --

const bytes = (text) => new TextEncoder().encode(text);
const base64url = (raw) =>
  btoa(String.fromCharCode(...new Uint8Array(raw)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
const newKey = () => crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);

let nonce = ""; // the server's
let ahead = 0; // milliseconds that the server's clock is before ours

async function proof(key, method, url, body) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", key.publicKey);
  const claims = {
    jti: crypto.randomUUID(),
    htm: method,
    htu: url,
    iat: Math.floor((Date.now() + ahead) / 1000),
    bh: base64url(await crypto.subtle.digest("SHA-256", bytes(body))),
  };
  if (nonce) {
    claims.nonce = nonce;
  }
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } };
  const input = [header, claims].map((part) => base64url(bytes(JSON.stringify(part)))).join(".");
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.privateKey, bytes(input));
  return `${input}.${base64url(signature)}`;
}

// A Refusal is what the server said no with.
class Refusal extends Error {
  constructor(status, { code, message, remedy, correlationId } = {}) {
    super([message, remedy].filter(Boolean).join(" "));
    Object.assign(this, { status, code, correlationId });
  }
}

// send returns the answer to a call, also to one that was refused.
async function send(account, method, path, body = "", signal = undefined) {
  const url = `${location.origin}/authenticator/v1/${encodeURIComponent(account.tenant)}/${path}`;
  for (let again = true; ; again = false) {
    const headers = { DPoP: await proof(account.key, method, url, body) };
    const answer = await fetch(url, { method, headers, body: body || undefined, cache: "no-store", credentials: "omit", signal });
    nonce = answer.headers.get("DPoP-Nonce") ?? nonce;
    const date = Date.parse(answer.headers.get("Date") ?? "");
    if (!Number.isNaN(date)) {
      ahead = Math.abs(date - Date.now()) > 5000 ? date - Date.now() : 0;
    }
    const asked = answer.headers.get("WWW-Authenticate") ?? "";
    if (!(again && answer.status === 401 && /use_dpop_nonce|invalid_dpop_proof/.test(asked))) {
      return answer;
    }
  }
}

async function call(account, method, path, body) {
  const answer = await send(account, method, path, body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body));
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Refusal(answer.status, said.error);
  }
  return answer.status === 204 ? null : answer.json();
}

// --- What is shown ------------------------------------------------------------------------

const sections = ["list", "request", "add", "account", "said"];
let shown = ""; // section
let current = null; // the account whose request or page is shown
let request = null; // what waits
let countdown = 0;

function show(section, title, subtitle = "") {
  clearInterval(countdown);
  for (const id of sections) {
    at(id).hidden = id !== section;
    at(id).querySelector("[data-primary]")?.classList.toggle("primary", id === section);
  }
  const moved = shown !== section;
  shown = section;
  at("title").textContent = title;
  at("subtitle").textContent = subtitle;
  document.title = `${title} · Postern`;
  tell("");
  if (moved) {
    at("title").focus({ preventScroll: true });
  }
}

// notice shows a sentence in a box.
function notice(place, kind, strong, text = "") {
  place.replaceChildren();
  if (!strong && !text) {
    return;
  }
  const box = document.createElement("div");
  box.className = `notice ${kind}`;
  const p = document.createElement("p");
  const lead = document.createElement("strong");
  lead.textContent = strong;
  p.append(lead, " ", text);
  box.append(p);
  place.append(box);
}
const tell = (strong, text) => notice(at("status"), "", strong, text);
const warn = (strong, text) => notice(at("alert"), "danger", strong, text);

function fail(error) {
  if (error instanceof Refusal && error.message) {
    const known = words[`fault_${error.code}`]; // in the person's language
    warn(known ?? error.message, known && words[`remedy_${error.code}`]);
    if (error.correlationId) {
      const id = document.createElement("p");
      id.className = "small";
      id.textContent = `${say("correlation")} ${error.correlationId}`;
      const box = at("alert").firstChild;
      const text = document.createElement("div");
      text.className = "stack";
      text.append(...box.childNodes, id);
      box.append(text);
    }
  } else if (error instanceof TypeError || !navigator.onLine) {
    warn(say("offline"));
  } else {
    warn(say("failed"), String(error.message ?? error));
  }
}

async function showList() {
  current = request = null;
  const all = await accounts();
  show("list", say("list"), all.length ? "" : say("list_none"));
  at("whose").textContent = "";
  const rows = all.map((account) => {
    const row = document.createElement("li");
    const link = document.createElement("a");
    link.href = `#account/${account.id}`;
    link.textContent = account.username;
    const under = document.createElement("span");
    under.className = "soft";
    under.textContent = account.organisation;
    const text = document.createElement("span");
    text.append(link, document.createElement("br"), under);
    row.append(text);
    return row;
  });
  at("accounts").replaceChildren(...rows);
  at("accounts").hidden = rows.length === 0;
  at("go-add").classList.toggle("primary", rows.length === 0); // the first step
  at("push-on").hidden = !(all.length > 0 && "PushManager" in window && "Notification" in window && Notification.permission === "default");
}

function showRequest(account, waiting) {
  const same = request?.id === waiting.id && shown === "request";
  if (same) {
    return;
  }
  current = account;
  request = waiting;
  show("request", say("request"));
  warn("");
  at("whose").textContent = `${account.displayName}, ${account.organisation}`;
  for (const fact of ["application", "device", "address"]) {
    at(fact).textContent = waiting[fact] ?? "";
    for (const part of document.querySelectorAll(`[data-for=${fact}]`)) {
      part.hidden = !waiting[fact];
    }
  }
  at("joined").textContent = waiting.joined ? ` ${say("joined")}` : "";
  at("number").value = "";
  at("number").focus();
  const ends = Date.now() + waiting.endsIn * 1000;
  const when = new Date(ends).toLocaleTimeString();
  const tick = () => {
    const seconds = Math.max(0, Math.round((ends - Date.now()) / 1000));
    at("subtitle").textContent = say("ends", { when, seconds });
    if (seconds === 0) {
      request = null;
      showSaid("ended");
    }
  };
  tick();
  countdown = setInterval(tick, 1000);
}

function showSaid(what) {
  show("said", say(what), say(`${what}_text`));
}

async function showAccount(id) {
  const account = (await accounts()).find((one) => one.id === id);
  if (!account) {
    location.hash = "";
    return;
  }
  current = account;
  show("account", account.organisation);
  at("account-name").textContent = account.username;
  at("account-phone").textContent = account.name;
  at("account-verify").textContent = say(account.verifies ? "verify_on" : "verify_off");
  at("verify-on").hidden = account.verifies || !account.canVerify || !window.PublicKeyCredential;
  at("remove").textContent = at("remove").dataset.text ??= at("remove").textContent;
  delete at("remove").dataset.sure;
  await refresh(account).catch(fail);
}

// refresh reads what the server knows of the account.
async function refresh(account) {
  try {
    Object.assign(account, { frozen: false }, await call(account, "GET", "phone"));
    await keep(account);
    if (account.frozen) {
      warn(say("frozen"), say("frozen_text"));
    }
  } catch (error) {
    if (error instanceof Refusal && error.code === "phoneUnknown") {
      warn(say("gone"), say("gone_text"));
    } else {
      throw error;
    }
  }
}

function showAdd(domain = "", code = "") {
  show("add", say("add"));
  at("organisation").value = domain;
  at("code").value = code;
  at("name").value ||= say("default_name", { name: system() });
  (domain && code ? at("adding").querySelector("button") : at("organisation")).focus();
}

const system = () => navigator.userAgentData?.platform || (/Android|iPhone|iPad|Windows|Mac OS X|Linux/.exec(navigator.userAgent) ?? [""])[0];

// route shows what the address says. The code of a link is taken out of it at once, so that it
// stays in no history.
async function route() {
  warn("");
  const [where, one, two] = location.hash.slice(1).split(/[=/]/).map(decodeURIComponent);
  if (where === "add") {
    if (two) {
      leave("#add");
    }
    showAdd(one, two);
  } else if (where === "account") {
    await showAccount(one);
  } else {
    await showList();
    await look();
  }
}

// leave changes the address without showing what it says.
function leave(hash = "") {
  history.replaceState(null, "", location.pathname + hash);
}

// --- What people do -----------------------------------------------------------------------

async function add(form) {
  const typed = form.organisation.value.trim();
  const account = { tenant: typed.slice(typed.lastIndexOf("@") + 1), key: await newKey() };
  const told = await call(account, "POST", "phones", { code: form.code.value, name: form.name.value, system: system(), version });
  await keep({ ...told, key: account.key });
  navigator.storage?.persist?.().catch(() => {});
  form.reset();
  leave();
  await showList();
  tell(say("added"), told.username);
  listen();
  renew();
}

async function answer(what) {
  const body = { id: request.id, say: what };
  if (what === "approve") {
    body.number = at("number").value;
    if (request.verify) {
      tell(say("verify"));
      body.assertion = await assertion(request.verify);
    }
  }
  const { outcome } = await call(current, "POST", "request", body);
  request = null;
  showSaid(outcome);
}

// assertion asks a passkey of this phone, which unlocks only for its owner.
async function assertion(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey ?? options);
  return (await navigator.credentials.get({ publicKey })).toJSON();
}

async function verifyFromNow() {
  const options = await call(current, "POST", "verification", {});
  await call(current, "POST", "verification", { assertion: await assertion(options) });
  await refresh(current);
  await showAccount(current.id);
}

async function remove() {
  const button = at("remove");
  if (!button.dataset.sure) {
    button.dataset.sure = "yes";
    button.textContent = say("remove_sure");
    return;
  }
  try {
    await call(current, "DELETE", "phone");
  } catch (error) {
    if (!(error instanceof Refusal && error.code === "phoneUnknown")) {
      throw error;
    }
  }
  await forget(current.id);
  streams.get(current.id)?.abort();
  leave();
  await showList();
  tell(say("removed"));
}

// busy runs what a person asked for, once at a time.
let working = false;
async function busy(work) {
  if (working) {
    return;
  }
  working = true;
  warn("");
  try {
    await work();
  } catch (error) {
    if (error instanceof Refusal && ["phoneTypedWrong", "phoneRequestLate", "phoneRequestAnswered", "phoneRequestUnknown"].includes(error.code)) {
      request = null;
      show("said", say("ended"));
    }
    fail(error);
  } finally {
    working = false;
  }
}

at("adding").addEventListener("submit", (event) => {
  event.preventDefault();
  busy(() => add(event.target));
});
at("answer").addEventListener("submit", (event) => {
  event.preventDefault();
  busy(() => answer(event.submitter?.value ?? "approve"));
});
at("verify-on").addEventListener("click", () => busy(verifyFromNow));
at("remove").addEventListener("click", () => busy(remove));
at("push-on").addEventListener("click", () => busy(subscribe));
addEventListener("hashchange", () => route().catch(fail));
main.addEventListener("click", (event) => {
  if (event.target.closest("a[href='#']")) { // the browser tells of no change when the address is that already
    event.preventDefault();
    leave();
    route().catch(fail);
  }
});

// --- What waits ---------------------------------------------------------------------------

// look asks every account whether something waits, and shows the first that does.
async function look() {
  for (const account of await accounts()) {
    if (await check(account)) {
      return;
    }
  }
}

async function check(account) {
  if (request && shown === "request") {
    return true;
  }
  try {
    const waiting = await call(account, "GET", "request");
    if (waiting) {
      showRequest(account, waiting);
    }
    return Boolean(waiting);
  } catch (error) {
    if (shown === "list") {
      fail(error);
    }
    return false;
  }
}

const streams = new Map(); // by account: what stops it

// listen keeps a stream open for every account while the app is.
async function listen() {
  for (const account of await accounts()) {
    if (!streams.has(account.id)) {
      const stop = new AbortController();
      streams.set(account.id, stop);
      follow(account, stop.signal).finally(() => streams.delete(account.id));
    }
  }
}

async function follow(account, signal) {
  for (let pause = 1000; !signal.aborted && !document.hidden; pause = Math.min(pause * 2, 30_000)) {
    try {
      const answer = await send(account, "GET", "stream", "", signal);
      if ([401, 403, 404].includes(answer.status)) {
        return; // it is not ours any more
      }
      if (answer.ok) {
        pause = 1000;
        await read(account, answer.body.pipeThrough(new TextDecoderStream()).getReader());
      }
    } catch {
      // the line was cut
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

// read reads server-sent events: whether something waits, and what; what changed.
async function read(account, reader) {
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      return;
    }
    text += value;
    let end;
    while ((end = text.indexOf("\n\n")) >= 0) {
      const event = text.slice(0, end);
      text = text.slice(end + 2);
      if (event.startsWith("event: request")) {
        await news(account, event.split("data: ")[1] ?? "");
      } else if (event.startsWith("event: change")) {
        changed(account, JSON.parse(event.split("data: ")[1]));
      }
    }
  }
}

// changed tells of a change of the person's methods, whatever is shown.
function changed(account, { change, method }) {
  const name = words[`method_${method}`];
  if (name && words[`changed_${change}`]) {
    tell(say(`changed_${change}`, { name }), `${account.username}. ${say("changed_text")}`);
  }
}

async function news(account, id) {
  if (id === "" && request && current?.id === account.id && shown === "request" && !working) {
    request = null;
    showSaid("ended");
  } else if (id !== "" && id !== request?.id && !working) {
    if (request && current?.id === account.id) {
      request = null; // another one took its place
    }
    await check(account);
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    for (const stop of streams.values()) {
      stop.abort();
    }
  } else {
    listen();
    look();
  }
});
addEventListener("online", () => {
  warn("");
  listen();
  look();
});
addEventListener("offline", () => warn(say("offline")));

// --- Installed ----------------------------------------------------------------------------

// subscribe lets the server wake the app. One address is for one organisation's key; further
// organisations are heard while the app is open.
async function subscribe() {
  if ((await Notification.requestPermission()) !== "granted") {
    tell(say("push_denied"));
    return;
  }
  at("push-on").hidden = true;
  tell(say((await subscribed()) ? "push_on" : "push_off"));
}

// renew tells the server anew where messages go: addresses change, and accounts are added.
async function renew() {
  if ("PushManager" in window && "Notification" in window && Notification.permission === "granted") {
    await subscribed().catch((error) => console.warn("no messages:", error));
  }
}

async function subscribed() {
  await (await caches.open("postern-words")).put("/authenticator/words", new Response(JSON.stringify({ ...words, title: say("note_title"), text: say("note_text") })));
  const worker = await navigator.serviceWorker.ready;
  let on = false;
  for (const account of await accounts()) {
    try {
      const to = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: account.pushKey });
      await call(account, "PUT", "push", to.toJSON());
      on = true;
    } catch (error) {
      console.warn("no messages for", account.organisation, error);
    }
  }
  return on;
}

if ("serviceWorker" in navigator) {
  navigator.serviceWorker.register("/authenticator/worker.js", { scope: "/authenticator/" }).catch((error) => console.warn("not installable:", error));
}
if (!window.indexedDB || !window.crypto?.subtle) {
  warn(say("unsupported"));
} else {
  await route().catch(fail);
  if (!navigator.onLine) {
    warn(say("offline"));
  }
  await listen();
  await renew();
}
