"""The pictures in the README show the pages as they are now."""

import json

from apiflask import APIFlask

from drills.installing.documents import HOME
from tests.pictures import IMAGES, RECORD, digests


def test_no_page_has_changed_since_its_picture_was_drawn(app: APIFlask) -> None:
    assert digests(app) == json.loads(RECORD.read_text(encoding="utf-8")), "draw them again with ./manage pictures"


def test_every_picture_is_shown_and_drawn() -> None:
    drawn = {path.name for path in IMAGES.glob("*.png")}
    readme = (HOME / "README.md").read_text(encoding="utf-8")
    assert {name for name in drawn if f"docs/img/{name}" not in readme} == set()
    assert drawn == set(json.loads(RECORD.read_text(encoding="utf-8")))
