"""The form of a library's rules, over the library that charges by them: what is published, is read and charged."""

import re
from collections.abc import Callable
from io import BytesIO

import pytest
from flask.testing import FlaskClient

from tests.conftest import Clock
from tests.doors.visits import ADMINISTRATOR, csrf_token, desk_log_in, main_text, read_page
from tests.together.rules_pages import CHECK, DAY, PAGE, fields_of, publish, read_rules, save, sent_along
from tests.town import Town


@pytest.fixture
def administrator(new_browser: Callable[..., FlaskClient]) -> FlaskClient:
    browser = new_browser()
    desk_log_in(browser, ADMINISTRATOR)
    return browser


def test_a_fee_that_is_changed_is_read_and_charged_from_its_day(
    administrator: FlaskClient, town: Town, clock: Clock
) -> None:
    assert "Patrons read" in main_text(administrator.get(PAGE))
    assert save(administrator, categories__dvd__overdue_per_day_ore="12,50").location == PAGE
    page = main_text(administrator.get(PAGE))
    assert "This is a draft, saved by admin-2023500" in page
    assert "12.50" in page
    assert "12.50" not in read_rules(administrator)
    check = main_text(administrator.get(f"{CHECK}?from={DAY}"))
    assert "12.50" in check
    assert re.search(r"Would cost more, if they came back 30 days late: [1-9]", check)
    assert publish(administrator, note="Council, 24 November").location == PAGE
    page = main_text(administrator.get(PAGE))
    assert "New rules hold from 1 December 2026." in page
    assert "Council, 24 November" in page
    acts = main_text(administrator.get("/desk/library/acts"))
    assert "Published loan rules that hold from 2026-12-01" in acts
    assert "12.50" not in read_rules(administrator)
    lending = town.systems.lending("2023500")
    assert lending is not None
    cards = ["N000100001", "N000100003"]
    before = {loan.loan_id: loan.due_on for account in lending.accounts(card_numbers=cards) for loan in account.loans}
    while clock().date().isoformat() < DAY:
        clock.turn(days=1)
    assert "12.50" in read_rules(administrator)
    after = {loan.loan_id: loan.due_on for account in lending.accounts(card_numbers=cards) for loan in account.loans}
    assert after == before


def test_what_cannot_be_read_is_told_beside_its_field_and_nothing_is_lost(administrator: FlaskClient) -> None:
    answer = save(administrator, categories__book__loan_days="four weeks", blocks__debt_above_ore="200")
    assert answer.status_code == 422
    page = read_page(answer)
    wrong = page.select_one("[name='categories.book.loan_days']")
    assert wrong is not None
    assert (wrong["value"], wrong["aria-invalid"]) == ("four weeks", "true")
    kept = page.select_one("[name='blocks.debt_above_ore']")
    assert kept is not None
    assert kept["value"] == "200"
    assert page.title is not None
    assert page.title.get_text().startswith("Error: ")
    refused = save(administrator, categories__book__loan_days="0")
    assert refused.status_code == 422
    assert "It must be from 1 to 366." in main_text(refused)
    assert "This is a draft" not in main_text(administrator.get(PAGE))


def test_of_two_administrators_the_second_sees_both_and_decides(administrator: FlaskClient) -> None:
    seen = fields_of(administrator.get(PAGE))
    save(administrator, seen, renewals__max="5")
    late = save(administrator, seen, renewals__max="7")
    assert late.status_code == 412
    page = main_text(late)
    assert "saved a draft meanwhile" in page
    assert "In the other draft: 5" in page
    assert "5 times" in main_text(administrator.get(PAGE))
    again = fields_of(late)
    assert again["renewals.max"] == ["7"]
    assert save(administrator, again).status_code == 302
    assert "7 times" in main_text(administrator.get(PAGE))


def test_kinds_of_media_and_claims_come_and_go(administrator: FlaskClient) -> None:
    new = {
        "id": "game", "loan_days": "14", "overdue_per_day_ore": "5", "replacement_charge_ore": "400",
        "names.nb": "Spill", "names.nn": "Spel", "names.sv": "Spel", "names.en": "Games",
    }  # fmt: skip
    typed = {f"categories.new.{name}": value for name, value in new.items()}
    assert save(administrator, remove="magazine", **typed, **{"claims.1.after_days": ""}).status_code == 302
    page = read_page(administrator.get(PAGE))
    kinds = [str(field["value"]) for field in page.select("input[name=kind]")]
    assert kinds == ["book", "dvd", "cd_book", "game"]
    days = [str(page.select_one(f"[name='claims.{level}.after_days']")["value"]) for level in (1, 2, 3)]  # type: ignore[index]
    assert days == ["21", "42", ""]


def test_interlibrary_loans_have_a_summer_or_none_and_a_removed_kind_is_fetched_no_more(
    administrator: FlaskClient,
) -> None:
    half = save(administrator, interlibrary__summer__first="1.6.")
    assert half.status_code == 422
    assert "Write a day and a month, such as 1.6." in main_text(half)
    summer = {"first": "1.6.", "last": "31.8.", "max_open_requests": "1"}
    typed = {f"interlibrary.summer.{name}": value for name, value in summer.items()}
    assert save(administrator, remove="magazine", **typed).status_code == 302
    page = main_text(administrator.get(PAGE))
    assert "In summer, from 1 June to 31 August" in page
    assert "Fetched from other libraries: books and audiobooks on CD." in page
    assert save(administrator, interlibrary=None).status_code == 302
    assert "The library does not fetch from other libraries." in main_text(administrator.get(PAGE))


def test_rules_are_taken_back_and_used_again(administrator: FlaskClient, clock: Clock) -> None:
    save(administrator, renewals__max="9")
    publish(administrator)
    undo = {**sent_along(administrator, PAGE), "number": "2"}
    assert administrator.post(f"{PAGE}/withdraw", data=undo).location == PAGE
    assert "taken back by admin-2023500" in main_text(administrator.get(PAGE))
    save(administrator, renewals__max="8")
    publish(administrator, clock().date().isoformat())
    assert "8 times" in read_rules(administrator)
    again = {**sent_along(administrator, PAGE), "number": "1"}
    assert administrator.post(f"{PAGE}/again", data=again).location == PAGE
    publish(administrator)
    assert "8 times" in read_rules(administrator)
    while clock().date().isoformat() < DAY:
        clock.turn(days=1)
    assert "3 times" in read_rules(administrator)


def test_a_file_goes_out_and_comes_in_and_a_wrong_one_is_told_by_line(administrator: FlaskClient) -> None:
    file = administrator.get(f"{PAGE}/file")
    assert file.headers["Content-Disposition"] == 'attachment; filename="2023500-1.toml"'
    assert file.text.startswith("# Ullensaker bibliotek")

    def send(text: str) -> str:
        form = {**sent_along(administrator, PAGE), "file": (BytesIO(text.encode()), "rules.toml")}
        assert administrator.post(f"{PAGE}/import", data=form).location == PAGE
        return main_text(administrator.get(PAGE))

    line = file.text[: file.text.index("loan_days = 28")].count("\n") + 1
    wrong = send(file.text.replace("loan_days = 28", "loan_days = 0", 1))
    assert f"Line {line} of the file: categories.book.loan_days: It must be from 1 to 366." in wrong
    assert "The file is the draft now." in send(file.text.replace("max = 3", "max = 4"))
    assert "4 times" in main_text(administrator.get(PAGE))
    assert administrator.get(f"{PAGE}/file?number=0").text == file.text.replace("max = 3", "max = 4")


def test_publishing_asks_again_who_it_is_after_ten_minutes(administrator: FlaskClient, clock: Clock) -> None:
    save(administrator, renewals__max="9")
    clock.turn(seconds=660)
    asked = publish(administrator)
    assert asked.status_code == 200
    assert "Confirm that it is you" in main_text(asked)
    assert "New rules hold from" not in main_text(administrator.get(PAGE))


def test_other_staff_do_not_come_in(desk: FlaskClient) -> None:
    for path in (PAGE, CHECK, f"{PAGE}/file"):
        assert desk.get(path).status_code == 404
    token = {"csrf_token": csrf_token(desk, "/desk")}
    for act in ("", "/publish", "/withdraw", "/again", "/discard", "/import"):
        assert desk.post(f"{PAGE}{act}", data=token).status_code == 404


def test_a_form_without_changes_says_what_the_file_says(administrator: FlaskClient, town: Town) -> None:
    before = administrator.get(f"{PAGE}/file").text
    assert save(administrator).status_code == 302
    lending = town.systems.lending("2023500")
    assert lending is not None
    written = lending.rulebook.show(number=0, staff="admin-2023500")
    assert written.rules == lending.rules()
    assert re.sub(r"#.*", "", before).split() != []
