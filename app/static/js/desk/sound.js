// A sound for each outcome: one high tone for accepted, two in the middle for something to look at, three low ones for
// refused. Loud, low or off, as this computer remembers; never the only sign.

const KEY = "desk-sound";
const LEVELS = { high: 0.3, low: 0.08, off: 0 };
const NEXT = { high: "low", low: "off", off: "high" };
const HIDDEN = 0.3; // of the volume, while another window or tab is in front
// From the mildest: times in seconds, milliseconds for a phone's vibration. None lasts 0.4 seconds.
const SOUNDS = {
  accepted: { rank: 0, tones: 1, frequency: 1_568, type: "sine", each: 0.14, vibration: [80] },
  attention: { rank: 1, tones: 2, frequency: 740, type: "triangle", each: 0.15, vibration: [120, 80, 120] },
  refused: { rank: 2, tones: 3, frequency: 220, type: "square", each: 0.12, vibration: [120, 60, 120, 60, 120] },
};

let audio = null;
// What is heard now, or next: when it ends, and what it can be cut off with.
let current = { rank: -1, until: 0, output: null };

const level = () => (localStorage.getItem(KEY) in LEVELS ? localStorage.getItem(KEY) : "high");

// Browsers allow sound from the first key on; a scanner's counts, and its answer finds the sound ready.
function wake() {
  if (level() === "off" || navigator.userActivation?.hasBeenActive === false) return;
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
}
for (const use of ["keydown", "keyup", "pointerup"]) addEventListener(use, wake, { capture: true });

// Several answers at once are no noise: a worse one cuts off what is heard, a milder one is seen alone, and the same
// one is heard once more at most.
function begin({ rank, tones, each }) {
  const now = audio.currentTime;
  const length = tones * each;
  if (now >= current.until) return { from: now };
  if (rank < current.rank) return null;
  if (rank > current.rank) {
    current.output.disconnect();
    return { from: now };
  }
  return current.until - now > length ? null : { from: current.until + 0.05, output: current.output };
}

export function play(sign) {
  const sound = SOUNDS[sign];
  if (!sound || level() === "off" || navigator.userActivation?.hasBeenActive === false) return;
  navigator.vibrate?.(sound.vibration);
  wake();
  const place = begin(sound);
  if (!place) return;
  const { from, output = new GainNode(audio) } = place;
  const loud = LEVELS[level()] * (document.hidden ? HIDDEN : 1) * (sound.type === "square" ? 0.5 : 1);
  output.gain.value = loud;
  output.connect(audio.destination);
  for (let number = 0; number < sound.tones; number += 1) {
    const at = from + number * sound.each;
    const tone = new OscillatorNode(audio, { frequency: sound.frequency, type: sound.type });
    const shape = new GainNode(audio, { gain: 0 });
    tone.connect(shape).connect(output);
    // Without a slope a tone begins and ends with a click.
    shape.gain.setValueAtTime(0, at);
    shape.gain.linearRampToValueAtTime(1, at + 0.01);
    shape.gain.setValueAtTime(1, at + sound.each - 0.04);
    shape.gain.linearRampToValueAtTime(0, at + sound.each - 0.02);
    tone.start(at);
    tone.stop(at + sound.each - 0.02);
  }
  current = { rank: sound.rank, until: from + sound.tones * sound.each, output };
}

// One button for loud, low and off, named by what it is; it lets hear what was chosen.
export function offerSound(button) {
  const show = () => {
    button.textContent = button.dataset[level()];
  };
  button.hidden = false;
  show();
  button.addEventListener("click", () => {
    localStorage.setItem(KEY, NEXT[level()]);
    show();
    play("accepted");
  });
}
