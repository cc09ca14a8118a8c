"""On return the tie between card and copy is gone: from tables, database file, its log and the program's log."""

import base64
import logging
import random
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest

from circulation.lending.claims import run_claims
from circulation.lending.reminders import run_reminders
from tests.circulation.conftest import ANNA, BERIT, STAFF, Building
from tests.circulation.test_interlibrary import ask, handle
from tests.searching import stands_in

TITLE = "Förbjudna svampar på Mösseberg"


def encodings(text: str) -> dict[str, bytes]:
    """How a text may stand in a file. Base64 depends on where in its line it begins: three cores cover all."""
    raw = text.encode()
    cores = {f"base64+{shift}": base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4] for shift in range(3)}
    return {
        "utf-8": raw,
        "utf-16-le": text.encode("utf-16-le"),
        "utf-16-be": text.encode("utf-16-be"),
        "percent": quote(text).encode(),
        "escaped": text.encode("unicode_escape"),
        **cores,
    }


def bytes_on_disk(mull: Building) -> bytes:
    """The database file with its log and index, while the connections are open."""
    path = Path(mull.url.removeprefix("sqlite:///"))
    return b"\n".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


def found(text: str, where: bytes) -> list[str]:
    return [name for name, needle in encodings(text).items() if needle in where]


def test_the_search_finds_what_is_there() -> None:
    for raw in encodings(TITLE).values():
        assert found(TITLE, b"..." + raw + b"...")
    for shift in range(3):
        assert found(TITLE, base64.b64encode(b"x" * shift + TITLE.encode() + b"and more"))


@pytest.mark.parametrize("engine", ["sqlite"])
class TestOnSqlite:
    """What stands in the files, byte for byte."""

    def test_a_returned_loan_is_gone_from_file_and_log(self, mull: Building) -> None:
        mull.stock("1001", title=TITLE)
        titles_before = bytes_on_disk(mull).count(TITLE.encode())
        loan_id = mull.lend("1001")
        assert found(ANNA, bytes_on_disk(mull))
        mull.clock.turn(days=26)
        run_reminders(database=mull.database, policy=mull.policy, now=mull.clock())
        mull.act("loans/return", barcode="1001")
        disk = bytes_on_disk(mull)
        assert found(ANNA, disk) == found(loan_id, disk) == []
        assert disk.count(TITLE.encode()) == titles_before  # the catalogue still owns the book, once

    def test_a_late_loan_with_claims_leaves_an_amount_only(self, mull: Building) -> None:
        mull.stock("1001", title=TITLE)
        item_id = mull.column("SELECT id FROM items")[0]
        loan_id = mull.lend("1001")
        mull.clock.turn(days=28 + 60)
        run_claims(database=mull.database, policy=mull.policy, now=mull.clock())
        uses_before = bytes_on_disk(mull).count(item_id.encode())
        mull.act("loans/return", barcode="1001")
        disk = bytes_on_disk(mull)
        assert found(loan_id, disk) == []
        assert disk.count(item_id.encode()) < uses_before
        assert item_id not in repr(mull.rows()["debts"])

    def test_an_interlibrary_title_is_gone_when_it_goes_back(self, mull: Building) -> None:
        for action in ("refuse", "cancel", "return"):
            request_id = ask(mull, title=TITLE, idempotency_key=f"request-{action}")
            assert found(TITLE, bytes_on_disk(mull)) == ["utf-8"]
            if action == "refuse":
                handle(mull, request_id, "refuse")
            elif action == "cancel":
                mull.act("interlibrary/cancel", card_number=ANNA, request_id=request_id)
            else:
                handle(mull, request_id, "order")
                handle(mull, request_id, "arrive", barcode="FL-1")
                mull.act("loans/return", barcode="FL-1")
            assert found(TITLE, bytes_on_disk(mull)) == [], action

    def test_many_loans_in_any_order_leave_nothing(self, mull: Building) -> None:
        """Pages that split and merge keep no copies of what stood on them."""
        dice = random.Random(7)
        barcodes = [f"b{number}" for number in range(100)]
        mull.stock(*barcodes)
        loans = {barcode: mull.lend(barcode, to=f"X{number:09}") for number, barcode in enumerate(barcodes)}
        order = barcodes[:]
        dice.shuffle(order)
        for number, barcode in enumerate(order, start=1):
            mull.act("loans/return", barcode=barcode)
            if number % 25 == 0:
                disk = bytes_on_disk(mull)
                assert [loans[b] for b in order[:number] if loans[b].encode() in disk] == []
        assert b"X00000" not in bytes_on_disk(mull)

    def test_the_log_is_empty_after_every_write(self, mull: Building) -> None:
        mull.stock("1001")
        mull.lend("1001")
        assert Path(mull.url.removeprefix("sqlite:///") + "-wal").stat().st_size == 0

    def test_a_reader_that_holds_the_log_open_delays_the_emptying_and_no_longer(self, mull: Building) -> None:
        mull.stock("1001")
        mull.lend("1001")
        path = mull.url.removeprefix("sqlite:///")
        mull.database.checkpoint_wait_ms = 50
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM loans").fetchone()
        mull.act("loans/return", barcode="1001")
        assert found(ANNA, bytes_on_disk(mull))
        reader.execute("COMMIT")
        reader.close()
        mull.patron(BERIT)
        assert found(ANNA, bytes_on_disk(mull)) == []

    def test_what_a_crash_left_in_the_log_goes_at_the_next_start(self, mull: Building, url: str) -> None:
        mull.stock("1001")
        mull.lend("1001")
        path = mull.url.removeprefix("sqlite:///")
        mull.database.close()
        crashed = sqlite3.connect(path, isolation_level=None)
        crashed.execute("PRAGMA secure_delete = ON")
        crashed.execute("DELETE FROM loans")
        folder = Path(path).parent / "after"
        folder.mkdir()
        for file in Path(path).parent.glob("mull.sqlite*"):
            (folder / file.name).write_bytes(file.read_bytes())
        crashed.close()
        again = Building(f"sqlite:///{folder / 'mull.sqlite'}", mull.clock)
        assert found(ANNA, bytes_on_disk(again))
        again.patron(BERIT)
        assert found(ANNA, bytes_on_disk(again)) == []
        again.database.close()


def test_no_log_line_holds_a_card_number_or_a_title(mull: Building, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    mull.stock("1001", "1002", title=TITLE)
    loan_id = mull.lend("1001")
    mull.post("loans/checkout", card_number=BERIT, barcode="1001")
    mull.post("loans/renew", card_number=BERIT, loan_id=loan_id)
    mull.post("holds/reserve", card_number=BERIT, barcode="1001")
    mull.clock.turn(days=30)
    mull.act("loans/return", barcode="1001")
    mull.act("patrons/rename", old_card_number=ANNA, new_card_number="N000299999")
    mull.post("patrons/overview", card_numbers=[ANNA, TITLE])
    mull.post("patrons/overview", **{ANNA: TITLE})
    text = "\n".join(record.getMessage() + str(record.args) + (record.exc_text or "") for record in caplog.records)
    assert "call=loans/return library=Mull outcome=ok" in text
    for secret in (ANNA, BERIT, "N000299999", TITLE, loan_id):
        assert secret not in text


def test_an_unforeseen_error_is_logged_without_what_it_says(
    mull: Building, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(**_: object) -> None:
        raise RuntimeError(f"Key (card_number)=({ANNA}) and {TITLE}")

    monkeypatch.setattr("circulation.lending.loans.return_item", break_down)
    answer = mull.post("loans/return", barcode="1001")
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal")
    text = answer.get_data(as_text=True) + caplog.text
    assert "RuntimeError" in text
    assert ANNA not in text
    assert TITLE not in text


def test_nobody_at_the_desk_sees_what_was_borrowed_before(mull: Building) -> None:
    mull.stock("1001", title=TITLE, category="dvd")
    mull.lend("1001")
    mull.clock.turn(days=20)
    mull.act("loans/return", barcode="1001")
    answers = [
        mull.post("patrons/overview", card_numbers=[ANNA], **STAFF),
        mull.post("interlibrary/list", **STAFF),
        mull.post("patrons/end", card_number=ANNA, dry_run=True, **STAFF),
        mull.post("loans/cost", card_number=ANNA, on=str(mull.today()), **STAFF),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert TITLE not in repr(answer.get_json())
        assert not stands_in("1001", repr(answer.get_json()))
