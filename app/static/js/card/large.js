// The code alone, as large as the screen and on white: by a tap on it, or by the card's button. Another tap, Escape or
// the way on with the keyboard ends it. The card's own tile is what grows, so its code changes as ever.

export function offerLarge(passes, opened) {
  // Until here the style sheet hides the buttons.
  passes.dataset.large = "";
  passes.addEventListener("click", ({ target }) => {
    const large = passes.querySelector(".tile.large");
    if (large) return close(large);
    const pass = target.closest('[data-part="code"], [data-part="larger"]')?.closest(".pass");
    if (!pass) return;
    open(pass.querySelector(".tile"));
    opened();
  });
  passes.addEventListener("keydown", ({ key, target }) => {
    const large = target.closest(".tile.large");
    if (large && key === "Escape") close(large);
  });
  passes.addEventListener("focusout", ({ target, relatedTarget }) => {
    const large = target.closest(".tile.large");
    if (large && relatedTarget && !large.contains(relatedTarget)) end(large);
  });
}

function open(tile) {
  tile.classList.add("large");
  // A tap on it must not take the focus out of it, which would end it before the tap does.
  tile.tabIndex = -1;
  tile.setAttribute("role", "dialog");
  tile.setAttribute("aria-modal", "true");
  tile.setAttribute("aria-label", tile.closest(".pass").getAttribute("aria-label"));
  tile.querySelector('[data-part="close"]').focus({ preventScroll: true });
}

function close(tile) {
  end(tile);
  tile.closest(".pass").querySelector('[data-part="larger"]').focus({ preventScroll: true });
}

function end(tile) {
  tile.classList.remove("large");
  for (const name of ["role", "aria-modal", "aria-label", "tabindex"]) tile.removeAttribute(name);
}
