"""What a patron cannot undo is asked once: its button stands below a question, or on a page of its own."""

from urllib.parse import urlsplit

from bs4 import Tag

from app.web.access import Audience
from tests.doors.pages import list_pages
from tests.doors.visits import read_page
from tests.together.focusing import Home, press
from tests.together.test_what_has_the_focus import ASKED, CALENDAR, add_passkey, home

__all__ = ["home"]

# Pages that are nothing but the question.
OF_THEIR_OWN = {"portal.erase", "portal.leave_library"}
ASKS = {
    "card.revoke",
    "family.calendar_end",
    "family.cancel_interlibrary",
    "family.change_hold",
    "portal.end_all_other_sign_ins",
    "portal.passkey_remove",
}


def destroying(home: Home, path: str) -> dict[str, list[Tag]]:
    """Return a page's red buttons, by the endpoint that each leads to."""
    found: dict[str, list[Tag]] = {}
    adapter = home.app.url_map.bind("localhost")
    answer = home.guardian.get(path)
    if answer.mimetype != "text/html":
        return found
    for button in read_page(answer).select('main button[type=submit][data-color="danger"]'):
        form = button.find_parent("form")
        assert form is not None
        endpoint, _ = adapter.match(urlsplit(str(form.get("action") or path)).path, method="POST")
        found.setdefault(endpoint, []).append(button)
    return found


def test_what_destroys_is_below_a_question_or_on_a_page_of_its_own(home: Home) -> None:
    home.reserve()
    home.other_phone()
    for act in (ASKED, CALENDAR, add_passkey):
        act(home)
    asked = set()
    for path in [*list_pages(home.app, Audience.PATRON), "/my/libraries/Mull/leave"]:
        for endpoint, buttons in destroying(home, path).items():
            for button in buttons:
                question = button.find_parent("details")
                if endpoint in OF_THEIR_OWN:
                    assert read_page(home.guardian.get(path)).select_one("main p")
                    continue
                assert question is not None, f"{path}: {button.get_text(strip=True)} asks nothing"
                assert question.find("p"), f"{path}: {button.get_text(strip=True)} says nothing of what follows"
                assert not question.has_attr("open")
                asked.add(endpoint)
    assert asked == ASKS


def test_freezing_is_asked_once_too_and_says_what_follows(home: Home) -> None:
    form = read_page(home.guardian.get("/my/data")).select_one("form[action$='/freeze']")
    assert form is not None
    question = form.find_parent("details")
    assert question is not None
    assert question.select("li")
    assert "frozen" in press(home.guardian, "/my/data", "/freeze").said
