"""The receipt: whoever has the code sees what each library answered; nobody can guess one, nor see whose it was."""

import pytest

from app.register.keys.vault import Vault, use_vault
from app.register.leaving.erasure import erase_patron
from app.register.leaving.receipts import LibraryAnswer, NoSuchReceipt, read_receipt
from app.register.library.notices import list_due_notices, mark_delivered
from app.register.limits.budgets import TooManyAttempts
from app.register.store.transaction import db
from app.rules.pins.pin import RECEIPT_SOURCE
from tests.conftest import VAULT_KEYS
from tests.register.people import GUARDIAN, HIDDEN, MULLSJO, ULLENSAKER, count_rows, patron_id

HOME = "203.0.113.7"


@pytest.fixture
def read(clock):
    def read(code, address=HOME):
        receipt = read_receipt(code=code, address=address, now=clock())
        db.session.rollback()
        return receipt

    return read


@pytest.fixture
def erase(clock):
    def erase(card_number=GUARDIAN):
        code = erase_patron(patron_id=patron_id(card_number), reason="asked", now=clock())
        db.session.commit()
        return code

    return erase


def tell(library_id, *, clock, kept=()):
    for notice in list_due_notices(library_id=library_id, now=clock(), limit=100):
        mark_delivered(notice_id=notice.id, kept=kept, now=clock())


def test_a_receipt_tells_of_each_library_who_has_answered_and_what_it_keeps(read, erase, clock):
    code = erase()
    erased_at = clock()
    tell(MULLSJO, clock=clock, kept=["unpaid_debts", "open_loans", "something new"])
    clock.turn(seconds=60)
    receipt = read(code)
    assert (receipt.reason, receipt.erased_at) == ("asked", erased_at)
    assert [(answer.library, answer.confirmed_at, answer.kept) for answer in receipt.answers] == [
        ("Mullsjö bibliotek", erased_at, ("open_loans", "other", "unpaid_debts")),
        ("Ullensaker bibliotek", None, ()),
    ]
    tell(ULLENSAKER, clock=clock)
    assert LibraryAnswer("Ullensaker bibliotek", clock(), ()) in read(code).answers


def test_a_librarys_first_answer_counts_whichever_of_its_systems_gave_it(read, erase, clock):
    code, erased_at = erase(), clock()
    waiting = list_due_notices(library_id=MULLSJO, now=clock(), limit=100)
    for kept in (["open_loans"], []):
        for notice in waiting:
            mark_delivered(notice_id=notice.id, kept=kept, now=clock())
        clock.turn(seconds=60)
    assert LibraryAnswer("Mullsjö bibliotek", erased_at, ("open_loans",)) in read(code).answers


def test_a_receipt_shows_its_own_erasure_alone(read, erase):
    codes = {number: erase(number) for number in (GUARDIAN, HIDDEN)}
    assert codes[GUARDIAN] != codes[HIDDEN]
    assert len(read(codes[GUARDIAN]).answers) == 2
    assert len(read(codes[HIDDEN]).answers) == 1


def test_a_code_can_be_typed_from_paper(read, erase):
    code = erase()
    misread = code.replace("0", "O").replace("1", "l")
    for typed in (code.lower(), code.replace("-", ""), code.replace("-", " "), misread):
        assert read(typed) == read(code)


def test_a_code_that_is_none_is_refused_whatever_it_looks_like(read, erase):
    code = erase()
    for wrong in (code[:-1], code + "0", "", "0" * 20, "é" * 400, GUARDIAN):
        with pytest.raises(NoSuchReceipt):
            read(wrong)
        db.session.rollback()


def test_guesses_are_counted_and_right_codes_are_not(read, erase):
    code = erase()
    for _ in range(RECEIPT_SOURCE.limit + 5):
        read(code)
    for _ in range(RECEIPT_SOURCE.limit):
        with pytest.raises(NoSuchReceipt):
            read("0000-0000-0000-0000-0000")
        db.session.rollback()
    with pytest.raises(TooManyAttempts):
        read(code)
    assert read(code, "198.51.100.9").answers


def test_a_code_holds_when_a_new_key_is_brought_into_use(read, erase, app):
    code = erase()
    use_vault(Vault(VAULT_KEYS | {2: bytes(32)}))
    assert len(read(code).answers) == 2
    assert count_rows("erasures") == 1
