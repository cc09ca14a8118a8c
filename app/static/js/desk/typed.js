// What somebody has typed, chosen, opened or focused stays so where the page around it is drawn anew.

const FIELDS = "input:not([type=hidden]), select, textarea";

const isRefused = (field) => field.getAttribute("aria-invalid") === "true";
const isTyped = (field) => isRefused(field) || !("defaultValue" in field) || field.value !== field.defaultValue;

// Takes it over from the old page to the fresh one. What it returns is called when that is shown, and gives the focus back.
export function keepTyped(old, fresh) {
  const twin = (field) => (field.id ? fresh.querySelector(`#${CSS.escape(field.id)}`) : null);
  for (const field of old.querySelectorAll(FIELDS)) {
    if (!twin(field)) continue;
    // What was refused stays with the reason.
    if (isRefused(field)) twin(field).closest(".ds-field").replaceWith(field.closest(".ds-field").cloneNode(true));
    const same = twin(field);
    if (isTyped(field)) same.value = field.value;
    same.checked = field.checked;
    if (field.closest("details[open]")) same.closest("details").open = true;
  }
  const active = document.activeElement;
  const focused = old.contains(active) ? twin(active) : null;
  const { selectionStart, selectionEnd } = active ?? {};
  return () => {
    focused?.focus({ preventScroll: true });
    // Whoever types goes on where they were.
    if (focused && selectionStart != null) focused.setSelectionRange(selectionStart, selectionEnd);
  };
}
