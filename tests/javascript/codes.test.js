// Scans that ran together are taken apart where a card is among them.

import assert from "node:assert/strict";
import test from "node:test";

import { isCard, split } from "../../app/static/js/desk/codes.js";

const CODE = "921123456789012294287082";

test("what was scanned by itself stays whole", () => {
  for (const text of ["2002", CODE, "N000100001", "9221234567890123", "9788202123451", "https://example.org/N000100001"]) {
    assert.deepEqual(split(text), [text]);
  }
});

test("a card and an item that ran together are two scans", () => {
  assert.deepEqual(split(`${CODE}2002`), [CODE, "2002"]);
  assert.deepEqual(split(`2002${CODE}`), ["2002", CODE]);
  assert.deepEqual(split("N0001000012002"), ["N000100001", "2002"]);
  assert.deepEqual(split("2002n000100001"), ["2002", "n000100001"]);
  assert.deepEqual(split("92212345678901232002"), ["9221234567890123", "2002"]);
  assert.deepEqual(split(`${CODE}2002N000100001`), [CODE, "2002", "N000100001"]);
});

test("cards are told from items", () => {
  assert.ok([CODE, "N000100001", "n 000 100 001", "9221234567890123"].every(isCard));
  assert.ok(["]C1N000100001", `]Q1${CODE}`, "000100001", "000 100 001"].every(isCard));
  assert.ok(!["2002", "]C12002", "0001000012", "9788202123451", "N2002"].some(isCard));
});
