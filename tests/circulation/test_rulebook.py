"""Rules that a library writes itself: a draft, published for a day, by people who never overwrite each other unseen."""

import tomllib
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circulation.cli import JOBS
from circulation.lending.claims import run_claims
from circulation.lending.reminders import run_reminders
from circulation.policy.library import load_policy
from circulation.rulebook.writing import write_toml
from circulation.settings import POLICIES
from tests.circulation.conftest import ANNA, BERIT, PASSWORD, STAFF, USER, Building
from tests.circulation.writing_rules import FILE, FRIDAY, change, document, publish, revision, show

OTHER = {"role": "staff", "staff": "desk-2"}


def view(mull: Building, on: str | None = None) -> dict[str, Any]:
    query = f"?on={on}" if on else ""
    answer = mull.client.get(f"/circulation/v1/Mull/rules{query}", auth=(USER, PASSWORD))
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def film(rules: dict[str, Any]) -> dict[str, Any]:
    return next(category for category in rules["categories"] if category["id"] == "dvd")


def listed(mull: Building) -> list[tuple[int, str, str | None]]:
    """Number, state and day of what was published."""
    return [
        (each["number"], each["state"], each["valid_from"]) for each in mull.act("rules/state", **STAFF)["versions"]
    ]


def test_the_file_holds_until_rules_are_published_and_is_the_first_of_them(mull: Building) -> None:
    assert listed(mull) == [(1, "in_force", None)]
    assert show(mull)["toml"] == FILE
    assert publish(mull, change(mull, overdue_per_day_ore=1500), FRIDAY, note="Vedtatt av rådet") == 2
    assert listed(mull) == [(2, "coming", FRIDAY), (1, "in_force", None)]
    assert mull.act("rules/show", number=1, **STAFF)["toml"] == FILE
    (newest, _) = mull.act("rules/state", **STAFF)["versions"]
    assert (newest["published_by"], newest["note"]) == ("desk-1", "Vedtatt av rådet")
    assert newest["published_at"].startswith("2026-03-02T11:00")
    mull.clock.turn(days=4)
    assert listed(mull) == [(2, "in_force", FRIDAY), (1, "past", None)]


def test_the_rules_page_and_the_charge_change_on_the_day(mull: Building) -> None:
    mull.stock("1001", "1002", category="dvd", title="Vargarna vid Nässjön")
    mull.lend("1001")
    mull.clock.turn(days=9)  # two days late: 20 kronor
    publish(mull, change(mull, overdue_per_day_ore=1500, loan_days=14), "2026-03-13")
    assert film(view(mull))["overdue_per_day"] == 1000
    assert film(view(mull, "2026-03-13"))["overdue_per_day"] == 1500
    cost = mull.act("loans/cost", card_number=ANNA, on="2026-03-14")
    assert cost["total"] == 3 * 1000 + 2 * 1500
    (loan,) = mull.patron()["loans"]
    assert (loan["running_fee"], loan["due_on"]) == (2000, "2026-03-09")
    mull.clock.turn(days=1)
    assert film(view(mull))["overdue_per_day"] == 1000
    mull.clock.turn(days=1)
    assert film(view(mull))["overdue_per_day"] == 1500
    (loan,) = mull.patron()["loans"]
    assert (loan["running_fee"], loan["due_on"]) == (3000 + 1500, "2026-03-09")
    mull.lend("1002", to=BERIT)
    (lent,) = mull.patron(BERIT)["loans"]
    assert lent["due_on"] == "2026-03-27"
    assert mull.act("loans/return", barcode="1001")["overdue_fee"] == 4500


def test_daily_commands_go_by_the_rules_of_the_day(mull: Building) -> None:
    mull.stock("1001", category="dvd")
    mull.lend("1001")
    rules = document(mull)
    rules["reminders"]["days_before_due"] = [5]
    rules["claims"] = [{"after_days": 3, "fee_ore": 1500, "invoice": False}]
    publish(mull, rules, "2026-03-04")
    library = mull.app.extensions["circulation"]["Mull"]
    mull.clock.turn(days=1)
    policy = library.policy_at(mull.clock())
    assert run_reminders(database=mull.database, policy=policy, now=mull.clock()) == 0
    mull.clock.turn(days=1)
    policy = library.policy_at(mull.clock())
    assert run_reminders(database=mull.database, policy=policy, now=mull.clock()) == 1
    mull.clock.turn(days=9)
    policy = library.policy_at(mull.clock())
    assert run_claims(database=mull.database, policy=policy, now=mull.clock()) == 1
    assert mull.column("SELECT amount FROM debts") == [1500]
    job, _ = JOBS[("daily",)]
    assert "1 claims made" not in job(library, mull.clock())


def test_new_rules_reach_every_place_that_asks_for_them(mull: Building) -> None:
    mull.stock("1001", "1002")
    mull.stock("2001", category="magazine")
    rules = document(mull)
    rules["cards"]["replacement_ore"] = 4000
    rules["holds"]["max_open"] = 0
    rules["interlibrary"]["fee_ore"] = 1000
    rules["self_service"]["kinds"] = ["tablet"]
    del rules["categories"]["magazine"]
    publish(mull, rules, "2026-03-02")
    charged = mull.act("cards/replacement", card_number=ANNA, idempotency_key="card-0001", **STAFF)
    assert charged["debt"]["amount"] == 4000
    assert mull.refuse("holds/reserve", card_number=ANNA, barcode="1001") == "too_many_holds"
    assert mull.refuse("loans/checkout", card_number=ANNA, barcode="2001") == "not_for_loan"
    assert mull.act("agreements/list", card_number=ANNA, **STAFF)["offered"] == ["tablet"]


def test_who_has_not_seen_the_last_change_changes_nothing(mull: Building) -> None:
    first, second = change(mull, overdue_per_day_ore=1500), change(mull, overdue_per_day_ore=2000)
    mull.act("rules/draft", revision=0, document=first, **STAFF)
    answer = mull.post("rules/draft", revision=0, document=second, **OTHER)
    assert (answer.status_code, answer.get_json()["code"]) == (412, "changed_meanwhile")
    assert answer.get_json()["revision"] == 1
    assert mull.refuse("rules/discard", revision=0, **OTHER) == "changed_meanwhile"
    assert mull.refuse("rules/publish", revision=0, valid_from=FRIDAY, **OTHER) == "changed_meanwhile"
    assert document(mull, draft=True) == first
    # A draft that was published is another one, though there is none again.
    mull.act("rules/publish", revision=1, valid_from=FRIDAY, **STAFF)
    assert mull.refuse("rules/draft", revision=0, document=second, **OTHER) == "changed_meanwhile"
    assert mull.refuse("rules/draft", revision=1, document=second, **OTHER) == "changed_meanwhile"
    assert mull.refuse("rules/withdraw", revision=1, number=2, **OTHER) == "changed_meanwhile"
    state = mull.act("rules/draft", revision=2, document=second, **OTHER)
    assert (state["revision"], state["draft"]["saved_by"]) == (3, "desk-2")


def test_a_version_that_does_not_hold_yet_is_withdrawn(mull: Building) -> None:
    publish(mull, change(mull, overdue_per_day_ore=1500), FRIDAY)
    publish(mull, change(mull, overdue_per_day_ore=1600), "2026-03-09")
    assert mull.refuse("rules/withdraw", revision=revision(mull), number=2, **STAFF) == "later_rules"
    mull.act("rules/withdraw", revision=revision(mull), number=3, **OTHER)
    assert listed(mull)[0] == (3, "withdrawn", "2026-03-09")
    assert mull.act("rules/state", **STAFF)["versions"][0]["withdrawn_by"] == "desk-2"
    assert mull.refuse("rules/withdraw", revision=revision(mull), number=3, **STAFF) == "unknown_version"
    mull.act("rules/withdraw", revision=revision(mull), number=2, **STAFF)
    assert film(view(mull, "2026-12-24"))["overdue_per_day"] == 1000
    assert publish(mull, change(mull, overdue_per_day_ore=1700), FRIDAY) == 4


def test_a_version_that_holds_is_reverted_from_a_day(mull: Building) -> None:
    publish(mull, change(mull, overdue_per_day_ore=1500), "2026-03-02")
    assert mull.refuse("rules/withdraw", revision=revision(mull), number=2, **STAFF) == "in_force"
    mull.act("rules/draft", revision=revision(mull), number=1, **STAFF)
    assert document(mull, draft=True) == tomllib.loads(FILE)
    mull.act("rules/publish", revision=revision(mull), valid_from=FRIDAY, **STAFF)
    assert film(view(mull))["overdue_per_day"] == 1500
    assert film(view(mull, FRIDAY))["overdue_per_day"] == 1000
    assert show(mull)["toml"] == FILE


def test_what_is_published_again_for_the_same_day_takes_its_place(mull: Building) -> None:
    publish(mull, change(mull, overdue_per_day_ore=1500), FRIDAY)
    publish(mull, change(mull, overdue_per_day_ore=1600), FRIDAY)
    assert listed(mull) == [(3, "coming", FRIDAY), (2, "replaced", FRIDAY), (1, "in_force", None)]
    assert film(view(mull, FRIDAY))["overdue_per_day"] == 1600


def test_no_rules_are_published_for_a_day_that_is_past_or_before_others(mull: Building) -> None:
    assert mull.refuse("rules/publish", revision=0, valid_from=FRIDAY, **STAFF) == "no_draft"
    mull.act("rules/draft", revision=0, number=1, **STAFF)
    assert mull.refuse("rules/publish", revision=1, valid_from=FRIDAY, **STAFF) == "nothing_changed"
    assert mull.refuse("rules/publish", revision=1, valid_from="2026-03-01", **STAFF) == "date_in_past"
    publish(mull, change(mull, overdue_per_day_ore=1500), FRIDAY)
    mull.act("rules/draft", revision=revision(mull), document=change(mull, overdue_per_day_ore=1), **STAFF)
    assert mull.refuse("rules/publish", revision=revision(mull), valid_from="2026-03-05", **STAFF) == "later_rules"


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_form_and_a_file_are_refused_in_the_same_words(mull: Building) -> None:
    wrong = change(mull, loan_days=0)
    as_file = FILE.replace("loan_days = 7", "loan_days = 0")
    problems = [
        mull.post("rules/draft", revision=0, **rules, **STAFF).get_json()
        for rules in ({"document": wrong}, {"toml": as_file})
    ]
    for problem in problems:
        assert (problem["status"], problem["code"]) == (422, "bad_rules")
        assert (problem["key"], problem["fault"]) == ("categories.dvd.loan_days", "must be from 1 to 366")
    assert problems[1]["line"] == FILE[: FILE.index("loan_days = 7")].count("\n") + 1
    for name, value in (("currency", "NOK"), ("time_zone", "Europe/Oslo"), ("library", "2023500")):
        problem = mull.post("rules/draft", revision=0, document={**document(mull), name: value}, **STAFF).get_json()
        assert (problem["code"], problem["key"]) == ("bad_rules", name)
    assert mull.refuse("rules/draft", revision=0, toml="", **STAFF) == "bad_rules"
    assert mull.refuse("rules/draft", revision=0, **STAFF) == "invalid_field"
    assert mull.refuse("rules/draft", revision=0, toml=FILE, number=1, **STAFF) == "invalid_field"
    assert mull.refuse("rules/draft", revision=0, number=7, **STAFF) == "unknown_version"


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_file_comes_in_and_goes_out_as_it_is(mull: Building) -> None:
    text = FILE.replace("overdue_per_day_ore = 1000", "overdue_per_day_ore = 1500 # vedtatt i mars")
    mull.act("rules/draft", revision=0, toml=text, **STAFF)
    assert show(mull, draft=True)["toml"] == text
    written = mull.act("rules/draft", revision=1, document=document(mull, draft=True), **STAFF)
    assert written["revision"] == 2
    shown = show(mull, draft=True)
    assert shown["document"] == tomllib.loads(text)
    assert film(shown["rules"])["overdue_per_day"] == 1500


def test_coming_rules_are_told_with_their_days(mull: Building) -> None:
    def coming() -> list[tuple[str, int]]:
        answer = mull.client.get("/circulation/v1/Mull/rules/coming", auth=(USER, PASSWORD)).get_json()
        return [(each["valid_from"], film(each["rules"])["overdue_per_day"]) for each in answer["coming"]]

    assert coming() == []
    publish(mull, change(mull, overdue_per_day_ore=1500), FRIDAY)
    publish(mull, change(mull, overdue_per_day_ore=1600), FRIDAY)
    publish(mull, change(mull, overdue_per_day_ore=1700), "2026-03-09")
    assert coming() == [(FRIDAY, 1600), ("2026-03-09", 1700)]
    mull.act("rules/withdraw", revision=revision(mull), number=4, **STAFF)
    assert coming() == [(FRIDAY, 1600)]
    mull.clock.turn(days=4)
    assert coming() == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_file_of_other_letters_is_refused_and_one_from_windows_is_taken(mull: Building) -> None:
    broken = FILE.encode("latin-1", "replace").decode("utf-8", "replace")
    problem = mull.post("rules/draft", revision=0, toml=broken, **STAFF).get_json()
    assert (problem["line"], problem["key"], problem["fault"]) == (1, "", "the file is not UTF-8")
    windows = FILE.replace("\n", "\r\n")
    mull.act("rules/draft", revision=0, toml="\N{ZERO WIDTH NO-BREAK SPACE}" + windows, **STAFF)
    assert show(mull, draft=True)["toml"] == windows


documents = st.recursive(
    st.booleans() | st.integers(-(10**18), 10**18) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), documents, max_size=4))
def test_what_is_written_reads_as_the_same_document(rules: dict[str, Any]) -> None:
    try:
        text = write_toml(rules)
    except UnicodeEncodeError:
        return  # half a character is no text
    assert tomllib.loads(text) == rules


@pytest.mark.parametrize("library", ["Mull", "2023500"])
def test_the_libraries_files_are_written_as_they_are_read(library: str) -> None:
    rules = tomllib.loads((POLICIES / f"{library}.toml").read_text("utf-8"))
    assert tomllib.loads(write_toml(rules)) == rules


def test_the_first_rules_hold_for_every_day_before_the_next(mull: Building) -> None:
    publish(mull, change(mull, overdue_per_day_ore=1500), FRIDAY)
    with mull.database.reading() as session:
        newest = mull.app.extensions["circulation"]["Mull"].rules(session)
    assert newest.on(date.min).toml == FILE
    assert newest.before is not None
    assert newest.before.valid_from == load_policy("Mull").valid_from == date.min


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_file_that_was_changed_after_rules_were_published_has_no_effect_and_is_told(mull: Building) -> None:
    library = mull.app.extensions["circulation"]["Mull"]
    assert not library.ignores_its_file()
    publish(mull, change(mull, overdue_per_day_ore=1500), FRIDAY)
    assert not library.ignores_its_file()
    edited = replace(library, policy=replace(library.policy, toml=f"# changed\n{FILE}"))
    assert edited.ignores_its_file()
    assert edited.policy_at(mull.clock()).toml == FILE
