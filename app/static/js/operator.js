// The list of libraries follows by itself: every two seconds while systems are being asked, else once a minute, which
// begins to ask them anew. It is left alone while something in it has the focus.

const WHILE_ASKING = 2000; // milliseconds
const ELSE = 60_000;

const live = document.getElementById("live");

async function follow() {
  try {
    const answer = await fetch(live.dataset.look, { credentials: "same-origin" });
    if (answer.ok && !live.contains(document.activeElement)) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const newer = page.getElementById("live");
      const table = live.querySelector(".table-scroll");
      const across = table ? table.scrollLeft : 0;
      live.replaceChildren(...newer.childNodes);
      live.toggleAttribute("data-goes-on", newer.hasAttribute("data-goes-on"));
      if (table) live.querySelector(".table-scroll").scrollLeft = across;
    }
  } catch {
    // The command was stopped, or the network is away: what stands there says when it was asked.
  }
  later();
}

function later() {
  setTimeout(follow, live.hasAttribute("data-goes-on") ? WHILE_ASKING : ELSE);
}

if (live) later();
