// Shows that a code could not be sent: the page is fetched anew, and only that part is replaced.

const LOOK_AFTER = [22_000, 60_000, 180_000];

const state = document.getElementById("code-state");

const look = async () => {
  try {
    const answer = await fetch(state.dataset.look);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.getElementById("code-state");
    if (found) state.replaceChildren(...found.children);
  } catch {
    // Without a network the next fetch shows it.
  }
};

for (const milliseconds of LOOK_AFTER) setTimeout(look, milliseconds);
