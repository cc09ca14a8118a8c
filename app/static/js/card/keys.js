// The card's key and its codes (docs/card.md). The key is agreed upon with the register and is never sent, and the
// browser lets no script take it out; it only works out codes with it.

const CURVE = { name: "ECDH", namedCurve: "P-256" };
const HMAC = { name: "HMAC", hash: "SHA-1", length: 160 };
const INFO = "lanekort card key 1 ";
export const STEP = 30_000;

const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// Agrees on a key for one card. `send` takes the question and returns the register's answer.
export async function agree(send, { card, former }) {
  const ours = await crypto.subtle.generateKey(CURVE, false, ["deriveKey", "deriveBits"]);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", ours.publicKey));
  const answer = await send({ card, former, public_key: toBase64(publicKey) });
  const theirs = fromBase64(answer.public_key);
  const key = await deriveKey(ours.privateKey, theirs, {
    salt: new Uint8Array([...publicKey, ...theirs]),
    number: answer.head.slice(3, 15),
  });
  if ((await totp(key, 0)) !== answer.check) throw new Error("the keys differ");
  return { card, key, head: answer.head, expires: answer.expires };
}

async function deriveKey(privateKey, theirs, { salt, number }) {
  const publicKey = await crypto.subtle.importKey("raw", theirs, CURVE, false, []);
  const shared = await deriveShared(privateKey, publicKey);
  const binding = { name: "HKDF", hash: "SHA-256", salt, info: new TextEncoder().encode(INFO + number) };
  return crypto.subtle.deriveKey(binding, shared, HMAC, false, ["sign"]);
}

async function deriveShared(privateKey, publicKey) {
  const agreement = { name: "ECDH", public: publicKey };
  try {
    return await crypto.subtle.deriveKey(agreement, privateKey, "HKDF", false, ["deriveKey"]);
  } catch {
    // Older browsers do not go from one to the other by themselves.
    const bits = new Uint8Array(await crypto.subtle.deriveBits(agreement, privateKey, 256));
    const shared = await crypto.subtle.importKey("raw", bits, "HKDF", false, ["deriveKey"]);
    bits.fill(0);
    return shared;
  }
}

// RFC 6238 with HMAC-SHA-1 and 8 digits.
export async function totp(key, step) {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setUint32(4, step); // of 64 bits; the upper half is 0 for 4,000 years
  const digest = new DataView(await crypto.subtle.sign("HMAC", key, counter));
  const number = digest.getUint32(digest.getUint8(19) & 15) & 0x7fffffff;
  return String(number % 100_000_000).padStart(8, "0");
}

// The code of a step, with the time it is to be shown, as the server's own codes have it.
export async function codeAt({ key, head }, step) {
  const digits = head + (await totp(key, step));
  return { digits: digits.match(/.{4}/g).join(" "), from: step * STEP, until: (step + 1) * STEP };
}
