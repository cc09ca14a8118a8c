// What waits today, beside the tabs' names. The page comes with what the register knows; the library's own system is
// asked here, when nothing is being scanned and at most once a minute, so that nothing has to wait for it.

const MINUTE = 60_000;
const nav = document.querySelector("nav[data-badges]");
let askedAt = nav.hasAttribute("data-fresh") ? Date.now() : -Infinity;

function show(link, badge) {
  link.querySelector(".badge")?.remove();
  link.removeAttribute("aria-label");
  if (!badge) return;
  const shown = document.createElement("span");
  shown.className = "badge";
  shown.textContent = badge.shown;
  link.setAttribute("aria-label", `${link.textContent.trim()}, ${badge.words}`);
  link.append(shown);
}

export async function refreshBadges() {
  if (document.hidden || Date.now() - askedAt < MINUTE) return;
  askedAt = Date.now();
  const response = await fetch(nav.dataset.badges, { priority: "low" }).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const badges = await response.json().catch(() => ({}));
  for (const link of nav.querySelectorAll("a")) show(link, badges[new URL(link.href).pathname]);
}
addEventListener("load", refreshBadges);
