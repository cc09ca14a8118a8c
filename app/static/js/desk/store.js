// What this page remembers over a reload or a change of page, in this tab alone: scans that wait for their answer, the
// lines of the visit with what was paid, and what was returned today. It is gone when the visit ends, at logging out, and
// the next day; but what has no answer yet is kept, also over another sign-in.

const KEY = "desk-run";
export const NOBODY = { visit: "", who: "", paid: [], owed: "" };
const EMPTY = { ...NOBODY, user: "", lines: [], returned: [], day: "" };

const today = () => new Date().toLocaleDateString("sv");

export const isOpen = ({ state }) => state === "waiting" || state === "failed";

export function read() {
  let run = { ...EMPTY };
  try {
    run = { ...EMPTY, ...JSON.parse(sessionStorage.getItem(KEY) ?? "{}") };
  } catch {
    // What cannot be read is no list.
  }
  if (run.day !== today()) run.returned = run.returned.filter(isOpen);
  return { ...run, day: today() };
}

export function write(run) {
  sessionStorage.setItem(KEY, JSON.stringify(run));
}

export function forget(run) {
  write({ ...EMPTY, user: run.user, day: run.day, lines: run.lines.filter(isOpen), returned: run.returned.filter(isOpen) });
}
