// Screen readers read live regions when they change, and few read what is there when a page opens: the words are put in once
// more. What an act changed takes the focus, also where it came into the page after the browser had looked for it.

const LISTENS_AFTER = 500; // milliseconds

const changed = document.getElementById(location.hash.slice(1));
if (changed) {
  const folded = changed.closest("details");
  if (folded) folded.open = true;
  if (changed.tabIndex < 0) changed.tabIndex = -1;
  changed.focus();
}

setTimeout(() => {
  for (const said of document.querySelectorAll(".said")) {
    // What has the focus is read already.
    if (said === document.activeElement) continue;
    said.replaceChildren(...Array.from(said.childNodes, (node) => node.cloneNode(true)));
  }
}, LISTENS_AFTER);
