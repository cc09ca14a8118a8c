"""The policy files say what the library's page says, and a wrong one is told by file, line and key."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from circulation.policy.library import load_policy
from circulation.policy.toml_file import PolicyError
from circulation.settings import POLICIES

FAULTS = [
    ("loan_days = 28", "loan_days = 0", "categories.book.loan_days", "from 1 to 366"),
    ("loan_days = 28", 'loan_days = "28"', "categories.book.loan_days", "must be a whole number"),
    ("loan_days = 28", "loan_days = true", "categories.book.loan_days", "must be a whole number"),
    ("loan_days = 28", "loan_days = 28.0", "categories.book.loan_days", "must be a whole number"),
    ("loan_days = 28", "lone_days = 28", "categories.book.loan_days", "is missing"),
    ("overdue_per_day_ore = 1000", "overdue_per_day_ore = -1", "categories.dvd.overdue_per_day_ore", "from 0"),
    ("grace_days = 0", "grace_days = 0\nmax = 3", "overdue.max", "is not a key"),
    ('currency = "SEK"', 'currency = "EUR"', "currency", "must be one of"),
    ('time_zone = "Europe/Stockholm"', 'time_zone = "Europe/Mullsjo"', "time_zone", "no time zone"),
    ('time_zone = "Europe/Stockholm"', 'time_zone = "../etc/passwd"', "time_zone", "no time zone"),
    ('library = "Mull"', 'library = "Moll"', "library", "named for"),
    ("after_days = 28", "after_days = 7", "claims.2.after_days", "later than the claim before"),
    ("invoice = true", "invoice = 1", "claims.3.invoice", "true or false"),
    ('first = "06-01"', 'first = "06-31"', "interlibrary.summer.first", "not a day of the year"),
    ('first = "06-01"', 'first = "٠٦-٠١"', "interlibrary.summer.first", "not a day of the year"),
    ('categories = ["book"]', 'categories = ["boook"]', "interlibrary.categories", "no category"),
    ("closed_weekdays = []", 'closed_weekdays = ["Sunday"]', "calendar.closed_weekdays", "not a weekday"),
    ("closed_dates = []", 'closed_dates = ["2026-02-30"]', "calendar.closed_dates", "not a date"),
    ("closed_dates = []", 'closed_dates = ["24 December"]', "calendar.closed_dates", "not a day of the year"),
    ("closed_dates = []", 'closed_dates = []\nstaffed_hours = ["10-20"]', "calendar.staffed_hours", "not of the form"),
    ("days_before_due = [3]", "days_before_due = [3, -1]", "reminders.days_before_due", "from 0 to 60"),
    ('exempt_shelf_prefixes = ["Hcf", "Hcg"]', 'exempt_shelf_prefixes = [""]', "categories.book.exempt", "free every"),
    ("fetch_days = 7", "fetch_days = 0", "holds.fetch_days", "from 1"),
    ('name = "Mullsjö kommunbibliotek"', 'name = "Mullsjö\\nbibliotek"', "name", "one line of text"),
    ('name = "Mullsjö kommunbibliotek"', 'name = "\\u202Ekeetoilbib"', "name", "one line of text"),
    ('name = "Mullsjö kommunbibliotek"', f'name = "{"Mull" * 80}"', "name", "one line of text"),
]


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str], tuple[Path, int]]:
    """Mullsjö's file with one text replaced, and the line where that stands."""

    def edit(old: str, new: str) -> tuple[Path, int]:
        text = (POLICIES / "Mull.toml").read_text("utf-8")
        assert old in text
        (tmp_path / "Mull.toml").write_text(text.replace(old, new, 1), "utf-8")
        return tmp_path, text[: text.index(old)].count("\n") + 1

    return edit


def test_mullsjos_file_holds_its_published_rules_to_the_letter() -> None:
    policy = load_policy("Mull")
    days = {key: category.loan_days for key, category in policy.categories.items()}
    assert days == {"book": 28, "magazine": 14, "new_popular": 14, "dvd": 7, "cd_book": 28}
    fees = {key: category.overdue_per_day for key, category in policy.categories.items()}
    assert fees == {"book": 200, "magazine": 0, "new_popular": 200, "dvd": 1000, "cd_book": 200}
    assert policy.categories["book"].exempt_shelf_prefixes == ("Hcf", "Hcg")
    assert policy.categories["dvd"].exempt_shelf_prefixes == ()
    assert all(category.overdue_max is None for category in policy.categories.values())
    assert (policy.debt_above, policy.replacement_card) == (20000, 2500)
    assert [(claim.fee, claim.invoice) for claim in policy.claims] == [(0, False), (0, False), (5000, True)]
    assert policy.interlibrary is not None
    assert (policy.interlibrary.fee, policy.interlibrary.categories) == (2500, ("book",))
    assert (policy.interlibrary.refuse_newest_years, policy.interlibrary.refuse_owned) == (2, True)
    assert policy.interlibrary.summer is not None
    assert (policy.currency, policy.zone.key, policy.example) == ("SEK", "Europe/Stockholm", False)


def test_ullensakers_file_is_marked_as_an_example() -> None:
    policy = load_policy("2023500")
    assert policy.example
    assert (policy.currency, policy.zone.key) == ("NOK", "Europe/Oslo")
    assert (policy.categories["book"].loan_days, policy.max_renewals) == (28, 3)


@pytest.mark.parametrize(("old", "new", "key", "reason"), FAULTS)
def test_a_fault_is_told_by_file_line_and_key(
    edited: Callable[[str, str], tuple[Path, int]], old: str, new: str, key: str, reason: str
) -> None:
    folder, line = edited(old, new)
    with pytest.raises(PolicyError, match=re.escape(key)) as caught:
        load_policy("Mull", folder=folder)
    if "is missing" in reason:  # told at the head of its table
        assert caught.value.line < line
    else:
        assert caught.value.line == line + new.count("\n")
    assert str(caught.value).startswith(f"Mull.toml, line {caught.value.line}: ")
    assert reason in str(caught.value)


def test_what_is_not_toml_is_told_by_its_line(edited: Callable[[str, str], tuple[Path, int]]) -> None:
    folder, line = edited("grace_days = 0", "grace_days = = 0")
    with pytest.raises(PolicyError, match=f"Mull.toml, line {line}: not TOML"):
        load_policy("Mull", folder=folder)


@pytest.mark.parametrize(
    "wrong",
    [
        f"grace_days = {'9' * 5000}",
        f"grace_days = {'[' * 5000}{']' * 5000}",
        f"{'.'.join('a' * 30_000)} = 1",
        f"grace_days = {{ {'.'.join('a' * 30_000)} = 1 }}",
    ],
    ids=[
        "a number of thousands of digits",
        "thousands of brackets",
        "a key of thousands of parts",
        "such a key within",
    ],
)
def test_what_would_take_too_long_to_read_is_not_toml(
    edited: Callable[[str, str], tuple[Path, int]], wrong: str
) -> None:
    folder, _ = edited("grace_days = 0", wrong)
    with pytest.raises(PolicyError, match="not TOML"):
        load_policy("Mull", folder=folder)


def test_a_text_of_many_blanks_is_read_without_delay(edited: Callable[[str, str], tuple[Path, int]]) -> None:
    folder, _ = edited('name = "Mullsjö kommunbibliotek"', f'name = """Mullsjö\\\n[{" " * 50_000}x\n"""')
    with pytest.raises(PolicyError, match="name: must be one line of text"):
        load_policy("Mull", folder=folder)


def test_what_is_not_utf8_is_told_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "Mull.toml").write_bytes('library = "Mull"\nname = "Mullsjö"\n'.encode("latin-1"))
    with pytest.raises(PolicyError, match="line 2: the file is not UTF-8"):
        load_policy("Mull", folder=tmp_path)


def test_a_library_without_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such policy file"):
        load_policy("Mull", folder=tmp_path)


def test_an_invoice_must_have_something_to_pay(edited: Callable[[str, str], tuple[Path, int]]) -> None:
    folder, _ = edited("replacement_charge_ore = 10000", "replacement_charge_ore = 0")
    text = (folder / "Mull.toml").read_text("utf-8").replace("fee_ore = 5000", "fee_ore = 0")
    (folder / "Mull.toml").write_text(text, "utf-8")
    with pytest.raises(PolicyError, match=r"claims\.3\.invoice: needs a fee"):
        load_policy("Mull", folder=folder)


def test_a_library_that_never_opens_is_refused(edited: Callable[[str, str], tuple[Path, int]]) -> None:
    week = '["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]'
    folder, _ = edited("closed_weekdays = []", f"closed_weekdays = {week}")
    with pytest.raises(PolicyError, match="open on some day"):
        load_policy("Mull", folder=folder)


def test_closed_days_are_every_year_or_single_dates(edited: Callable[[str, str], tuple[Path, int]]) -> None:
    folder, _ = edited("closed_dates = []", 'closed_dates = ["12-24", "02-29", "2026-06-19"]')
    calendar = load_policy("Mull", folder=folder).calendar
    assert calendar.yearly == {(12, 24), (2, 29)}
    assert calendar.dates == {date(2026, 6, 19)}


def test_no_rule_in_code_names_a_library() -> None:
    for module in POLICIES.parent.glob("*.py"):
        if module.name not in ("demo.py", "settings.py"):
            code = re.sub(r'""".*?"""', "", module.read_text("utf-8"), flags=re.DOTALL)
            assert not re.search(r"Mull|Ullensaker|2023500", code), module.name
