"""Names every text that a language lacks, or has as a proposal only: `python untranslated.py FOLDER`; ends with 1 then.

Northern Sámi is for patrons: what only staff, machines, messages or the demonstration show may lack it, and comes in
bokmål. What is counted is no exception: a compiled catalog fills a lacking number with English.

A proposal (fuzzy) is what `pybabel update` made of the translation of a sentence that was reworded since. Nobody has
looked at it, and no page shows it: translate it or keep it, and take the word `fuzzy` away.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import read_po

IN_BOKMAL = {
    "se": (
        "app/api/",
        "app/demo/",
        "app/desk/",
        "app/messages/",
        "app/operator/",
        "app/rules/library/",
        "app/rules/moving/",
        "app/rules/messages.py",
        "app/sip2/",
    ),
}
"""The files whose texts a language need not have."""


def may_be_in_bokmal(message: Message, language: str) -> bool:
    """Return whether a text may stand in bokmål on a page in `language`."""
    here = IN_BOKMAL.get(language, ())
    return isinstance(message.id, str) and all(file.startswith(here) for file, _line in message.locations)


def find_untranslated(folder: Path) -> Iterator[str]:
    """Return a line for each text without a translation that somebody has approved, by language and in its order."""
    for path in sorted(folder.glob("*/LC_MESSAGES/messages.po")):
        language = path.parts[-3]
        with path.open("rb") as file:
            catalog = read_po(file, locale=language)
        for message in catalog:
            strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
            lacks = not strings or not all(strings)
            if message.id and (message.fuzzy or (lacks and not may_be_in_bokmal(message, language))):
                text = message.id if isinstance(message.id, str) else message.id[0]
                yield f"{language}: {'proposal to check' if message.fuzzy else 'not translated'}: {text}"


if __name__ == "__main__":
    left = list(find_untranslated(Path(sys.argv[1])))
    print(*left, sep="\n", end="\n" if left else "", file=sys.stderr)
    raise SystemExit(bool(left))
