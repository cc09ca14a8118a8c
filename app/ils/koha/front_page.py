"""The version of a Koha, which its API does not tell: the front pages of its catalogue and of its staff name it."""

import re
from typing import Final

# doc-head-close.inc of both.
_GENERATOR: Final = re.compile(r'<meta\s+name="generator"\s+content="Koha (\d{2})\.([\d.]{2,16})"')
_WHOLE: Final = re.compile(r"(\d\d)(\d\d)(\d{3})")


def read_version(page: str) -> str:
    """Return the version as it is known, such as "Koha 25.05.01.000" for 25.0501000; empty where the page has none."""
    found = _GENERATOR.search(page)
    if found is None:
        return ""
    parts = _WHOLE.fullmatch(found[2])
    return ".".join((f"Koha {found[1]}", *(parts.groups() if parts else (found[2],))))
