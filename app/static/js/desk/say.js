// Says what came of each scan to a screen reader, once: at once where it was refused or failed, else in its turn.

const FORGET_AFTER = 5_000;
const SENTENCE = /[.!?…]$/;
const SAID = ".line-headline, .line-title, .line-advice";

export function say(line, { urgent }) {
  const saying = document.createElement("p");
  saying.textContent = [...line.querySelectorAll(SAID)]
    .map((part) => part.textContent.trim())
    .map((words) => (SENTENCE.test(words) ? words : `${words}.`))
    .join(" ");
  document.getElementById(urgent ? "said-at-once" : "said").append(saying);
  setTimeout(() => saying.remove(), FORGET_AFTER);
}
