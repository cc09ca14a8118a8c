// Switches notifications on in this browser: asks for leave, subscribes with the portal's key, and sends in where the
// browser is reached. Nothing is asked before the button is pressed.

const form = document.getElementById("push");
const button = form.querySelector("button");

function say(what) {
  for (const words of form.querySelectorAll("[data-says]")) words.hidden = words.dataset.says !== what;
}

function bytes(base64url) {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

// The worker may still be installing, or may never get there; then it is said.
async function worker() {
  await navigator.serviceWorker.register(form.dataset.worker);
  const late = new Promise((_, refuse) => setTimeout(() => refuse(new Error("late")), 20_000));
  return Promise.race([navigator.serviceWorker.ready, late]);
}

async function switchOn() {
  if ((await Notification.requestPermission()) !== "granted") return say("denied");
  const { pushManager } = await worker();
  // With another key than before the browser would refuse.
  await (await pushManager.getSubscription())?.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey: bytes(form.dataset.key) };
  const { endpoint, keys } = (await pushManager.subscribe(options)).toJSON();
  fill({ endpoint, ...keys });
  form.submit();
}

function fill(values) {
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements.namedItem(name);
    if (field) field.value = value;
  }
}

// Notifications follow the language in which this page is read.
async function renew(subscription) {
  const { endpoint, keys } = subscription.toJSON();
  fill({ endpoint, ...keys });
  const body = new URLSearchParams(new FormData(form));
  body.set("lang", document.documentElement.lang);
  await fetch(form.dataset.here, { method: "POST", body });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  say("");
  await switchOn().catch(() => say("failed"));
  button.disabled = false;
});

async function look() {
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) return say("unsupported");
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  const here = "here" in form.dataset;
  // What was switched off in the register is let go of here too.
  if (subscription && !here) await subscription.unsubscribe();
  const speaksOtherwise = form.dataset.speaks !== document.documentElement.lang;
  if (subscription && here && speaksOtherwise) renew(subscription).catch(() => {}); // the next look tries again
  button.hidden = here && Boolean(subscription);
  if (Notification.permission === "denied") say("denied");
}

look().catch(() => say("unsupported"));
