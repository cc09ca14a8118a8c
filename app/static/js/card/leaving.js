// Logging out, also without a network. What the phone keeps goes first; a cookie then says that the patron has logged
// out, so that the browser opens none of their pages; the server is notified as soon as it can be reached.

import { ask, within } from "./clock.js";
import { close, wipe } from "./store.js";

const MARK = "lanekort_left";
const SECURE = location.protocol === "https:";
const COOKIE = SECURE ? `__Host-${MARK}` : MARK; // as the server names it
const LONGEST = 400 * 86_400;
const PATIENCE = 2_000;
const others = "BroadcastChannel" in globalThis ? new BroadcastChannel(MARK) : null;

const acts = [];

export const isMarked = () => document.cookie.split("; ").includes(`${COOKIE}=1`);

function mark(seconds) {
  document.cookie = `${COOKIE}=1; Path=/; Max-Age=${seconds}; SameSite=Lax${SECURE ? "; Secure" : ""}`;
}

// Leaves this browser: in this window and in every other.
export async function leaveHere() {
  mark(LONGEST);
  others?.postMessage("left");
  const gone = forget();
  for (const act of acts) act({ elsewhere: false, gone });
  await gone;
}

// Calls `act` when somebody leaves, in this window or elsewhere; `gone` is fulfilled when nothing is kept any more.
export const whenLeft = (act) => acts.push(act);

others?.addEventListener("message", () => {
  const gone = forget();
  for (const act of acts) act({ elsewhere: true, gone });
});

function forget() {
  close();
  return Promise.race([wipe(), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
}

// Notifies the server. Throws where it cannot be reached.
export async function finish({ state, logout }) {
  if (!isMarked()) return; // another window has notified it
  const { answer } = await ask(state);
  if (!isMarked()) return; // somebody has logged in meanwhile
  const body = new URLSearchParams({ csrf_token: answer.csrf_token ?? "" });
  const response = await fetch(logout, { method: "POST", body, redirect: "manual", signal: within(PATIENCE * 4) });
  if (response.type !== "opaqueredirect") throw new Error(`HTTP ${response.status}`);
  mark(0);
}

// Notifies the server as soon as there is a network. `failed` is called where that is not now.
export async function finishWhenOnline(urls, failed) {
  for (let wait = 1_000; ; wait = Math.min(wait * 2, 30_000)) {
    try {
      return await finish(urls);
    } catch {
      failed();
      await Promise.race([
        new Promise((resolve) => setTimeout(resolve, wait)),
        new Promise((resolve) => addEventListener("online", resolve, { once: true })),
      ]);
    }
  }
}
