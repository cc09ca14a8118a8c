"""Reservations on the page of loans: paused, resumed and cancelled by the patron, or a guardian who may."""

from datetime import date, timedelta

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.ils.port import Hold, Refused
from app.ils.systems import Systems
from tests.conftest import Clock
from tests.contract.koha_world import koha
from tests.doors.visits import CHILD, GUARDIAN, main_text, read_page, submit
from tests.together.acts import press, read_loans, send_permission
from tests.town import Town

BARCODE, TITLE = "990088", "Ærfuglens sjuogsøtti sokkelost"
LIBRARY = "2023500"


def hold_of_child(town: Town) -> Hold:
    account = town.systems.get(LIBRARY).accounts(card_numbers=[CHILD[0]])[0]
    return next(hold for hold in account.holds if hold.title == TITLE)


@pytest.fixture
def wanted(town: Town) -> Hold:
    """What the child waits for, and somebody else has."""
    town.put_on_shelf(LIBRARY, barcode=BARCODE, title=TITLE)
    lending = town.systems.lending(LIBRARY)
    lending.check_out(card_number="N000777777", barcode=BARCODE)
    lending.reserve(card_number=CHILD[0], barcode=BARCODE)
    return hold_of_child(town)


def ask(client: FlaskClient, hold: Hold, act: str, *, permission: str = "", **fields: str) -> TestResponse:
    whose = {"library_id": LIBRARY, "permission_id": permission, "hold_id": hold.hold_id, "title": TITLE}
    return submit(client, "/my/loans", act=act, **whose, **fields)


def test_a_hold_is_paused_for_a_holiday_and_resumed(child: FlaskClient, town: Town, wanted: Hold, clock: Clock):
    first, last = clock().date() + timedelta(days=3), clock().date() + timedelta(days=17)
    days = {"paused_from": first.isoformat(), "paused_until": last.isoformat()}
    said = main_text(ask(child, wanted, "pause", **days))
    assert f"The reservation of {TITLE} is paused until and including" in said
    assert "paused from" in said
    assert (hold_of_child(town).paused_from, hold_of_child(town).paused_until) == (first, last)
    assert f"The reservation of {TITLE} is no longer paused." in main_text(ask(child, wanted, "resume"))
    assert hold_of_child(town).paused_until is None


def test_a_hold_is_cancelled_and_named(child: FlaskClient, town: Town, wanted: Hold):
    assert TITLE in read_loans(child)
    assert f"The reservation of {TITLE} is cancelled." in main_text(ask(child, wanted, "cancel"))
    with pytest.raises(StopIteration):
        hold_of_child(town)
    assert f"{TITLE}: It is not there any more." in main_text(ask(child, wanted, "cancel"))


def test_the_page_offers_what_the_library_can_and_says_what_else_to_do(child: FlaskClient, wanted: Hold):
    page = read_page(child.get("/my/loans"))
    acts = {str(field["value"]) for field in page.find_all("input", {"name": "act"})}
    assert {"cancel", "pause"} <= acts
    assert "places" not in acts
    assert "Contact the library if you want to collect it somewhere else." in page.get_text()


def test_the_days_of_a_pause_are_asked_for(child: FlaskClient, town: Town, wanted: Hold, clock: Clock):
    yesterday = (clock().date() - timedelta(days=1)).isoformat()
    for day in ("", yesterday, "soon", "2026-13-01", "9999-12-31"):
        days = {"paused_until": day} if day else {}
        assert "choose the last day of the pause" in main_text(ask(child, wanted, "pause", **days))
    assert hold_of_child(town).paused_until is None


def test_what_is_ready_cannot_be_paused_and_is_named_with_the_reason(child: FlaskClient, town: Town, wanted: Hold):
    town.systems.lending(LIBRARY).return_item(barcode=BARCODE, staff="desk-1")
    said = main_text(ask(child, wanted, "pause", paused_until=date.max.replace(year=2027).isoformat()))
    assert f"{TITLE}: It is ready to be collected" in said


def test_a_guardian_cancels_for_a_child_that_permits_it_and_for_no_other(
    child: FlaskClient, guardian: FlaskClient, town: Town, wanted: Hold
):
    assert ask(guardian, wanted, "cancel", permission="1").status_code == 409
    assert "It is not there any more." in main_text(ask(guardian, wanted, "cancel"))
    send_permission(child, GUARDIAN[0])
    assert ask(guardian, wanted, "cancel", permission="1").status_code == 409
    assert hold_of_child(town) == wanted
    press(guardian, "/my/settings", "/on")
    assert "is cancelled" in main_text(ask(guardian, wanted, "cancel", permission="1"))


def test_no_title_is_in_the_session(app: APIFlask, child: FlaskClient, wanted: Hold):
    ask(child, wanted, "cancel")
    for cookie in child._cookies.values():
        signer = app.session_interface.get_signing_serializer(app)
        kept = signer.loads_unsafe(cookie.value)[1] if "session" in cookie.key else cookie.value
        assert "sokkelost" not in repr(kept)


def test_an_act_that_is_not_known_is_refused(child: FlaskClient, wanted: Hold):
    assert ask(child, wanted, "steal").status_code == 400


def test_a_system_without_branches_moves_nothing(child: FlaskClient, town: Town, wanted: Hold):
    assert f"{TITLE} cannot be collected anywhere else." in main_text(ask(child, wanted, "places"))
    assert f"{TITLE}: This library cannot change that from here." in main_text(ask(child, wanted, "move"))
    with pytest.raises(Refused):
        town.systems.get(LIBRARY).move_hold(card_number=CHILD[0], hold_id=wanted.hold_id, place_id="x")


def test_at_a_koha_the_place_of_collection_is_chosen_among_those_it_names(app: APIFlask, child: FlaskClient):
    with koha(oauth=False) as world:
        world.want(world.lend(GUARDIAN[0], TITLE), CHILD[0])
        app.extensions["ils"] = Systems({LIBRARY: world.system})
        page = read_page(child.get("/my/loans"))
        assert not page.find_all("input", {"name": "paused_from"})
        (hold,) = world.system.accounts(card_numbers=[CHILD[0]])[0].holds
        choice = read_page(ask(child, hold, "places"))
        assert [label.get_text(strip=True) for label in choice.select("main form .ds-field label")] == [
            "Mullsjö",
            "Habo",
        ]
        fields = {str(field["name"]): str(field["value"]) for field in choice.select("main form input[type=hidden]")}
        moved = child.post("/my/loans", data={**fields, "place_id": "HAB"})
        assert f"The place of collection of {TITLE} is changed." in main_text(moved)
        assert world.shelves.reserves[0].place == "HAB"


def test_where_koha_has_found_a_copy_the_page_says_whom_to_ask(app: APIFlask, child: FlaskClient):
    with koha(oauth=False) as world:
        lent = world.lend(GUARDIAN[0], TITLE)
        world.want(lent, CHILD[0])
        world.take_back(lent)
        app.extensions["ils"] = Systems({LIBRARY: world.system})
        assert "Contact the library if you want to cancel the reservation." in read_loans(child)
