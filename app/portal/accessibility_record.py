"""What the accessibility statement says was tested: the record that `./manage accessibility` writes (docs/adr/0008)."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("accessibility.json")


@dataclass(frozen=True, slots=True)
class Tested:
    """A run that found nothing wrong: when, with what, which pages, and how each was looked at.

    `screens` and `zoomed` are width × height in CSS pixels, `large_letters` is in percent. `unreviewed` are languages
    that no native speaker has checked.
    """

    on: date
    standard: str
    tools: tuple[str, ...]
    pages: tuple[str, ...]
    screens: tuple[str, ...]
    zoomed: str
    large_letters: str
    modes: tuple[str, ...]
    languages: tuple[str, ...]
    unreviewed: tuple[str, ...]


def read_record() -> Tested:
    """Return the newest run that found nothing wrong."""
    fields = json.loads(FILE.read_text(encoding="utf-8"))
    several = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    return Tested(**fields | several | {"on": date.fromisoformat(fields["on"])})


TESTED: Final = read_record()
