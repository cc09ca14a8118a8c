// In which order scans are sent, and which of them belong together.

import { isOpen } from "./store.js";

export const isEnd = ({ kind }) => kind === "end";
export const opens = (line) => line.isCard || isEnd(line);

export const allOf = ({ lines, returned }) => [...lines, ...returned].sort((one, other) => one.number - other.number);

// No clock: it may be turned back, and two scans may come within a millisecond.
export const numberAfter = (lines) => 1 + Math.max(0, ...lines.map(({ number }) => number));

export const isLatest = (line, lines) => !lines.some((other) => opens(other) && other.number > line.number);
export const isBehindCard = (line, lines) =>
  lines.some((other) => opens(other) && isOpen(other) && other.number < line.number);

// The first that waits. A card that failed holds back what was scanned after it; other cards, and returns, go ahead of
// what failed. What failed is tried again meanwhile, but for a card after which another came.
export function nextOf(run) {
  const all = allOf(run);
  let held = false;
  for (const line of all) {
    if (opens(line)) held = line.state === "failed" && line.passed;
    else if (held && line.place === "") continue;
    if (isOpen(line) && !line.passed) return line;
  }
  const isTriedAgain = (line) => line.passed && isOpen(line) && !line.unsent && (!opens(line) || isLatest(line, run.lines));
  return all.filter(isTriedAgain).sort((one, other) => one.at - other.at)[0];
}

// A card with what was scanned after it and never sent; anything else alone.
export function withCard(line, lines) {
  const place = lines.indexOf(line);
  let from = place;
  while (line.unsent && from > 0 && !opens(lines[from])) from -= 1;
  if (!opens(lines[from]) || !isOpen(lines[from])) return [line];
  let to = from + 1;
  while (to < lines.length && !opens(lines[to]) && isOpen(lines[to])) to += 1;
  return lines.slice(from, to);
}
