"""What Kohas of several versions answer: less is asked for where an embed is unknown, and what is odd is marked."""

from datetime import date
from typing import Any

import pytest

from app.ils.port import Account, Unavailable
from tests.contract import koha_schema
from tests.contract.koha_world import KohaWorld, koha
from tests.contract.world import ANNA, BERIT, TITLE

DUE = date(2026, 3, 30)


def account_of(world: KohaWorld) -> Account:
    (account,) = world.system.accounts(card_numbers=[ANNA])
    return account


def paths(world: KohaWorld) -> list[str]:
    return [address.partition("?")[0].removeprefix("/api/v1/") for address in world.addresses()]


OLD = {"checkouts": {"issuer", "renewals"}, "holds": {"cancellation_requested"}, "items": {"+strings", "biblio"}}


@pytest.mark.parametrize(
    ("without", "title", "barcode"),
    [
        pytest.param({}, TITLE, True, id="25.x"),
        pytest.param(OLD, TITLE, True, id="22.05 to 23.11"),
        pytest.param({**OLD, "items": {"+strings"}}, "", True, id="copies without titles"),
    ],
)
def test_an_embed_that_a_version_does_not_know_costs_its_titles_at_most(
    monkeypatch: pytest.MonkeyPatch, without: dict[str, set[str]], title: str, barcode: bool
) -> None:
    for path, embeds in without.items():
        monkeypatch.setitem(koha_schema.EMBEDS, path, embeds)
    with koha(oauth=False) as world:
        lent = world.lend(ANNA)
        wanted = world.lend(BERIT, "Pan")
        world.want(wanted, ANNA)
        for _ in range(2):
            account = account_of(world)
            (loan,) = account.loans
            assert (loan.loan_id, loan.title, loan.due_on, bool(loan.barcode)) == (lent.loan_id, title, DUE, barcode)
            assert [hold.title for hold in account.holds] == ["Pan" if title else ""]
            assert account.debt_total == 0
        # What is unknown is asked for once.
        assert paths(world).count("checkouts") == (3 if without else 2)


def test_what_is_owed_is_asked_for_where_no_balance_is_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(koha_schema.EMBEDS, "patrons", {"extended_attributes", "library"})
    with koha(oauth=False) as world:
        world.lend(ANNA)
        world.charge(ANNA)
        assert account_of(world).debt_total == 2500


def test_a_koha_whose_list_of_copies_is_closed_shows_loans_without_titles(monkeypatch: pytest.MonkeyPatch) -> None:
    for path, embeds in OLD.items():
        monkeypatch.setitem(koha_schema.EMBEDS, path, embeds)
    with koha(oauth=False) as world:
        lent = world.lend(ANNA)
        world.closed = {"items"}
        (loan,) = account_of(world).loans
        assert (loan.loan_id, loan.title, loan.barcode, loan.due_on) == (lent.loan_id, "", None, DUE)


@pytest.mark.parametrize(
    ("path", "debt", "unread_holds"),
    [("holds", 2500, None), ("account", None, 0)],
    ids=["reservations", "what is owed"],
)
def test_a_list_that_is_closed_hides_no_loan(path: str, debt: int | None, unread_holds: int | None) -> None:
    with koha(oauth=False) as world:
        world.lend(ANNA)
        world.charge(ANNA)
        world.closed = {path}
        account = account_of(world)
        assert [loan.title for loan in account.loans] == [TITLE]
        assert (account.debt_total, account.unread_holds) == (debt, unread_holds)


@pytest.mark.parametrize("spelled", [ANNA.lower(), f" {ANNA} "])
def test_a_card_number_in_small_letters_or_padded_is_the_same(spelled: str) -> None:
    with koha(oauth=False) as world:
        world.lend(ANNA)
        world.odd["patrons"] = lambda row: {**row, "cardnumber": spelled}
        account = account_of(world)
        assert (account.card_number, [loan.title for loan in account.loans]) == (ANNA, [TITLE])


@pytest.mark.parametrize(
    ("changes", "title", "due_on", "barcode"),
    [
        ({"due_date": None}, "Pan", None, True),
        ({"due_date": ""}, "Pan", None, True),
        ({"due_date": "0000-00-00"}, "Pan", None, True),
        ({"due_date": "0001-01-01T00:00:00Z"}, "Pan", None, True),
        ({"due_date": "soon"}, "Pan", None, True),
        ({"due_date": "2026-03-30"}, "Pan", DUE, True),
        ({"due_date": "2026-03-30 23:59:00"}, "Pan", DUE, True),
        ({"item": None}, "", DUE, False),
        ({"item": {"external_id": 1001, "biblio": {"title": "Ro\u0308da rummet /"}}}, "Röda rummet", DUE, True),
        ({"item": {"external_id": " 1001 ", "biblio": None}}, "", DUE, True),
    ],
)
def test_an_odd_loan_hides_no_other(changes: dict[str, Any], title: str, due_on: date | None, barcode: bool) -> None:
    with koha(oauth=False) as world:
        odd, _good = world.lend(ANNA, "Pan"), world.lend(ANNA)
        world.odd["checkouts"] = lambda row: {**row, **changes} if str(row["checkout_id"]) == odd.loan_id else row
        account = account_of(world)
        loans = {loan.loan_id: loan for loan in account.loans}
        assert len(loans) == 2
        shown = loans[odd.loan_id]
        assert (shown.title, shown.due_on, bool(shown.barcode)) == (title, due_on, barcode)
        assert account.unread_loans == 0


@pytest.mark.parametrize("changes", [{"checkout_id": None}, {"item": "x"}, {"patron_id": None, "checkout_id": "x"}])
def test_a_loan_that_cannot_be_read_is_counted(changes: dict[str, Any]) -> None:
    with koha(oauth=False) as world:
        odd, good = world.lend(ANNA, "Pan"), world.lend(ANNA)
        world.odd["checkouts"] = lambda row: {**row, **changes} if str(row["checkout_id"]) == odd.loan_id else row
        account = account_of(world)
        assert ([loan.loan_id for loan in account.loans], account.unread_loans) == ([good.loan_id], 1)


def test_more_loans_than_are_sent_are_counted() -> None:
    with koha(oauth=False) as world:
        world.lend(ANNA)
        world.untold["checkouts"] = 3
        account = account_of(world)
        assert (len(account.loans), account.unread_loans) == (1, 3)


def test_another_patrons_row_is_never_passed_over() -> None:
    with koha(oauth=False) as world:
        world.lend(ANNA)
        world.odd["checkouts"] = lambda row: {**row, "patron_id": 4711}
        with pytest.raises(Unavailable):
            account_of(world)


@pytest.mark.parametrize(
    ("balance", "debt"),
    [(25.0, 2500), (25, 2500), ("25.000000", 2500), (3.3000000000000003, 330), (0.125, 13), (-5, 0), (None, None)],
)
def test_a_balance_is_read_or_unknown(balance: Any, debt: int | None) -> None:
    with koha(oauth=False) as world:
        world.lend(ANNA)
        world.charge(ANNA)
        world.odd["account"] = lambda row: {**row, "balance": balance}
        account = account_of(world)
        assert (account.debt_total, len(account.loans)) == (debt, 1)


def test_a_line_that_cannot_be_read_changes_no_sum() -> None:
    def spoil(row: dict[str, Any]) -> dict[str, Any]:
        debits = row["outstanding_debits"]
        return {**row, "outstanding_debits": {**debits, "lines": [{**debits["lines"][0], "amount": "?"}, 7]}}

    with koha(oauth=False) as world:
        world.lend(ANNA)
        world.charge(ANNA)
        world.odd["account"] = spoil
        account = account_of(world)
        assert (account.debt_total, account.fees, len(account.loans)) == (2500, (), 1)
