"""Every rule of a library is in its form, beside what patrons read, or is said where it is set."""

import tomllib
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from app.desk.library.rules.form import read_form, subjects_of, values_of
from circulation.settings import POLICIES
from tests.doors.visits import main_text, read_page
from tests.together.rules_pages import CHECK, DAY, NOW_DAY, PAGE, fields_of, publish, read_rules, save, sent_along


def test_every_rule_of_a_policy_is_a_field_or_is_said_where_it_is_set(administrator: FlaskClient) -> None:
    """What is in no field: what cannot be changed, and the hours, which are those of the library's page."""
    elsewhere = {"library", "time_zone", "currency"}
    by_hours = {"calendar.closed_weekdays", "calendar.staffed_hours", "self_service.door_hours"}
    for library in ("2023500", "Mull"):
        document = tomllib.loads((POLICIES / f"{library}.toml").read_text("utf-8"))
        with administrator.application.test_request_context():
            fields = {field.name for subject in subjects_of(document, lang="en") for field in subject.fields}
        assert set(paths_of(document)) - fields == elsewhere | (by_hours & set(paths_of(document)))


def paths_of(document: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """The name of each value of a document, as the form's fields have it."""
    for key, value in document.items():
        if isinstance(value, dict):
            yield from paths_of(value, f"{at}{key}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, one in enumerate(value, start=1):
                yield from paths_of(one, f"{at}{key}.{number}.")
        else:
            yield f"{at}{key}"


def test_a_form_that_is_sent_as_it_was_opened_changes_no_rule(administrator: FlaskClient) -> None:
    before = tomllib.loads(administrator.get(f"{PAGE}/file").text)
    assert save(administrator).status_code == 302
    assert tomllib.loads(administrator.get(f"{PAGE}/file?number=0").text) == before


def test_mullsjos_published_rules_stand_in_the_form_to_the_letter(administrator: FlaskClient) -> None:
    document = tomllib.loads((POLICIES / "Mull.toml").read_text("utf-8"))
    published = {
        "categories.book.loan_days": ["28"],
        "categories.magazine.loan_days": ["14"],
        "categories.new_popular.loan_days": ["14"],
        "categories.dvd.loan_days": ["7"],
        "categories.book.overdue_per_day_ore": ["2"],
        "categories.dvd.overdue_per_day_ore": ["10"],
        "categories.book.exempt_shelf_prefixes": ["Hcf, Hcg"],
        "blocks.debt_above_ore": ["200"],
        "claims.3.fee_ore": ["50"],
        "claims.3.invoice": ["yes"],
        "cards.replacement_ore": ["25"],
        "interlibrary.fee_ore": ["25"],
        "interlibrary.categories": ["book"],
        "interlibrary.refuse_newest_years": ["2"],
        "self_service.kinds": ["door", "tablet", "ebook"],
    }
    with administrator.application.test_request_context():
        form = subjects_of(document, lang="sv")
        values = values_of(document, form)
        assert {name: values[name] for name in published} == published
        read = read_form(MultiDict(values), base=document, form=form, currency="SEK")
    assert (read.document, read.faults) == (document, {})


def test_agreements_closed_days_and_letters_are_rules_of_the_form_too(administrator: FlaskClient) -> None:
    typed = {
        "self_service.kinds": ["door", "tablet"],
        "self_service.door_min_age": ["18"],
        "self_service.entries_days": ["7"],
        "calendar.closed_dates": ["17.5., 2.1.2027"],
        "language": ["nn"],
        "name": ["Ullensaker folkebibliotek"],
        "example": [],
    }
    assert save(administrator, {**fields_of(administrator.get(PAGE)), **typed}).status_code == 302
    rules = tomllib.loads(administrator.get(f"{PAGE}/file?number=0").text)
    assert rules["self_service"] | {"door_hours": []} == {
        "kinds": ["door", "tablet"], "door_min_age": 18, "entries_days": 7, "door_hours": [],
    }  # fmt: skip
    assert rules["self_service"]["door_hours"] == ["mo-su 00:00-24:00"]
    assert rules["calendar"]["closed_dates"] == ["05-17", "2027-01-02"]
    assert (rules["language"], rules["name"], rules["example"]) == ("nn", "Ullensaker folkebibliotek", False)
    check = main_text(administrator.get(f"{CHECK}?from={DAY}"))
    assert "from 18 years of age" in check
    assert "Whose age is too low for the door is not counted" in check
    assert "Besides: 2 January 2027." in check
    publish(administrator, NOW_DAY)
    page = read_rules(administrator)
    assert "You come in with card and PIN when nobody is at work, from 18 years of age." in page
    assert "forgets it after 7 days" in page
    assert "You borrow e-books" not in page
    assert "These rules are an example." not in page
    assert "Ullensaker folkebibliotek writes to you about loans in this language: Norwegian Nynorsk." in page
    wrong = save(administrator, calendar__closed_dates="30.2.")
    assert wrong.status_code == 422
    assert "There is no such day." in main_text(wrong)


def test_the_doors_hours_are_those_of_the_librarys_page_once_it_has_set_them(administrator: FlaskClient) -> None:
    assert "Until you set opening hours, those of the library's file hold." in main_text(administrator.get(PAGE))
    hours = "/desk/library/hours"
    form = read_page(administrator.get(hours)).select_one(f"form[action='{hours}']")
    assert form is not None
    sent = {str(each["name"]): str(each.get("value", "")) for each in form.select("input")}
    assert administrator.post(hours, data={**sent, "since": NOW_DAY, "save": "1"}).status_code == 302
    page = main_text(administrator.get(PAGE))
    assert "The door opens in the hours of the library's page." in page
    assert "Until you set opening hours" not in page
    assert administrator.get(PAGE).text.count(f'href="{hours}"') == 2


def test_patrons_read_what_changes_on_a_day_to_come_and_where_the_library_is(administrator: FlaskClient) -> None:
    assert "New rules from" not in read_rules(administrator)
    save(administrator, categories__dvd__overdue_per_day_ore="12,50")
    publish(administrator)
    page = read_page(administrator.get("/libraries/2023500/rules"))
    coming = page.select_one("[aria-labelledby='from-2026-12-01']")
    assert coming is not None
    assert "New rules from 1 December 2026" in coming.get_text()
    assert [each.get_text().strip() for each in coming.select("li")] == ["DVD films", "Late, and reminders"]
    (way,) = coming.select("a")
    told = main_text(administrator.get(str(way["href"])))
    assert "DVD films Until then" in told
    assert "12.50" in told
    assert "Interlibrary" not in told
    assert administrator.get("/libraries/2023500/rules?from=2026-12-02").location == "/libraries/2023500/rules"
    assert page.select_one("a[href='/libraries/2023500']") is not None
    assert read_page(administrator.get("/libraries/2023500")).select_one("a[href='/libraries/2023500/rules']")
    undo = {**sent_along(administrator, PAGE), "number": "2"}
    administrator.post(f"{PAGE}/withdraw", data=undo)
    assert "New rules from" not in read_rules(administrator)


def test_what_each_of_the_published_rules_changed_can_be_read(administrator: FlaskClient) -> None:
    save(administrator, renewals__max="9")
    publish(administrator, note="Council, 24 November")
    changed = main_text(administrator.get(f"{PAGE}/change?number=2"))
    assert "What the rules from 1 December 2026 changed" in changed
    assert "Council, 24 November" in changed
    assert "3 times" in changed
    assert "9 times" in changed
    assert "DVD" not in changed
    for number in ("1", "7", "x"):
        assert administrator.get(f"{PAGE}/change?number={number}").location == PAGE


def test_a_new_kind_is_never_lost_and_takes_no_others_place(administrator: FlaskClient) -> None:
    for code, told in (
        ("", "Use small letters, digits and _ only"),
        ("Spill", "Use small letters, digits and _ only"),
        ("dvd", "There is a kind with this code already."),
    ):
        answer = save(administrator, **{"categories.new.id": code, "categories.new.names.nb": "Spill"})
        assert answer.status_code == 422
        assert told in main_text(answer)
    # A fault of its other fields is told beside them.
    new = {"id": "game", "loan_days": "0", "overdue_per_day_ore": "5", "replacement_charge_ore": "400"}
    names = {f"names.{lang}": "Spel" for lang in ("nb", "nn", "sv", "en")}
    answer = save(administrator, **{f"categories.new.{name}": value for name, value in {**new, **names}.items()})
    wrong = read_page(answer).select_one("#categories-new-loan_days-error")
    assert wrong is not None
    # The first claim is emptied: a fault of the second is told beside the second.
    answer = save(administrator, **{"claims.1.after_days": "", "claims.2.after_days": "0"})
    assert read_page(answer).select_one("#claims-2-after_days-error") is not None


def test_a_file_in_other_letters_is_refused_in_words(administrator: FlaskClient) -> None:
    def send(content: bytes) -> str:
        form = {**sent_along(administrator, PAGE), "file": (BytesIO(content), "rules.toml")}
        administrator.post(f"{PAGE}/import", data=form)
        return main_text(administrator.get(PAGE))

    file = administrator.get(f"{PAGE}/file").text
    assert "Save the file as UTF-8, and try again." in send(
        file.replace("Bøker", "B\u00f8ker").encode("latin-1", "replace")
    )
    assert "This is not written as TOML" in send(b"loan_days 28")
    assert "This is a draft" not in main_text(administrator.get(PAGE))


def test_all_that_is_wrong_is_told_at_once_in_a_form_and_in_a_file(administrator: FlaskClient) -> None:
    answer = save(administrator, **{"categories.book.loan_days": "0", "self_service.door_min_age": "200"})
    page = read_page(answer)
    told = page.select_one(".ds-alert[role=alert]")
    assert told is not None
    ways = [str(way["href"]) for way in told.select("a")]
    assert ways == ["#categories-book-loan_days", "#self_service-door_min_age"]
    assert all(page.select_one(way) is not None for way in ways)
    file = administrator.get(f"{PAGE}/file").text
    wrong = file.replace("loan_days = 28", "loan_days = 0", 1).replace("max = 3", 'max = "3"')
    form = {**sent_along(administrator, PAGE), "file": (BytesIO(wrong.encode()), "rules.toml")}
    administrator.post(f"{PAGE}/import", data=form)
    page_text = main_text(administrator.get(PAGE))
    for fault in ("categories.book.loan_days: It must be from 1 to 366.", "renewals.max: It must be a whole number."):
        assert fault in page_text
