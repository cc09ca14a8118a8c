"""Each of a patron's forms says in the title and above it what is wrong, and leads to the field.

A form with a field that does not stand here fails.
"""

from urllib.parse import urlsplit

import pytest

from app.web.access import Audience
from tests.doors.pages import list_pages
from tests.doors.visits import AT_MULLSJO_ONLY, read_page
from tests.together.focusing import TITLE, ULLENSAKER, Act, Home, Shown, press
from tests.together.test_what_has_the_focus import WANTED, add_passkey, guardian_does, home, of

__all__ = ["home"]


def confirm(home: Home) -> Shown:
    home.clock.turn(seconds=660)
    return press(home.guardian, "/my/confirm?next=portal.edit", "/confirm", confirm_pin="0000")


OTHER_LIBRARY = f"/my/libraries/{ULLENSAKER}"
LEAVE = "/my/libraries/Mull/leave"
# By endpoint: what is filled in wrongly, and the field that its fault leads to.
FAULTS: dict[str, tuple[Act, str]] = {
    "family.change_hold": (
        guardian_does("/my/loans", "/my/loans", 'value="pause"', TITLE, first=Home.reserve, paused_until=""),
        "hold-*",
    ),
    "family.give": (guardian_does("/my/settings", "/my/settings", guardian_card_number="x"), "guardian_card_number"),
    "family.interlibrary": (
        guardian_does("/my/interlibrary", "/my/interlibrary", **WANTED | {"publication_year": "x"}),
        "publication_year",
    ),
    "family.reminders_choose": (
        guardian_does("/my/reminders", "/my/reminders", due="email", days_before="x"),
        "days_before",
    ),
    "portal.confirm": (confirm, "confirm_pin"),
    "portal.edit": (guardian_does("/my/data/edit", "/edit", email="nobody"), "email"),
    "portal.erase": (guardian_does("/my/data/erase", "/erase", confirm_pin="0000"), "confirm_pin"),
    "portal.leave_library": (guardian_does(LEAVE, "/leave", confirm_pin="0000"), "confirm_pin"),
    "portal.my_library": (of(AT_MULLSJO_ONLY, OTHER_LIBRARY, OTHER_LIBRARY), "accepted"),
    "portal.passkey_add": (guardian_does("/my/passkeys/add", "/add", label="x" * 61), "label"),
    "portal.passkey_rename": (guardian_does("/card/devices", "/name", first=add_passkey, label=""), "name-1"),
    "portal.pin": (guardian_does("/my/pin", "/my/pin", new_pin="1234"), "new_pin"),
}


def test_every_form_with_a_field_stands_here(home: Home) -> None:
    home.reserve()
    add_passkey(home)
    found = {"portal.confirm"}
    adapter = home.app.url_map.bind("localhost")
    for path in [*list_pages(home.app, Audience.PATRON), LEAVE]:
        answer = home.guardian.get(path, follow_redirects=True)
        for form in read_page(answer).select("main form[method=post]") if answer.mimetype == "text/html" else ():
            if form.select("input:not([type=hidden]), select, textarea"):
                action = urlsplit(str(form.get("action") or path)).path
                found.add(adapter.match(action, method="POST")[0])
    assert found <= FAULTS.keys()
    assert FAULTS.keys() - found == {"portal.my_library"}


@pytest.mark.parametrize(("act", "place"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_wrong_is_named_and_the_field_is_led_to(home: Home, act: Act, place: str) -> None:
    shown = act(home)
    assert shown.page.title is not None
    assert shown.page.title.get_text().startswith("Error: ")
    [alert] = shown.page.select("main [role=alert]")
    assert alert.get("tabindex") == "-1"
    led_to = [str(link["href"]).removeprefix("#") for link in alert.select("a")]
    assert [each for each in led_to if shown.page.find(id=each) is None] == []
    assert any(each.startswith(place.removesuffix("*")) for each in led_to)
