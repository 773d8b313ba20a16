// What a task asks of a person, counted on the pages, and how long that takes them by the keystroke-level model
// (Card, Moran, Newell, CACM 23(7), 1980, https://doi.org/10.1145/358886.358895): counts, not a stopwatch, so that a
// busy machine changes nothing.
import assert from "node:assert/strict";

// Seconds. A key is that of an average typist in a name, and of random letters in a code. Reading is that of prose,
// silently (Brysbaert, Journal of Memory and Language 109, 2019: 238 words a minute). A passkey's dialog is a guess:
// to read it, to choose, to touch a sensor.
const second = { think: 1.35, point: 1.1, press: 0.2, home: 0.4, keys: 0.28, codes: 0.5, word: 60 / 238, passkey: 8 };
// The part of a page's words that people read at most (Nielsen, How Little Do Users Read?, 2008, from Weinreich and
// others, ACM Transactions on the Web 2(1), 2008). Only pages count on which something is done, and each line once.
const read = 0.28;
const limit = 120;

// effort counts from now on, in all pages of page's browser. What it returns ends that: it says what was counted, and
// fails where that takes a person two minutes or more.
export async function effort(page) {
  const counted = { clicks: 0, fields: 0, keys: 0, codes: 0, words: 0, passkeys: 0 };
  const seen = new Set();
  let counting = true;
  const context = page.context();
  await context.exposeBinding("did", (_, what, n) => {
    counted[what] += counting ? n : 0;
  });
  await context.exposeBinding("saw", (_, text) => {
    const fresh = text.split("\n").filter((line) => counting && !seen.has(line));
    for (const line of fresh) {
      seen.add(line);
      counted.words += line.split(/\s+/).filter(Boolean).length;
    }
  });
  await context.addInitScript(() => {
    const lengths = new Map();
    const acts = () => globalThis.saw(document.querySelector("main")?.innerText ?? "");
    addEventListener("pointerdown", () => void (acts(), globalThis.did("clicks", 1)), true);
    addEventListener(
      "input",
      ({ target }) => {
        if (target.matches("[type=checkbox], [type=radio], select")) return; // a click
        const before = lengths.get(target);
        if (before === undefined) {
          acts();
          globalThis.did("fields", 1);
        }
        globalThis.did(target.name === "username" ? "keys" : "codes", Math.max(0, target.value.length - (before ?? 0)));
        lengths.set(target, target.value.length);
      },
      true,
    );
    const create = navigator.credentials?.create;
    if (create) {
      navigator.credentials.create = (...asked) => {
        globalThis.did("passkeys", 1);
        return create.apply(navigator.credentials, asked);
      };
    }
  });
  return (t, name) => {
    counting = false;
    const { clicks, fields, keys, codes, words, passkeys } = counted;
    const { think, point, press, home, word, passkey } = second;
    const click = think + point + press;
    const typing = fields * (click + 2 * home) + keys * second.keys + codes * second.codes;
    const hands = clicks * click + typing + passkeys * passkey;
    const [seconds, atMost] = [read, 1].map((part) => Math.ceil(hands + words * word * part));
    t.diagnostic(`${name}: ${clicks} clicks, ${keys + codes} keys in ${fields} fields, ${passkeys} passkeys, ${words} words: ${seconds} s, ${atMost} s for who reads every word`);
    assert.ok(clicks > 0 && words > 20, `nothing was counted for ${name}`);
    assert.ok(seconds < limit, `${name} takes a person ${seconds} s`);
  };
}
