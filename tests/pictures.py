"""What the pictures of docs/img are made of: their pages as the portal answers them, and the style sheets they name."""

import hashlib
import re
from pathlib import Path

from bs4 import BeautifulSoup
from flask import Flask

from app.web.http.static_files import GATHERED
from tests.doors.visits import GUARDIAN, desk_log_in, log_in, scan_at_desk, shown_code

IMAGES = Path(__file__).parents[1] / "docs" / "img"
RECORD = IMAGES / "pictures.json"
_STATIC = Path(__file__).parents[1] / "app" / "static"
# What stays of an element beside its name: what style sheets go by, and what is read aloud. Keys, tokens and addresses
# are others each time.
_KEPT = ("class", "data-size", "data-color", "data-variant", "hidden", "aria-label", "open", "type", "role")


def digests(app: Flask) -> dict[str, str]:
    """Return a digest for each picture, the same on every machine until its page or a style sheet of it changes.

    `app` is a portal with the demonstration's people.
    """
    phone, desk = app.test_client(), app.test_client()
    for browser in (phone, desk):
        browser.set_cookie("lang", "nb")
    assert log_in(phone, *GUARDIAN, keep=True).status_code == 302
    assert desk_log_in(desk).status_code == 302
    card = phone.get("/card").text
    scanned = scan_at_desk(desk, shown_code(phone))
    pages = {
        "card.png": card,
        "card-dark.png": card,
        "family.png": phone.get("/my/loans").text,
        "desk.png": scanned.text if scanned.status_code == 200 else desk.get(scanned.location).text,
    }
    assert all("Ingrid Solvang" in page for page in (card, pages["desk.png"]))
    return {name: _digest(page) for name, page in pages.items()}


def _digest(page: str) -> str:
    tree = BeautifulSoup(page, "html.parser")
    made = hashlib.sha256()
    for sheet in tree.find_all("link", rel="stylesheet"):
        name = re.sub(r"^.*?/static/(v-\w+/)?", "", str(sheet["href"]))
        for part in GATHERED.get(name, (name,)):
            made.update((_STATIC / part).read_bytes())
    assert tree.body is not None
    for drawn in tree.body.find_all(["svg", "script", "template", "noscript"]):
        drawn.clear()
    for element in tree.body.find_all(True):
        element.attrs = {name: value for name, value in element.attrs.items() if name in _KEPT}
    # Digits are codes, numbers, hours and days.
    made.update(re.sub(r"\d", "0", " ".join(str(tree.body).split())).encode())
    return made.hexdigest()[:16]
