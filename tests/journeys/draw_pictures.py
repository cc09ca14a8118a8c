"""`./manage pictures`: draw docs/img/*.png from the running demonstration, and note what they were made of.

pytest runs it like a journey when it is named, and otherwise leaves it alone.
"""

import json
from io import BytesIO

from apiflask import APIFlask
from PIL import Image
from playwright.sync_api import Page, expect

from tests.doors.visits import CHILD
from tests.journeys.conftest import Opener
from tests.journeys.people import Visitor, scan
from tests.journeys.server import RunningPortal
from tests.journeys.test_family_journey import (
    CHILDS_LOAN,
    OWN_LOAN,
    child_gives_permission,
    opens_loans,
    opens_settings,
    switches_on,
)
from tests.pictures import IMAGES, RECORD, digests


def test_pictures_of_the_card_the_family_and_the_desk(
    open_page: Opener, desk: Page, portal: RunningPortal, app: APIFlask
) -> None:
    phone = {"device_scale_factor": 2, "is_mobile": True, "has_touch": True}
    light, dark = Visitor(open_page(**phone)), Visitor(open_page(**phone, color_scheme="dark"))
    child_gives_permission(light, CHILD)
    for visitor, name in ((light, "card"), (dark, "card-dark")):
        visitor.signs_in()
        portal.clock.turn_into_step(seconds=3)
        code = visitor.opens_the_card()
        take(visitor.page, name)
    desk.set_viewport_size({"width": 1100, "height": 980})
    expect(scan(desk, code).locator(".line-headline")).to_have_text("Godtatt")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Ingrid Solvang")
    take(desk, "desk")
    switches_on(opens_settings(light), "Jonas Solvang")
    family = opens_loans(light)
    for loan in (OWN_LOAN, CHILDS_LOAN):
        expect(family.get_by_text(loan).first).to_be_visible()
    take(family, "family")
    RECORD.write_text(json.dumps(digests(app), indent=2) + "\n", encoding="utf-8")


def take(page: Page, name: str) -> None:
    page.evaluate("window.scrollTo(0, 0)")
    page.evaluate("document.fonts.ready")
    # A palette is enough for these pages, and a third of the bytes.
    Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(128).save(IMAGES / f"{name}.png", optimize=True)
