// What a phone can do for a card: keep its screen on, and put the card on the home screen.

let wakeLock = null;

export async function stayAwake() {
  if (document.visibilityState !== "visible" || (wakeLock && !wakeLock.released)) return;
  try {
    wakeLock = (await navigator.wakeLock?.request("screen")) ?? null;
  } catch {
    // The phone saves its battery: the card works all the same.
  }
}

export function offerToInstall(event) {
  event.preventDefault();
  const button = document.getElementById("install");
  button.hidden = false;
  button.querySelector("button").onclick = async () => {
    await event.prompt();
    button.hidden = true;
  };
}
