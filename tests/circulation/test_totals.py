"""Numbers that name nobody: what is lent is counted when it is, and of whom is kept nowhere."""

import random
import threading
from collections import Counter
from datetime import date, timedelta

from circulation.lending.claims import run_claims
from circulation.lending.patrons import drop_totals
from circulation.lending.transaction import Transaction
from circulation.tables import DailyTotal
from circulation.totals import KINDS, count, read_year
from tests.circulation.conftest import ANNA, BERIT, STAFF, Building

CARDS = [f"N0003000{number:02}" for number in range(12)]


def totals(mull: Building) -> dict[tuple[date, str, str], int]:
    with mull.database.reading() as session:
        return {(row.day, row.kind, row.part): row.total for row in session.query(DailyTotal)}


def shown(mull: Building, year: int) -> Counter[tuple[int, str, str]]:
    months = mull.act("totals/show", year=year, **STAFF)["months"]
    return Counter({(each["month"], each["kind"], each["part"]): each["total"] for each in months})


def test_random_acts_of_many_days_are_the_totals_that_are_counted_beside(mull: Building) -> None:
    """Lent, returned, renewed and undone at random; counted beside from the answers alone."""
    chance, expected = random.Random(17), Counter[tuple[date, str, str]]()
    barcodes = [f"{1000 + number}" for number in range(40)]
    categories = {barcode: chance.choice(["book", "dvd", "magazine"]) for barcode in barcodes}
    known = set(mull.policy.categories)
    categories = {barcode: name if name in known else "book" for barcode, name in categories.items()}
    for barcode, category in categories.items():
        mull.stock(barcode, category=category)
    out: dict[str, str] = {}
    for _ in range(600):
        today, barcode = mull.today(), chance.choice(barcodes)
        category = categories[barcode]
        if barcode not in out:
            answer = mull.post("loans/checkout", card_number=chance.choice(CARDS), barcode=barcode)
            if answer.status_code != 200:
                continue
            loan = answer.get_json()["loan"]
            out[barcode] = loan["loan_id"]
            expected[today, "loan", category] += 1
            if chance.random() < 0.2:
                card = mull.column(f"SELECT card_number FROM loans WHERE id = '{loan['loan_id']}'")[0]
                mull.act("loans/undo-checkout", card_number=card, barcode=barcode, was_held=False, **STAFF)
                expected[today, "loan", category] -= 1
                del out[barcode]
        elif chance.random() < 0.5:
            back = mull.act("loans/return", barcode=barcode)
            expected[today, "return", category] += 1
            loan_id = out.pop(barcode)
            if back["undoable"] and chance.random() < 0.3:
                kept = {name: back[name] for name in ("card_number", "lent_on", "due_on", "renewals")}
                debt = {"debt_id": back["debt"]["debt_id"]} if back["debt"] else {}
                again = mull.act("loans/undo-return", **kept, **debt, barcode=barcode, **STAFF)
                expected[today, "return", category] -= 1
                out[barcode] = again["loan"]["loan_id"]
                assert loan_id
        else:
            card = mull.column(f"SELECT card_number FROM loans WHERE id = '{out[barcode]}'")[0]
            if mull.post("loans/renew", card_number=card, loan_id=out[barcode]).status_code == 200:
                expected[today, "renewal", category] += 1
        if chance.random() < 0.05:
            mull.clock.turn(days=1)
    assert totals(mull) == +expected
    by_month = Counter[tuple[int, str, str]]()
    for (day, kind, part), number in expected.items():
        by_month[day.month, kind, part] += number
    assert shown(mull, 2026) == +by_month


def test_a_hundred_thousand_random_events_are_the_totals_that_are_read(mull: Building) -> None:
    chance, expected = random.Random(18), Counter[tuple[int, str, str]]()
    parts = {kind: [f"part{number}" for number in range(6)] for kind in KINDS}
    for _ in range(50):
        now = mull.clock()
        with mull.database.writing() as session:
            tx = Transaction(session, mull.policy, now)
            for _ in range(2000):
                kind = chance.choice(KINDS)
                part = chance.choice(parts[kind])
                count(tx, kind, part)
                expected[tx.today.month, kind, part] += 1
        mull.clock.turn(days=5)
    assert mull.today().year == 2026
    assert shown(mull, 2026) == expected
    assert sum(expected.values()) == 100_000


def test_what_is_refused_or_tried_on_dry_land_is_not_counted(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    before = totals(mull)
    mull.refuse("loans/checkout", card_number=BERIT, barcode="1001")
    mull.act("patrons/end", card_number=ANNA, dry_run=True)
    mull.act("loans/checkout", card_number=ANNA, barcode="1001")
    assert totals(mull) == before


def test_a_patron_who_leaves_changes_no_total_and_leaves_no_trace_in_them(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    mull.act("loans/return", barcode="1001")
    before = totals(mull)
    mull.act("patrons/end", card_number=ANNA, dry_run=False)
    assert totals(mull) == before
    assert ANNA not in str(mull.rows()["daily_totals"])


def test_holds_are_counted_with_how_long_they_waited(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001", BERIT)
    asked = mull.today()
    mull.act("holds/reserve", card_number=ANNA, barcode="1001")
    mull.clock.turn(days=9)
    mull.act("loans/return", barcode="1001")
    assert totals(mull)[asked, "hold", ""] == 1
    assert totals(mull)[mull.today(), "wait", "8-30"] == 1


def test_an_undone_return_takes_the_wait_back(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001", BERIT)
    mull.act("holds/reserve", card_number=ANNA, barcode="1001")
    before = totals(mull)
    back = mull.act("loans/return", barcode="1001")
    kept = {name: back[name] for name in ("card_number", "lent_on", "due_on", "renewals")}
    mull.act("loans/undo-return", **kept, barcode="1001", **STAFF)
    assert totals(mull) == before


def test_claims_are_counted_by_level(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    mull.clock.turn(days=200)
    made = run_claims(database=mull.database, policy=mull.policy, now=mull.clock())
    levels = {part: number for (_, kind, part), number in totals(mull).items() if kind == "claim"}
    assert levels == {str(level): 1 for level in range(1, made + 1)}


def test_several_desks_at_once_are_all_counted(mull: Building) -> None:
    barcodes = [f"{number}" for number in range(2000, 2024)]
    mull.stock(*barcodes)

    def lend(mine: list[str], card: str) -> None:
        client = mull.app.test_client()
        for barcode in mine:
            body = {"card_number": card, "barcode": barcode}
            client.post("/circulation/v1/Mull/loans/checkout", json=body, auth=("portal", "a password for the tests"))

    threads = [threading.Thread(target=lend, args=(barcodes[first::4], CARDS[first])) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals(mull) == {(mull.today(), "loan", "book"): len(mull.column("SELECT id FROM loans"))}
    assert len(mull.column("SELECT id FROM loans")) == 24


def test_totals_are_kept_for_five_years(mull: Building) -> None:
    for days in (1829, 1831):
        with mull.database.writing() as session:
            count(Transaction(session, mull.policy, mull.clock() - timedelta(days=days)), "hold")
    assert drop_totals(database=mull.database, policy=mull.policy, now=mull.clock()) == 1
    with mull.database.reading() as session:
        assert read_year(tx=Transaction(session, mull.policy, mull.clock()), year=2026)["first_year"] == 2021


def test_only_staff_may_read_totals(mull: Building) -> None:
    assert mull.post("totals/show", year=2026).status_code in (400, 403)
