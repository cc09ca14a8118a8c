"""What a run of tests/journeys/test_every_patron_page.py looks at, as the accessibility statement names it."""

import re
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from babel.messages.pofile import read_po
from flask import Flask

import app as package
from app.web.pages.languages import LANGUAGES
from tests.journeys.looking import LANGUAGES as READ
from tests.journeys.looking import LARGE_LETTERS, MODES, SCREENS, ZOOMED
from tests.journeys.patron_pages import list_patron_pages

TRANSLATIONS = Path(package.__file__).parent / "translations"


def looked_at(portal: Flask) -> dict[str, Any]:
    """Return the record's fields, but for the day and the browser."""
    version = re.search(r'axe\.version\s*=\s*["\']([\d.]+)', Axe().axe_script)
    assert version is not None
    return {
        "standard": "WCAG 2.2 AA",
        "tools": [f"axe {version[1]}"],
        "pages": list_patron_pages(portal),
        "screens": [f"{screen['width']} × {screen['height']}" for screen in SCREENS],
        "zoomed": f"{ZOOMED['width']} × {ZOOMED['height']}",
        "large_letters": LARGE_LETTERS,
        "modes": [*MODES, "no-script"],
        "languages": list(READ),
        "unreviewed": [language for language in LANGUAGES if _is_unreviewed(language)],
    }


def _is_unreviewed(language: str) -> bool:
    catalog = TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"
    if not catalog.exists():
        return False
    with catalog.open("rb") as file:
        return "not yet checked by a native" in " ".join(read_po(file).header_comment.split())
