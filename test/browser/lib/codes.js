// An app that counts codes from the time: RFC 6238, 6 digits, 30 seconds, SHA-1.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

// app returns the codes of a key in base32 as it is shown to be typed.
export function app(typed) {
  const key = base32(typed);
  const code = (step) => {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const hash = createHmac("sha1", key).update(counter).digest();
    const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
    return String(number % 1_000_000).padStart(6, "0");
  };
  const step = () => Math.floor(Date.now() / 30_000);
  return {
    now: () => code(step()),
    // next is the code that comes after now's, and works already: phones' clocks differ.
    next: () => code(step() + 1),
    // wrong is none of those that could work in the next minute.
    wrong() {
      const good = [-1, 0, 1, 2, 3].map((ahead) => code(step() + ahead));
      return ["000000", "111111", "222222", "333333", "444444", "555555"].find((one) => !good.includes(one));
    },
  };
}

function base32(text) {
  const bits = [...text.toUpperCase().replace(/[\s=-]/g, "")].map((letter) => {
    const value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter);
    assert.notEqual(value, -1, "the key is not base32");
    return value.toString(2).padStart(5, "0");
  });
  return Buffer.from(bits.join("").match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
}
