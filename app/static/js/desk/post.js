// Sends a form of the desk without leaving the page.

export const SLOWEST = 10_000; // milliseconds that an answer may take

const form = document.getElementById("scan");

export async function post(url, fields) {
  const body = new FormData();
  body.set("csrf_token", form.elements.csrf_token.value);
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  const response = await fetch(url, { method: "POST", body, signal: AbortSignal.timeout?.(SLOWEST) });
  // Signed out meanwhile: the way in. What waits is sent after signing in again.
  if (response.redirected && new URL(response.url).pathname.endsWith("/login")) {
    location.assign(response.url);
    return new Promise(() => {});
  }
  return response;
}
