// Sends each form of the page once: a second press while the answer is on its way would lose it, and what it shows once.

const LONGEST_WAIT = 20_000;

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "true";
  setTimeout(() => delete form.dataset.sent, LONGEST_WAIT);
});

addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
