// Asks the phone for a passkey (WebAuthn), and sends its answer in with the form. Where a browser has none, or at
// another address than the passkeys' own, nothing of them is shown.

const RENEWED_AFTER = 4 * 60_000; // a challenge is good for five minutes
const LATER = "passkey-later";
const PARTS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];

let waiting = new AbortController(); // of what the browser offers among its suggestions

function toBytes(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
}

function toText(buffer) {
  const signs = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return signs.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function fetchOptions(form) {
  const headers = { "X-CSRFToken": form.elements.csrf_token.value };
  const publicKey = await (await fetch(form.dataset.options, { method: "POST", headers })).json();
  publicKey.challenge = toBytes(publicKey.challenge);
  if (publicKey.user) publicKey.user.id = toBytes(publicKey.user.id);
  for (const known of [publicKey.allowCredentials, publicKey.excludeCredentials].flat()) {
    if (known) known.id = toBytes(known.id);
  }
  return publicKey;
}

async function askPhone(form, how) {
  const publicKey = await fetchOptions(form);
  const { id, type, authenticatorAttachment, response } = await navigator.credentials[form.dataset.passkey]({ publicKey, ...how });
  const parts = PARTS.filter((part) => response[part]).map((part) => [part, toText(response[part])]);
  const transports = response.getTransports?.();
  const answer = { id, rawId: id, type, authenticatorAttachment, response: { ...Object.fromEntries(parts), transports } };
  form.querySelector("[data-answer]").value = JSON.stringify(answer);
  if (form.elements.keep) form.elements.keep.value = document.getElementById("remember").checked ? "y" : "";
  form.submit();
}

async function press(form) {
  waiting.abort();
  form.querySelector("[data-said]").textContent = "";
  try {
    await askPhone(form);
  } catch (error) {
    const words = { NotAllowedError: form.dataset.cancelled, InvalidStateError: form.dataset.exists };
    form.querySelector("[data-said]").textContent = words[error.name] ?? form.dataset.failed;
    suggest(form);
  }
}

// The browser offers the passkey among its suggestions in the field for the card number (conditional mediation).
async function suggest(form) {
  if (!("suggests" in form.dataset) || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const own = new AbortController();
  waiting = own;
  const renewal = setTimeout(() => {
    own.abort();
    suggest(form);
  }, RENEWED_AFTER);
  try {
    await askPhone(form, { mediation: "conditional", signal: own.signal });
  } catch {
    // The button was pressed, the phone has none, or there is no network: the PIN is there as before.
  } finally {
    clearTimeout(renewal);
  }
}

async function isOffered(part) {
  if (!("offer" in part.dataset)) return true;
  return !sessionStorage.getItem(LATER) && PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable();
}

async function show(part) {
  if (part.dataset.origin !== location.origin || !(await isOffered(part))) return;
  part.hidden = false;
  for (const lacking of document.querySelectorAll("[data-passkey-lacking]")) lacking.hidden = true;
  for (const later of part.querySelectorAll("[data-later]")) {
    later.addEventListener("click", () => {
      sessionStorage.setItem(LATER, "true");
      part.hidden = true;
    });
  }
}

if (window.PublicKeyCredential) {
  for (const part of document.querySelectorAll("[data-passkey-part]")) show(part);
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      press(form);
    });
    if (form.closest("[data-passkey-part]").dataset.origin === location.origin) suggest(form);
  }
}
