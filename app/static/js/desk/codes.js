// What can be told of a scan by its shape (docs/card.md), and the key by which it is done once.

// Several scans run together where a scanner sends no Enter and the computer is late. A card among them is known.
export function split(text) {
  const [, before, card, after] =
    /^([\dN]*?)(N\d{9}|921\d{21})([\dN]*)$/i.exec(text) ?? /^()(922\d{13})(\d+)$/.exec(text) ?? [];
  return card ? [before, card, ...split(after)].filter(Boolean) : [text];
}

// A scanner may say before it which kind of code it is (ISO/IEC 15424), and a card's number may be typed without its N.
const bare = (text) => text.replace(/^\s*\][a-z][\da-z]/i, "").trim();
const SHAPES = [/^[\s\d]*92[12][\s\d]{13,}$/, /^N[\s\d]{9,}$/i, /^\d(\s*\d){8}$/];
export const isCard = (text) => SHAPES.some((shape) => shape.test(bare(text)));

// randomUUID is there over HTTPS alone.
export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
