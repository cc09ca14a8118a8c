"""`./manage accessibility`: look at every patron's page for everyone, and note it for the accessibility statement.

pytest runs it when it is named, and otherwise leaves it alone. It stops at the first fault, so that a record is written
only by a run that found none.
"""

import json
from datetime import UTC, datetime

from apiflask import APIFlask
from playwright.sync_api import Browser

from app.portal.accessibility_record import FILE
from tests.accessibility import looked_at
from tests.journeys.test_every_patron_page import (
    addresses,
    open_for_all,
    test_every_page_in_every_language,
    test_every_page_on_a_way,
    test_every_page_that_opens_by_its_address,
    test_every_page_without_a_script,
    with_service,
)

__all__ = [
    "addresses",
    "open_for_all",
    "test_every_page_in_every_language",
    "test_every_page_on_a_way",
    "test_every_page_that_opens_by_its_address",
    "test_every_page_without_a_script",
    "with_service",
]


def test_the_record_is_written_last(app: APIFlask, browser: Browser) -> None:
    record = {"on": datetime.now(UTC).date().isoformat()} | looked_at(app)
    record["tools"].append(f"Chromium {browser.version}")
    FILE.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
