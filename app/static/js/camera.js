// Reads cards with the camera of this computer, tablet or phone, one patron after the other. A scanner that types
// works beside it. Results come without a new page, so that the camera stays on (and iPhones ask but once for it).

const CODE = /^92[12]\d{13}(\d{8})?$/; // docs/card.md
const LOOK_EVERY = 100;
const OUT_OF_SIGHT = 2_500; // then the same card is a new patron
const OVERLOOKED = 500; // for so long it may be there and not be read
const TRY_AGAIN = 2_000;
const FORMATS = ["qr_code", "code_128"];
const TONES = { accepted: [1_320], refused: [330, 247] };

const panel = document.getElementById("camera");
const [start, view, video, choice, choiceField, torch, sound, stop, news] = [
  "start", "view", "video", "choice", "choice-field", "torch", "sound", "stop", "news",
].map((id) => document.getElementById(`camera-${id}`));
const words = panel.dataset;
const form = document.getElementById("scan");
const field = form.querySelector("input:not([type=hidden])");
const button = form.querySelector("button");

let detector = null;
let stream = null;
let lookTimer = null;
let sending = false;
let audio = null;
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

async function turnOn() {
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
  await send();
}

async function send() {
  sending = true;
  try {
    const response = await fetch(form.action, { method: "POST", body: new FormData(form) });
    // Signed out meanwhile: the way in.
    if (response.redirected) return location.assign(response.url);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const result = page.querySelector(".result");
    if (!result) throw new Error(`HTTP ${response.status}`);
    document.querySelector(".result").replaceWith(result);
    document.title = page.title;
    news.textContent = "";
    last.accepted = !result.dataset.reason;
    last.seenAt = performance.now();
    tell(last.accepted ? "accepted" : "refused");
    document.dispatchEvent(new Event("result"));
  } catch {
    news.textContent = words.offline;
    setTimeout(() => { last = { payload: "", accepted: false, seenAt: -Infinity }; }, TRY_AGAIN);
  } finally {
    sending = false;
    field.value = "";
    button.removeAttribute("aria-busy");
  }
}

function tell(outcome) {
  navigator.vibrate?.(outcome === "accepted" ? 80 : [120, 80, 120]);
  if (!isPressed(sound)) return;
  audio ??= new AudioContext();
  audio.resume();
  TONES[outcome].forEach((frequency, place) => {
    const tone = new OscillatorNode(audio, { frequency });
    const volume = new GainNode(audio, { gain: 0.15 });
    const from = audio.currentTime + place * 0.16;
    tone.connect(volume).connect(audio.destination);
    volume.gain.setTargetAtTime(0, from + 0.1, 0.02);
    tone.start(from);
    tone.stop(from + 0.2);
  });
}

form.addEventListener("submit", (event) => {
  // What is typed while the camera is on must not turn it off.
  if (event.defaultPrevented || !stream) return;
  event.preventDefault();
  if (!sending) send();
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
sound.addEventListener("click", () => {
  press(sound, !isPressed(sound));
  remember("silent", isPressed(sound) ? "" : "1");
  if (isPressed(sound)) tell("accepted");
});
// After a click the field has the focus again; after a key press the button keeps it.
for (const button of [torch, sound]) button.addEventListener("click", ({ detail }) => detail > 0 && field.focus());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) turnOff();
  else if (recall("on") && !stream) turnOn();
});

if (navigator.mediaDevices?.getUserMedia) {
  panel.hidden = false;
  press(sound, !recall("silent"));
  if (recall("on")) turnOn();
}
