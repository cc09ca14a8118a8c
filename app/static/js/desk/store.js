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

const keep = (run) => sessionStorage.setItem(KEY, JSON.stringify(run));
const openOnly = ({ lines, returned }) => ({ lines: lines.filter(isOpen), returned: returned.filter(isOpen) });

// Where there is no room for all of it, what has its answer is gone with the page; what waits is kept.
export function write(run) {
  try {
    keep(run);
  } catch {
    try {
      keep({ ...run, ...openOnly(run) });
    } catch {
      // Nothing can be kept here: the page goes on by itself.
    }
  }
}

export function forget(run) {
  write({ ...EMPTY, user: run.user, day: run.day, ...openOnly(run) });
}
