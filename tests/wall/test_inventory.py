"""docs/register-inventory.md names every column of the register, why it is there, on what ground and how long."""

import re
from datetime import timedelta

import pytest

from app.register.journal.journaling import JOURNAL_ENTRIES
from app.register.leaving import inventory, retention
from app.register.library.notices import GONE_NUMBERS
from app.register.moving.imports import FILE_KEPT
from app.register.online.registrations import REGISTRATIONS
from app.register.sign_in.one_time import LETTER_LASTS
from app.register.sign_in.sessions import BORROWED_DEVICE, DESK, OWN_DEVICE
from app.register.staff.links import LINK_LASTS
from app.register.staff.machines import FORMER_PASSWORD
from app.register.tables.columns import Base

INVENTORY = inventory.INVENTORY.read_text(encoding="utf-8")
GROUND = re.compile(r"GDPR art\. \d|personopplysningsloven § \d|Not about a person")
FORBIDDEN = ("loan", "item", "title", "isbn", "barcode", "hold", "fee", "fine", "due_date", "borrow")


def rows() -> list[inventory.Entry]:
    return inventory.parse_inventory(INVENTORY)


def columns_of_the_register() -> set[str]:
    return {f"{table.name}.{column.name}" for table in Base.metadata.sorted_tables for column in table.columns}


def test_the_inventory_lists_every_column_of_the_register_once_and_no_other():
    listed = [f"{row.table}.{row.column}" for row in rows()]
    assert sorted(listed) == sorted(columns_of_the_register())


def test_no_row_of_the_inventory_is_written_so_that_it_goes_unread():
    assert len([line for line in INVENTORY.splitlines() if line.startswith("| `")]) == len(rows())


def test_every_column_has_a_purpose_a_ground_and_a_period():
    for row in rows():
        assert len(row.purpose.split()) >= 3, row
        assert GROUND.search(row.ground), row
        assert row.kept, row


def words(period: timedelta) -> str:
    return f"{period.days} days" if period > timedelta(days=1) else f"{period // timedelta(hours=1)} hours"


def seconds(count: int) -> str:
    return words(timedelta(seconds=count))


PERIODS = {
    "presented_steps": [words(retention.PRESENTED_STEPS)],
    "desk_visits": [words(retention.DESK_VISITS)],
    "attempt_counts": [words(retention.ATTEMPT_COUNTS)],
    "act_counts": [words(retention.ACT_COUNTS)],
    "staff_links": [words(LINK_LASTS)],
    "library_acts": [words(retention.LIBRARY_ACTS)],
    "library_totals": [words(retention.TOTALS)],
    "access_log": [words(retention.ACCESS_LOG)],
    "messages": [words(retention.SENT_MESSAGES), words(retention.FORMER_ADDRESSES)],
    "credentials": [words(retention.EXPIRED_CREDENTIALS)],
    "devices": [words(retention.EXPIRED_CREDENTIALS)],
    "registrations": [words(REGISTRATIONS)],
    "sessions": [seconds(lasting.absolute) for lasting in (BORROWED_DEVICE, OWN_DEVICE, DESK)],
    "one_time_secrets": [words(LETTER_LASTS)],
    "pin_orders": [words(retention.PIN_ORDERS)],
    "machine_answers": [words(retention.MACHINE_ANSWERS)],
    "library_notices": [words(retention.ANSWERED_NOTICES), words(retention.NOTICES)],
    "contact_changes": [words(retention.CONTACT_CHANGES)],
    "erasures": [words(retention.ERASURES)],
    "machine_refusals": [words(retention.MACHINE_REFUSALS)],
    "push_messages": [words(retention.PUSH_MESSAGES)],
    "patron_imports": [words(retention.IMPORT_REPORTS)],
    "patron_import_batches": [words(FILE_KEPT)],
    "patron_import_lines": [words(retention.IMPORT_REPORTS)],
    "imported_patrons": [words(retention.IMPORTED_ROWS)],
}

# What has a period and is not deleted row by row: another place sees to it, and says how long.
ELSEWHERE = {
    "patrons": "With the card",
    "national_id_tokens": "With the card",
    "affiliations": "With the card",
    "pin_verifiers": "With the card",
    "passkeys": "With the card",
    "family_permissions": "with either card",
    "issued_numbers": "For ever",
    "number_series": "For ever",
    "access_log_chain": "For ever",
    "access_log_head": "Always",
    "access_log_removals": "For ever",
    "access_log_roots": "Always",
    "journal_place": "Always",
    "last_runs": "Always",
    "key_proofs": "Always",
    "libraries": "While the library exists",
    "opening_weeks": "While the library exists",
    "opening_exceptions": "Until",
    "library_branches": "Until",
    "branch_weeks": "Until",
    "branch_exceptions": "Until",
    "library_queues": "While",
    "staff": "While they work there",
    "staff_passkeys": "while they work there",
    "machines": "While it is connected",
    "reminder_choices": "With the card",
    "push_subscriptions": "Until you switch them off",
    "calendar_addresses": "Until you end the address",
}


def test_the_inventory_says_for_how_long_the_journal_of_erasures_is_kept():
    assert f"It goes after {words(JOURNAL_ENTRIES)}." in INVENTORY


def test_the_inventory_says_for_how_long_a_library_may_ask_for_a_number_that_is_gone():
    (kept,) = {row.kept for row in rows() if row.column == "sealed_number" and row.table == "library_notices"}
    assert words(GONE_NUMBERS) in kept


@pytest.mark.parametrize("table", PERIODS)
def test_the_periods_of_the_inventory_are_those_that_the_program_keeps(table):
    kept = {row.kept for row in rows() if row.table == table}
    assert kept
    for text in kept:
        for period in PERIODS[table]:
            assert period in text


def test_every_table_either_has_a_period_or_says_why_it_has_none():
    assert not PERIODS.keys() & ELSEWHERE.keys()
    assert PERIODS.keys() | ELSEWHERE.keys() == {table.name for table in Base.metadata.sorted_tables}
    for row in rows():
        if row.table in ELSEWHERE and not row.column.startswith("former_"):
            assert ELSEWHERE[row.table] in row.kept or row.kept.startswith("Until"), row


def test_a_machines_former_password_is_kept_as_long_as_it_works():
    kept = {row.kept for row in rows() if row.column.startswith("former_") and row.table == "machines"}
    assert {text.split(" after ")[0] for text in kept} == {words(FORMER_PASSWORD)}


def test_every_table_that_is_purged_has_its_period_in_the_inventory(app, clock):
    with app.app_context():
        assert set(retention.purge(now=clock())) == set(PERIODS)


def test_the_program_shows_patrons_what_this_page_says():
    shown = inventory.read_inventory()
    assert {(table, column) for table in shown for column in shown[table]} == {
        (row.table, row.column) for row in rows()
    }


def test_no_column_of_the_register_could_hold_a_loan():
    for column in columns_of_the_register():
        assert not any(word in column for word in FORBIDDEN), column


def test_the_inventory_says_first_what_the_register_does_not_hold():
    opening = INVENTORY.split("\n## ", 1)[0]
    for word in ("loans", "reservations", "fees", "blocks"):
        assert word in opening
