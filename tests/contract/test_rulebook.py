"""The rules of a library over time, through the gate, in this process and over HTTP."""

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from app.ils.circulation.problems import BadRules
from app.ils.circulation.rulebook import DRAFT, Rulebook
from app.ils.port import Refused
from tests.contract.world import ANNA, NOW

if TYPE_CHECKING:
    from tests.contract.circulation_world import CirculationWorld

STAFF = {"staff": "admin-mull"}
DAY = date(2026, 12, 24)


@pytest.fixture
def book(circulation: "CirculationWorld") -> Rulebook:
    return circulation.lending.rulebook


def changed(book: Rulebook, **dvd: int) -> dict[str, Any]:
    document = book.show(number=book.state(**STAFF).newest.number, **STAFF).document
    document["categories"]["dvd"] |= dvd
    return document


def refused(act: Any, **given: object) -> str:
    with pytest.raises(Refused) as error:
        act(**given, **STAFF)
    return error.value.code


def test_the_file_is_the_first_version(circulation: "CirculationWorld", book: Rulebook) -> None:
    state = book.state(**STAFF)
    assert (state.today, state.revision, state.draft) == (NOW.date(), 0, None)
    (version,) = state.versions
    assert (version.number, version.state, version.valid_from, version.published_by) == (1, "in_force", None, "")
    written = book.show(number=1, **STAFF)
    assert written.rules == circulation.lending.rules()
    assert written.document["categories"]["dvd"]["overdue_per_day_ore"] == 1000
    assert written.toml.startswith("# Mullsjö kommunbibliotek")


def test_a_draft_is_compared_and_published_for_a_day(circulation: "CirculationWorld", book: Rulebook) -> None:
    circulation.lend(ANNA)
    document = changed(book, overdue_per_day_ore=1500)
    document["categories"]["book"] |= {"loan_days": 21, "overdue_per_day_ore": 300}
    state = book.save_draft(revision=0, document=document, **STAFF)
    assert state.draft is not None
    assert (state.revision, state.draft.saved_by) == (1, "admin-mull")
    assert book.show(number=DRAFT, **STAFF).document == document
    found = book.compare(valid_from=DAY, **STAFF)
    assert (found.loans, found.due_otherwise, found.dearer, found.cheaper, found.days_late) == (1, 1, 1, 0, 30)
    done = book.publish(revision=1, valid_from=DAY, note="Vedtatt", **STAFF)
    assert (done.number, done.valid_from) == (2, DAY)
    state = book.state(**STAFF)
    assert (state.newest.state, state.newest.note, state.in_force.number) == ("coming", "Vedtatt", 1)
    fees = [
        next(kind.overdue_per_day for kind in rules.categories if kind.id == "dvd")
        for rules in (circulation.lending.rules(), circulation.lending.rules(on=DAY))
    ]
    assert fees == [1000, 1500]


def test_who_has_not_seen_the_last_change_is_refused(book: Rulebook) -> None:
    document = changed(book, loan_days=9)
    book.save_draft(revision=0, document=document, **STAFF)
    assert refused(book.save_draft, revision=0, document=document) == "changed_meanwhile"
    assert refused(book.discard_draft, revision=0) == "changed_meanwhile"
    assert refused(book.publish, revision=0, valid_from=DAY, note="") == "changed_meanwhile"
    assert book.discard_draft(revision=1, **STAFF).draft is None
    assert refused(book.publish, revision=2, valid_from=DAY, note="") == "no_draft"


def test_a_file_comes_in_and_a_version_is_taken_back_and_used_again(book: Rulebook) -> None:
    text = book.show(number=1, **STAFF).toml.replace("max_open = 10", "max_open = 11")
    book.save_draft(revision=0, toml=text, **STAFF)
    book.publish(revision=1, valid_from=DAY, note="", **STAFF)
    assert book.show(number=2, **STAFF).toml == text
    state = book.withdraw(revision=2, number=2, **STAFF)
    assert (state.versions[0].state, state.versions[0].withdrawn_by, state.newest.number) == (
        "withdrawn",
        "admin-mull",
        1,
    )
    book.save_draft(revision=3, number=2, **STAFF)
    assert book.show(number=DRAFT, **STAFF).toml == text
    assert refused(book.withdraw, revision=4, number=1) == "in_force"
    assert refused(book.withdraw, revision=4, number=7) == "unknown_version"


def test_a_fault_is_told_by_its_key_and_line(book: Rulebook) -> None:
    text = book.show(number=1, **STAFF).toml
    with pytest.raises(BadRules) as error:
        book.save_draft(revision=0, toml=text.replace("loan_days = 7", "loan_days = 0"), **STAFF)
    wrong = error.value
    assert (wrong.code, wrong.key, wrong.fault) == ("bad_rules", "categories.dvd.loan_days", "must be from 1 to 366")
    assert wrong.line == text[: text.index("loan_days = 7")].count("\n") + 1
