"""The accessibility statement says what was looked at, and that is what the tests look at now."""

import json

from apiflask import APIFlask

from app.portal.accessibility_record import FILE, TESTED
from tests.accessibility import looked_at
from tests.doors.visits import main_text

AGAIN = "look at the pages again with ./manage accessibility"


def test_the_record_is_of_the_pages_and_the_ways_of_looking_of_today(app: APIFlask) -> None:
    record, now = json.loads(FILE.read_text(encoding="utf-8")), looked_at(app)
    del record["on"]
    axe, browser = record.pop("tools")
    assert [axe] == now.pop("tools"), AGAIN
    assert record == now, AGAIN
    assert browser.startswith("Chromium ")


def test_the_statement_says_what_the_record_says(app: APIFlask) -> None:
    page = app.test_client().get("/accessibility?lang=nb")
    words = main_text(page)
    for named in (TESTED.standard, *TESTED.tools, *TESTED.screens, TESTED.zoomed, f"{len(TESTED.pages)} sider"):
        assert named in words, named
    assert f'<time datetime="{TESTED.on.isoformat()}">' in page.text
    assert all(f"<code>{rule.replace('<', '&lt;').replace('>', '&gt;')}</code>" in page.text for rule in TESTED.pages)
    assert ("nordsamiske" in words) == ("se" in TESTED.unreviewed)
