// A button for the browser's own printing, where scripts run.

const button = document.querySelector("[data-print]");
button.addEventListener("click", () => print());
button.hidden = false;
