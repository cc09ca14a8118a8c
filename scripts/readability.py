"""Reports how hard the patron's pages are to read: `python readability.py FOLDER [LANGUAGE]`, else bokmål.

LIX (C. H. Björnsson, Läsbarhet, 1968) is words in a sentence, plus the percentage of words of more than six letters:
below 35 is easy, above 45 is hard. Labels, which are no sentences, do not count. A report, and no gate.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from babel.messages.pofile import read_po

GOAL = 35
ROOMS = ("app/card/", "app/family/", "app/messages/", "app/portal/", "app/rules/", "app/web/")
_PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")


def lix_of(text: str) -> float:
    """Return the LIX of sentences, 0 without one. A placeholder counts as a short word; a colon ends a sentence."""
    words = re.findall(r"[^\W_]+(?:[-'][^\W_]+)*", _PLACEHOLDER.sub("x", text))
    if not words:
        return 0.0
    sentences = max(1, len(re.findall(r"[.!?:](?=\s|$)", text)))
    return len(words) / sentences + 100 * sum(len(word) > 6 for word in words) / len(words)


def texts_by_file(catalog: Path, language: str) -> dict[str, list[str]]:
    """Return the sentences of each file that a patron reads, as the catalog has them."""
    texts = defaultdict(list)
    with catalog.open("rb") as file:
        for message in read_po(file, locale=language):
            text = message.string if isinstance(message.string, str) else (message.string or ("",))[-1]
            if message.id and text.rstrip().endswith((".", "!", "?", ":")):
                for name in {name for name, _line in message.locations if name.startswith(ROOMS)}:
                    texts[name].append(text)
    return texts


def report(catalog: Path, language: str) -> Iterator[str]:
    """Return a line for each file, the hardest first, and one for all of them together."""
    texts = texts_by_file(catalog, language)
    measured = sorted(((lix_of("\n".join(found)), name) for name, found in texts.items()), reverse=True)
    yield from (f"{lix:5.1f}  {name}{'  above the goal' if lix > GOAL else ''}" for lix, name in measured)
    everything = "\n".join(sorted({text for found in texts.values() for text in found}))
    above = sum(lix > GOAL for lix, _name in measured)
    yield f"{lix_of(everything):5.1f}  {language} in all; {above} of {len(measured)} files above {GOAL}"


if __name__ == "__main__":
    asked = sys.argv[2] if len(sys.argv) > 2 else "nb"
    print(*report(Path(sys.argv[1]) / asked / "LC_MESSAGES" / "messages.po", asked), sep="\n")
