"""Names every text that a language lacks, or has as a proposal only: `python untranslated.py FOLDER`; ends with 1 then.

A proposal (fuzzy) is what `pybabel update` made of the translation of a sentence that was reworded since. Nobody has
looked at it, and no page shows it: translate it or keep it, and take the word `fuzzy` away.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.pofile import read_po


def find_untranslated(folder: Path) -> Iterator[str]:
    """Return a line for each text without a translation that somebody has approved, by language and in its order."""
    for path in sorted(folder.glob("*/LC_MESSAGES/messages.po")):
        language = path.parts[-3]
        with path.open("rb") as file:
            catalog = read_po(file, locale=language)
        for message in catalog:
            strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
            if message.id and (message.fuzzy or not strings or not all(strings)):
                text = message.id if isinstance(message.id, str) else message.id[0]
                yield f"{language}: {'proposal to check' if message.fuzzy else 'not translated'}: {text}"


if __name__ == "__main__":
    left = list(find_untranslated(Path(sys.argv[1])))
    print(*left, sep="\n", end="\n" if left else "", file=sys.stderr)
    raise SystemExit(bool(left))
