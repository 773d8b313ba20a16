// The service worker of the authenticator app: keeps its shell, so that the app opens without a
// network, and shows that a request waits or what changed. A message names the account and, of a
// change, which kind of method it was about.
const shell = ["SHELL"];
const page = "/authenticator/";
const name = "postern-" + shell.map((path) => path.split(".").at(-2)).join("-");

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(name);
      await cache.addAll(shell);
      await cache.put(page, await fetch(page, { cache: "no-store" }));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const other of await caches.keys()) {
        if (other.startsWith("postern-") && other !== name && other !== "postern-words") {
          await caches.delete(other);
        }
      }
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) {
    return;
  }
  if (url.pathname === page && event.request.mode === "navigate") {
    event.respondWith(newest(event.request));
  } else if (shell.includes(url.pathname)) {
    event.respondWith(caches.match(url.pathname).then((kept) => kept ?? fetch(event.request)));
  }
});

// newest is the page of the server, or the one that is kept where there is no network.
async function newest(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok) {
      await (await caches.open(name)).put(page, answer.clone());
    }
    return answer;
  } catch {
    return (await caches.match(page)) ?? Response.error();
  }
}

// read reads a message. What is not one of this server's is about no account.
function read(data) {
  try {
    const said = data.json();
    return typeof said.account === "string" && /^[0-9a-f-]{36}$/.test(said.account) ? said : {};
  } catch {
    return {};
  }
}

// text is what a notification says: of a change that there are words for, else that a request waits.
function text(words, { change, method } = {}) {
  const name = words[`method_${method}`];
  const what = words[`changed_${change}`];
  return name && what
    ? { title: what.replace("{name}", () => name), body: words.changed_text, tag: "change" }
    : { title: words.title, body: words.text, tag: "request" };
}

self.addEventListener("push", (event) => {
  const said = event.data ? read(event.data) : {};
  event.waitUntil(
    (async () => {
      const kept = await caches.match("/authenticator/words");
      const words = kept ? await kept.json() : { title: "Postern", text: "" };
      const { title, body, tag } = text(words, said.news);
      await self.registration.showNotification(title, { body, tag, renotify: true, data: said.account ?? "" });
    })(),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(
    (async () => {
      for (const open of await self.clients.matchAll({ type: "window" })) {
        if (new URL(open.url).pathname === page) {
          return open.focus();
        }
      }
      return self.clients.openWindow(page);
    })(),
  );
});
