// Reads cards with the camera of this computer, tablet or phone, one patron after the other. A scanner that types
// works beside it. Results come without a new page, so that the camera stays on (and iPhones ask but once for it).

const CODE = /^92[12]\d{13}(\d{8})?$/; // docs/card.md
const LOOK_EVERY = 100;
const OUT_OF_SIGHT = 2_500; // then the same card is a new patron
const OVERLOOKED = 500; // for so long it may be there and not be read
const FORMATS = ["qr_code", "code_128"];

const panel = document.getElementById("camera");
const [start, view, video, choice, choiceField, torch, stop, news] = [
  "start", "view", "video", "choice", "choice-field", "torch", "stop", "news",
].map((id) => document.getElementById(`camera-${id}`));
const words = panel.dataset;
const form = document.getElementById("scan");
const field = form.querySelector("input:not([type=hidden])");

let detector = null;
let stream = null;
let lookTimer = null;
let sending = false;
let last = { payload: "", accepted: false, seenAt: -Infinity };

const isPressed = (button) => button.getAttribute("aria-pressed") === "true";
const press = (button, pressed) => button.setAttribute("aria-pressed", String(pressed));
const remember = (key, value) => localStorage.setItem(`desk-camera-${key}`, value);
const recall = (key) => localStorage.getItem(`desk-camera-${key}`);

async function makeDetector() {
  const native = (await globalThis.BarcodeDetector?.getSupportedFormats()) ?? [];
  if (FORMATS.every((format) => native.includes(format))) return new globalThis.BarcodeDetector({ formats: FORMATS });
  const { BarcodeDetector, prepareZXingModule } = await import(words.decoder);
  // The library would fetch it from a stranger's server.
  prepareZXingModule({ overrides: { locateFile: () => words.wasm } });
  return new BarcodeDetector({ formats: FORMATS });
}

// A browser lets the camera in on the page that was loaded for it (Permissions-Policy).
const isThere = () => location.pathname === new URL(form.action).pathname;
const isLetIn = isThere();

async function turnOn() {
  if (!isLetIn) {
    remember("on", "1");
    location.reload();
    return;
  }
  news.textContent = "";
  start.setAttribute("aria-busy", "true");
  try {
    detector ??= await makeDetector();
    const deviceId = recall("choice");
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: {
        width: { ideal: 1280 },
        height: { ideal: 720 },
        ...(deviceId ? { deviceId: { ideal: deviceId } } : { facingMode: { ideal: "environment" } }),
      },
    });
  } catch (fault) {
    const known = { NotAllowedError: words.notAllowed, NotFoundError: words.notFound };
    news.textContent = known[fault.name] ?? words.notReady;
    remember("on", "");
    return;
  } finally {
    start.removeAttribute("aria-busy");
    field.focus();
  }
  remember("on", "1");
  video.srcObject = stream;
  const [track] = stream.getVideoTracks();
  track.addEventListener("ended", turnOff);
  torch.hidden = !track.getCapabilities?.().torch;
  press(torch, false);
  view.hidden = false;
  start.hidden = true;
  await Promise.all([video.play(), listCameras(track)]).catch(() => {});
  look();
}

function turnOff() {
  clearTimeout(lookTimer);
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  video.srcObject = null;
  view.hidden = true;
  start.hidden = false;
}

async function listCameras(track) {
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "videoinput");
  const used = track.getSettings().deviceId;
  choice.replaceChildren(...cameras.map(({ label, deviceId }) => new Option(label, deviceId, false, deviceId === used)));
  choiceField.hidden = cameras.length < 2;
}

async function look() {
  clearTimeout(lookTimer);
  if (!stream) return;
  const began = performance.now();
  if (!sending && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
    const found = await detector.detect(video).catch(() => []);
    const codes = found.map((code) => code.rawValue).filter((text) => CODE.test(text));
    if (codes.length > 0 && stream) await meet(choose(codes));
  }
  lookTimer = setTimeout(look, Math.max(0, LOOK_EVERY - (performance.now() - began)));
}

const isLast = (payload) => payload.slice(0, 16) === last.payload.slice(0, 16);

// Of two phones the one that was accepted keeps its place, and the one that was refused gives way.
const choose = (codes) => codes.find((payload) => isLast(payload) === last.accepted) ?? codes[0];

async function meet(payload) {
  const now = performance.now();
  if (last.accepted && !isLast(payload) && now - last.seenAt < OVERLOOKED) return;
  const sameCard = isLast(payload) && now - last.seenAt < OUT_OF_SIGHT;
  last.seenAt = now;
  // After a refusal the phone may stay there until the next code; an accepted card is not scanned again.
  if (sameCard && (last.accepted || payload === last.payload)) return;
  last = { payload, accepted: false, seenAt: now };
  field.value = payload;
  send();
}

function send() {
  sending = true;
  document.dispatchEvent(new CustomEvent("scan", { detail: field.value }));
  field.value = "";
}

document.addEventListener("outcome", ({ detail: sign }) => {
  sending = false;
  last.accepted = sign !== "refused";
  last.seenAt = performance.now();
});

start.addEventListener("click", turnOn);
stop.addEventListener("click", () => {
  remember("on", "");
  turnOff();
  field.focus();
});
choice.addEventListener("change", () => {
  remember("choice", choice.value);
  turnOff();
  turnOn();
});
torch.addEventListener("click", async () => {
  const lit = !isPressed(torch);
  await stream.getVideoTracks()[0].applyConstraints({ advanced: [{ torch: lit }] });
  press(torch, lit);
});
// After a click the field has the focus again; after a key press the button keeps it.
torch.addEventListener("click", ({ detail }) => detail > 0 && field.focus());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) turnOff();
  else if (recall("on") && !stream && !panel.hidden) turnOn();
});

// It is there while the desk lends.
function appear() {
  if (isThere() !== panel.hidden) return;
  panel.hidden = !isThere();
  if (!isThere()) turnOff();
  else if (recall("on")) turnOn();
}

if (navigator.mediaDevices?.getUserMedia) {
  appear();
  document.addEventListener("page", appear);
}
