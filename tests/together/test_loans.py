"""Lån: renewing, what is refused, and a library that is silent."""

import socket
from collections.abc import Callable

import httpx
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.ils.circulation import system as circulation_system
from app.ils.circulation.system import CirculationSystem
from app.ils.port import Renewal, Unavailable
from app.ils.systems import Systems
from app.register.store.transaction import db
from tests.doors.visits import GUARDIAN, log_in, main_text, read_page, submit
from tests.together.acts import has_button, press, read_loans, send_permission
from tests.town import Town


def loan_ids(client: FlaskClient) -> list[str]:
    return [str(field["value"]) for field in read_page(client.get("/my/loans")).find_all("input", {"name": "loan_id"})]


def test_a_loan_is_renewed_and_the_page_says_until_when(guardian: FlaskClient):
    answer = press(guardian, "/my/loans", "/my/loans/renew")
    page = read_page(guardian.get(answer.location))
    loan = page.find(id=answer.location.partition("#")[2])
    said = page.select_one(".said cite")
    assert loan is not None
    assert said is not None
    assert said.get_text() in loan.get_text()
    assert "is renewed until" in page.select_one(".said").get_text()  # type: ignore[union-attr]


def test_a_guardian_renews_for_a_child_that_permits_it(child: FlaskClient, guardian: FlaskClient):
    send_permission(child, GUARDIAN[0])
    press(guardian, "/my/settings", "/on")
    mine, others = set(loan_ids(child)), loan_ids(guardian)
    loan = next(loan for loan in others if loan in mine)
    answer = submit(
        guardian, "/my/loans/renew", page="/my/loans", library_id="2023500", permission_id="1", loan_id=loan
    )
    assert "is renewed until" in main_text(guardian.get(answer.location))


def test_a_loan_of_somebody_who_does_not_permit_it_cannot_be_renewed(
    child: FlaskClient, guardian: FlaskClient, town: Town
):
    loan = loan_ids(child)[0]
    town.calls.clear()
    for permission, expected in (("1", 409), ("99", 409), ("x", 400), ("-1", 400), ("9" * 20, 400)):
        answer = submit(
            guardian,
            "/my/loans/renew",
            page="/my/settings",
            library_id="2023500",
            permission_id=permission,
            loan_id=loan,
        )
        assert answer.status_code == expected
    assert town.calls == []
    answer = submit(
        guardian, "/my/loans/renew", page="/my/settings", library_id="2023500", permission_id="", loan_id=loan
    )
    assert "It is not there any more" in main_text(guardian.get(answer.location))


def test_a_loan_cannot_be_renewed_at_a_library_one_has_not_joined(child: FlaskClient):
    answer = submit(
        child, "/my/loans/renew", page="/my/settings", library_id="Mull", permission_id="", loan_id="0" * 32
    )
    assert answer.status_code == 404


def test_all_loans_are_renewed_at_once(guardian: FlaskClient):
    answer = press(guardian, "/my/loans", "/my/loans/renew-all")
    assert "renewed" in main_text(guardian.get(answer.location))


def test_where_none_can_be_renewed_that_is_said_and_nothing_of_others(
    guardian: FlaskClient, town: Town, monkeypatch: pytest.MonkeyPatch
):
    library = town.systems.get("2023500")
    loans = library.accounts(card_numbers=[GUARDIAN[0]])[0].loans
    refused = [Renewal(loan, renewed=False, not_renewable_because="too-early") for loan in loans]
    monkeypatch.setattr(type(library), "renew_all", lambda _library, **_card: refused)
    answer = press(guardian, "/my/loans", "/my/loans/renew-all")
    said = main_text(guardian.get(answer.location))
    assert "No loan could be renewed." in said
    assert "The others" not in said


@pytest.fixture
def dead_library() -> str:
    """A server that takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_library_that_does_not_answer_is_named_and_the_rest_is_shown(
    app: APIFlask, town: Town, dead_library: str, new_browser: Callable[..., FlaskClient]
):
    with httpx.Client() as client:
        silent = CirculationSystem(
            client=client, url=dead_library, library_id="Mull", user="portal", password="x", seconds=0.5
        )
        app.extensions["ils"] = Systems({"Mull": silent, "2023500": town.systems.get("2023500")})
        guardian = new_browser()
        log_in(guardian, *GUARDIAN)
        loans = read_loans(guardian)
    assert "Mullsjö bibliotek does not answer now." in loans
    assert "Et dukkehjem" in loans


def test_a_library_without_a_connected_system_is_named_too(
    app: APIFlask, town: Town, new_browser: Callable[..., FlaskClient]
):
    app.extensions["ils"] = Systems({"2023500": town.systems.get("2023500")})
    guardian = new_browser()
    log_in(guardian, *GUARDIAN)
    assert "Mullsjö bibliotek does not show its loans here yet" in read_loans(guardian)


def test_what_it_costs_to_return_on_a_day_is_told(guardian: FlaskClient):
    page = main_text(guardian.get("/my/loans/cost?on=2026-12-24"))
    assert "Ljuset över Vättern" in page
    assert "SEK" in page or "kr" in page


@pytest.mark.parametrize("day", ["2020-01-01", "tomorrow", "2026-02-30", "9999-12-31", ""])
def test_a_day_that_cannot_be_is_answered_kindly(guardian: FlaskClient, day: str):
    assert guardian.get("/my/loans/cost", query_string={"on": day}).status_code == 200


def test_a_librarys_rules_are_written_from_its_policy(guardian: FlaskClient):
    page = main_text(guardian.get("/libraries/Mull/rules"))
    for told in ("4 weeks", "2 weeks", "SEK 2 ", "SEK 10", "Hcf", "SEK 200", "SEK 50", "SEK 25"):
        assert told in page, told


def test_an_unknown_library_has_no_rules_page(guardian: FlaskClient):
    assert guardian.get("/libraries/Nowhere/rules").status_code == 404


ASKED = {"library_id": "Mull", "author": "A", "category": "book", "key": "a" * 32}


def test_an_interlibrary_loan_is_asked_for_and_taken_back(guardian: FlaskClient):
    answer = submit(guardian, "/my/interlibrary", title="Atlas over Innlandet", publication_year="1998", **ASKED)
    assert answer.status_code == 302
    assert "Atlas over Innlandet" in read_loans(guardian)
    while has_button(guardian, "/my/loans", "/my/interlibrary/cancel"):
        press(guardian, "/my/loans", "/my/interlibrary/cancel")
    assert "Atlas over Innlandet" not in read_loans(guardian)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"title": "Doktor Glas", "author": "Hjalmar Söderberg", "publication_year": "1905"}, "The library has it"),
        ({"title": "Brand new", "publication_year": "2026"}, "too new"),
        ({"title": "A film", "publication_year": "1999", "category": "dvd"}, "not fetched from other libraries"),
    ],
)
def test_the_rules_refuse_an_interlibrary_loan_at_once_with_the_reason(
    guardian: FlaskClient, fields: dict[str, str], reason: str
):
    answer = submit(guardian, "/my/interlibrary", **(ASKED | fields))
    assert answer.status_code == 422
    assert reason in main_text(answer)


def test_nothing_is_held_in_the_register_while_a_library_is_asked(
    guardian: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    ask, held = circulation_system.call_within, []

    def watch(*call: object, **how: object) -> object:
        held.append(db.session().in_transaction())
        return ask(*call, **how)

    loan = loan_ids(guardian)[0]
    whose = {"library_id": "2023500", "permission_id": "", "loan_id": loan}
    token = {"csrf_token": str(read_page(guardian.get("/my/loans")).find("input", {"name": "csrf_token"})["value"])}
    wanted = ASKED | {"title": "Atlas over Innlandet", "publication_year": "1998"}
    monkeypatch.setattr(circulation_system, "call_within", watch)
    for path, fields in (
        ("/my/loans/renew", whose),
        ("/my/loans/renew-all", whose),
        ("/my/interlibrary", wanted),
        ("/my/interlibrary/cancel", {"library_id": wanted["library_id"], "request_id": "0" * 32}),
    ):
        held.clear()
        assert guardian.post(path, data=token | fields).status_code == 302
        assert held, path
        assert not any(held), path


def test_a_silent_library_is_asked_what_a_return_costs_once_for_the_whole_family(
    child: FlaskClient, guardian: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    send_permission(child, GUARDIAN[0])
    press(guardian, "/my/settings", "/on")
    asked = []

    def say_nothing(system: CirculationSystem) -> None:
        asked.append(system)
        raise Unavailable("too_slow")

    monkeypatch.setattr(CirculationSystem, "rules", say_nothing)
    page = main_text(guardian.get("/my/loans/cost"))
    assert page.count("Ullensaker bibliotek does not answer now.") == 2
    assert len(asked) == 2
