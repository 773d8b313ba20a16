// Somebody at a browser without scripts, who goes through Postern's pages by their forms.
import assert from "node:assert/strict";
import { url as server } from "./tenant.js";

const entities = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&#34;": '"', "&#39;": "'", "&#43;": "+" };
const plain = (text) => text.replace(/&[^;]+;/g, (entity) => entities[entity] ?? entity);

// visitor keeps cookies. Its function follow goes on from a request, as person if there is one,
// until the next request would leave Postern, and returns that: its method, url and fields. open
// goes on at an application too, to the page that it shows there.
export function visitor(person, application) {
  const cookies = new Map();
  async function send({ method, url, fields }) {
    const response = await fetch(url, {
      method,
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      body: fields && new URLSearchParams(fields),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      cookies.set(name, value);
    }
    return response;
  }
  async function follow(next) {
    for (let step = 0; step < 20; step++) {
      if (new URL(next.url).origin !== new URL(server).origin) {
        return next;
      }
      const response = await send({ method: "GET", ...next });
      const to = response.headers.get("location");
      if (to) {
        next = { method: "GET", url: new URL(to, next.url).href };
        continue;
      }
      const page = await response.text();
      const refused = /data-error="([^"]+)"/.exec(page);
      assert.ok(!refused, `refused: ${refused?.[1]}`);
      next = press(page, next.url, person);
    }
    assert.fail("the pages lead in a circle");
  }
  async function open(url, fields) {
    let next = { method: fields ? "POST" : "GET", url, fields };
    for (let step = 0; step < 20; step++) {
      next = await follow(next);
      assert.equal(new URL(next.url).origin, application);
      const response = await send(next);
      const to = response.headers.get("location");
      if (!to) {
        return response;
      }
      next = { method: "GET", url: new URL(to, next.url).href };
    }
    assert.fail("the pages lead in a circle");
  }
  return { follow, open };
}

// press fills in the first form of a page and returns what its button sends.
function press(page, url, person) {
  const form = /<form [^>]*action="([^"]*)"[\s\S]*?<\/form>/.exec(page);
  assert.ok(form, `no form: ${page}`);
  const fields = {};
  for (const [, name, value] of form[0].matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)) {
    fields[plain(name)] = plain(value);
  }
  const step = /data-step="([^"]+)"/.exec(page)?.[1];
  Object.assign(fields, { identify: { username: person?.name }, accesspass: { accesspass: person?.pass }, stay: { stay: "no" } }[step]);
  return { method: "POST", url: new URL(plain(form[1]), url).href, fields };
}
