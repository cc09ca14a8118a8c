import assert from "node:assert/strict";
import { test } from "node:test";

import { agree, codeAt, STEP, totp } from "../../app/static/js/card/keys.js";

const rfcKey = () =>
  crypto.subtle.importKey("raw", new TextEncoder().encode("12345678901234567890"), { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);

test("the codes are those of RFC 6238, appendix B", async () => {
  const key = await rfcKey();
  for (const [seconds, code] of [[59, "94287082"], [1111111109, "07081804"], [1234567890, "89005924"], [20000000000, "65353130"]]) {
    assert.equal(await totp(key, Math.floor(seconds / 30)), code);
  }
});

test("a code has the protocol's 24 digits and the time of its step", async () => {
  const code = await codeAt({ key: await rfcKey(), head: "9211234567890122" }, 1);
  assert.deepEqual(code, { digits: "9211 2345 6789 0122 9428 7082", from: STEP, until: 2 * STEP });
});

test("a key on which the two sides do not agree is not kept", async () => {
  const theirs = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveBits"]);
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", theirs.publicKey));
  const answer = { public_key: btoa(String.fromCharCode(...raw)), head: "9211234567890122", check: "00000000", expires: 1 };
  await assert.rejects(agree(async () => answer, { card: "own" }), /the keys differ/);
});
