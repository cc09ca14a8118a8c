// Notes what is typed before the desk's program is there, which then takes it over (wedge.js). No module: it must be there
// before the page. An Enter is held back until it is known whether a scanner sent it.

(() => {
  const typed = [];
  const note = (event) => {
    const { key, timeStamp } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (key.length !== 1 && key !== "Enter") return;
    const element = document.activeElement;
    const { value, selectionStart, selectionEnd } = element?.matches("input, textarea, select") ? element : {};
    typed.push({ key, timeStamp, element, was: { value, selectionStart, selectionEnd }, preventDefault() {}, stopImmediatePropagation() {} });
    if (key !== "Enter") return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  addEventListener("keydown", note, { capture: true });
  globalThis.takeEarlyKeys = () => {
    removeEventListener("keydown", note, { capture: true });
    return typed;
  };
})();
