"""Lending by our own circulation, through the gate, in this process and over HTTP."""

from datetime import date

import pytest

from app.ils.circulation.system import CirculationSystem
from app.ils.lending import EndedLoan
from app.ils.policy import MonthDay
from app.ils.port import Block, Refused, Unavailable
from tests.contract.world import ANNA, BERIT, CARLA, NOW

STAFF = "desk-1"


def refusal(act) -> str:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.code


def test_it_is_a_lending_system(circulation):
    assert isinstance(circulation.lending, CirculationSystem)


def test_a_copy_goes_out_once_and_the_second_scan_repeats(circulation):
    barcode = circulation.stock()
    first = circulation.lending.check_out(card_number=ANNA, barcode=barcode)
    again = circulation.lending.check_out(card_number=ANNA, barcode=barcode)
    assert (first.repeated, again.repeated) == (False, True)
    assert again.loan == first.loan
    assert first.loan.barcode == barcode
    assert refusal(lambda: circulation.lending.check_out(card_number=BERIT, barcode=barcode)) == "on_loan"


def test_a_copy_comes_back_with_its_overdue_fee(circulation):
    lent = circulation.lend(ANNA, days_ago=35)
    back = circulation.lending.return_item(barcode=circulation.barcode_of(lent), staff=STAFF)
    assert (back.card_number, back.due_on, back.title) == (ANNA, lent.due_on, lent.title)
    assert back.fee is not None
    assert back.fee.kind == "overdue"
    assert back.overdue_fee == back.fee.outstanding > 0
    assert not back.hold_waiting


def test_a_copy_that_somebody_waits_for_goes_to_the_hold_shelf(circulation):
    lent = circulation.lend(ANNA)
    barcode = circulation.barcode_of(lent)
    hold = circulation.lending.reserve(card_number=BERIT, barcode=barcode)
    assert (hold.ready, hold.queue_position) == (False, 1)
    assert circulation.lending.return_item(barcode=barcode, staff=STAFF).hold_waiting
    circulation.lending.cancel_hold(card_number=BERIT, hold_id=hold.hold_id)
    assert refusal(lambda: circulation.lending.cancel_hold(card_number=BERIT, hold_id=hold.hold_id)) == "unknown_hold"


def test_a_title_is_found_with_its_copies_and_its_queue(circulation):
    barcode = circulation.stock("Kejsarn av Portugallien")
    circulation.lending.check_out(card_number=ANNA, barcode=barcode)
    circulation.lending.reserve(card_number=BERIT, barcode=barcode)
    found = circulation.lending.find_titles(text="kejsarn", staff=STAFF)
    (title,) = found.titles
    assert (title.barcode, title.title, title.author) == (barcode, "Kejsarn av Portugallien", "Lagerlöf, Selma")
    assert (title.copies, title.free, title.waiting, found.more) == (1, 0, 1, False)
    assert circulation.lending.find_titles(text="strindberg", staff=STAFF).titles == ()


def test_a_return_by_mistake_is_undone(circulation):
    lent = circulation.lend(ANNA, days_ago=35)
    barcode = circulation.barcode_of(lent)
    back = circulation.lending.return_item(barcode=barcode, staff=STAFF)
    assert back.undoable
    assert back.fee is not None
    ended = EndedLoan(back.card_number, barcode, back.lent_on, back.due_on, back.renewals, back.fee.fee_id)
    circulation.lending.undo_return(ended, staff=STAFF)
    (account,) = circulation.lending.accounts(card_numbers=[ANNA])
    assert [(loan.barcode, loan.due_on) for loan in account.loans] == [(barcode, lent.due_on)]
    assert account.debt_total == 0
    assert refusal(lambda: circulation.lending.undo_return(ended, staff=STAFF)) == "cannot_undo"


def test_a_check_out_by_mistake_is_undone_with_the_hold_that_it_ended(circulation):
    barcode = circulation.stock()
    circulation.lending.reserve(card_number=ANNA, barcode=barcode)
    assert circulation.lending.check_out(card_number=ANNA, barcode=barcode).hold_ended
    circulation.lending.undo_check_out(card_number=ANNA, barcode=barcode, was_held=True, staff=STAFF)
    shown = circulation.lending.show_item(barcode=barcode, staff=STAFF)
    assert (shown.on_loan, shown.hold and shown.hold.card_number) == (False, ANNA)


def test_another_librarys_copy_is_unknown(circulation):
    barcode = circulation.stock()
    elsewhere = circulation.open("2023500")
    assert refusal(lambda: elsewhere.check_out(card_number=ANNA, barcode=barcode)) == "unknown_item"
    assert refusal(lambda: elsewhere.return_item(barcode=barcode, staff=STAFF)) == "unknown_item"


def test_a_blocked_card_is_told_why(circulation):
    for _ in range(9):
        key = f"card-{_:08}"
        circulation.lending.issue_replacement_card(card_number=ANNA, idempotency_key=key, staff=STAFF)
    with pytest.raises(Refused) as refused:
        circulation.lending.check_out(card_number=ANNA, barcode=circulation.stock())
    assert refused.value.code == "blocked"
    assert refused.value.blocks == (Block("debt", 22500),)


def test_money_is_received_once_a_key_and_never_more_than_is_owed(circulation):
    circulation.charge(ANNA)
    pay = {"card_number": ANNA, "currency": "SEK", "idempotency_key": "payment-1", "staff": STAFF}
    receipt = circulation.lending.pay(amount=1000, **pay)
    assert (receipt.amount, receipt.debt_total, receipt.repeated) == (1000, 1500, False)
    again = circulation.lending.pay(amount=1000, **pay)
    assert (again.payment_id, again.debt_total, again.repeated) == (receipt.payment_id, 1500, True)
    assert refusal(lambda: circulation.lending.pay(amount=900, **pay)) == "key_reused"
    another = {**pay, "idempotency_key": "payment-2"}
    assert refusal(lambda: circulation.lending.pay(amount=1501, **another)) == "overpaid"
    assert refusal(lambda: circulation.lending.pay(amount=-1, **another)) == "invalid_field"
    assert refusal(lambda: circulation.lending.pay(amount=10, **{**another, "currency": "NOK"})) == "wrong_currency"
    assert circulation.lending.accounts(card_numbers=[ANNA])[0].debt_total == 1500


def test_a_fee_is_waived_with_a_reason(circulation):
    circulation.charge(ANNA)
    (fee,) = circulation.lending.accounts(card_numbers=[ANNA])[0].fees
    waive = {"fee_id": fee.fee_id, "reason": "goodwill", "staff": STAFF}
    assert refusal(lambda: circulation.lending.waive(card_number=BERIT, **waive)) == "unknown_debt"
    waived = circulation.lending.waive(card_number=ANNA, **waive)
    assert (waived.fee.outstanding, waived.debt_total) == (0, 0)
    assert refusal(lambda: circulation.lending.waive(card_number=ANNA, **waive)) == "already_settled"


def test_a_lost_or_destroyed_copy_is_charged_and_its_loan_ends(circulation):
    lost, destroyed = circulation.lend(ANNA), circulation.lend(ANNA)
    charged = circulation.lending.mark_lost(barcode=circulation.barcode_of(lost), staff=STAFF)
    assert [fee.kind for fee in charged.fees] == ["replacement_charge"]
    assert charged.total == 30000
    assert circulation.lending.mark_destroyed(barcode=circulation.barcode_of(destroyed), staff=STAFF).total == 30000
    (account,) = circulation.lending.accounts(card_numbers=[ANNA])
    assert (account.loans, account.debt_total) == ((), 60000)


def test_the_price_of_a_later_return_is_told(circulation):
    lent = circulation.lend(ANNA)
    on = date(2026, 4, 9)
    cost = circulation.lending.cost(card_number=ANNA, on=on)
    assert cost.on == on
    assert [row.loan_id for row in cost.loans] == [lent.loan_id]
    assert cost.total == cost.fees + cost.claim_fees == 200 * (on - lent.due_on).days
    assert circulation.lending.cost(card_number=ANNA, on=on, loan_id=lent.loan_id) == cost
    assert refusal(lambda: circulation.lending.cost(card_number=BERIT, on=on, loan_id=lent.loan_id)) == "unknown_loan"
    assert refusal(lambda: circulation.lending.cost(card_number=ANNA, on=date(2026, 3, 1))) == "date_in_past"


def test_a_title_is_fetched_from_another_library(circulation):
    ask = {"title": "Fångaren i dimman", "author": "Sten, Karla", "category": "book"}
    asked = circulation.lending.ask_interlibrary(
        card_number=ANNA, publication_year=2020, idempotency_key="request-1", **ask
    )
    assert (asked.state, asked.title, asked.card_number) == ("asked", "Fångaren i dimman", None)
    assert circulation.lending.accounts(card_numbers=[ANNA])[0].requests == (asked,)
    work = circulation.lending.list_interlibrary(staff=STAFF)
    assert [(request.request_id, request.card_number) for request in work.requests] == [(asked.request_id, ANNA)]
    handle = {"request_id": asked.request_id, "staff": STAFF}
    ordered = circulation.lending.handle_interlibrary(action="order", **handle)
    assert ordered.request is not None
    assert ordered.request.state == "ordered"
    cancel = {"card_number": ANNA, "request_id": asked.request_id}
    assert refusal(lambda: circulation.lending.cancel_interlibrary(**cancel)) == "wrong_state"
    come = circulation.lending.handle_interlibrary(
        action="arrive", barcode="OTHER-1", due_on=date(2026, 4, 1), **handle
    )
    assert come.loan is not None
    assert (come.loan.interlibrary, come.loan.due_on) == (True, date(2026, 4, 1))
    assert come.fee is not None
    assert come.fee.kind == "interlibrary"
    assert [row.barcode for row in circulation.lending.list_interlibrary(staff=STAFF).on_loan] == ["OTHER-1"]
    assert circulation.lending.return_item(barcode="OTHER-1", staff=STAFF).interlibrary


def test_an_interlibrary_request_is_refused_with_its_reason_taken_back_and_refused_by_staff(circulation):
    ask = {"card_number": ANNA, "title": "Helt ny bok", "author": "Ny, Ny", "category": "book"}
    too_new = {**ask, "publication_year": NOW.year, "idempotency_key": "request-2"}
    assert refusal(lambda: circulation.lending.ask_interlibrary(**too_new)) == "too_recent"
    first = circulation.lending.ask_interlibrary(**ask, publication_year=2019, idempotency_key="request-3")
    circulation.lending.cancel_interlibrary(card_number=ANNA, request_id=first.request_id)
    second = circulation.lending.ask_interlibrary(**ask, publication_year=2019, idempotency_key="request-4")
    refused = circulation.lending.handle_interlibrary(request_id=second.request_id, action="refuse", staff=STAFF)
    assert (refused.request, refused.loan, refused.fee) == (None, None, None)
    assert circulation.lending.list_interlibrary(staff=STAFF).requests == ()


def test_everything_follows_to_a_replaced_cards_number(circulation):
    lent = circulation.lend(ANNA)
    moved = circulation.lending.rename_card(old_card_number=ANNA, new_card_number=CARLA)
    assert moved["loans"] == 1
    old, new = circulation.lending.accounts(card_numbers=[ANNA, CARLA])
    assert (old.loans, [loan.loan_id for loan in new.loans]) == ((), [lent.loan_id])
    assert not any(circulation.lending.rename_card(old_card_number=ANNA, new_card_number=CARLA).values())
    same = {"old_card_number": ANNA, "new_card_number": ANNA}
    assert refusal(lambda: circulation.lending.rename_card(**same)) == "same_card_number"


def test_a_patron_who_leaves_is_told_what_is_kept_and_why(circulation):
    lent = circulation.lend(ANNA)
    before = circulation.lending.end_patron(card_number=ANNA, dry_run=True)
    assert before.dry_run
    assert [(kept.kind, kept.count) for kept in before.kept] == [("open_loans", 1)]
    assert before.kept[0].reason
    circulation.take_back(lent)
    assert circulation.lending.end_patron(card_number=ANNA, dry_run=False).kept == ()


def test_the_rules_are_the_ones_that_are_charged_by(circulation):
    rules = circulation.lending.rules()
    books = rules.categories[0]
    assert (rules.library_id, rules.currency, rules.example) == ("Mull", "SEK", False)
    assert (books.id, books.loan_days, books.overdue_per_day) == ("book", 28, 200)
    assert books.exempt_shelf_prefixes == ("Hcf", "Hcg")
    assert (rules.debt_above, rules.replacement_card, rules.max_renewals) == (20000, 2500, 2)
    assert [claim.invoice for claim in rules.claims].count(True) == 1
    assert rules.interlibrary is not None
    assert rules.interlibrary.fee == 2500
    assert rules.interlibrary.summer is not None
    assert rules.interlibrary.summer.first == MonthDay(6, 1)
    assert circulation.open("2023500").rules().currency == "NOK"


def test_a_library_that_the_building_does_not_serve_is_no_answer(circulation):
    with pytest.raises(Unavailable) as unavailable:
        circulation.open("Nba").accounts(card_numbers=[ANNA])
    assert unavailable.value.reason == "bad_answer"


def test_what_a_patron_wants_to_be_reminded_of_is_told_and_may_be_told_again(circulation):
    chosen = {"due": "push", "ready": "email", "overdue": "sms", "days_before": 5, "quiet_from": None, "quiet_to": None}
    circulation.lending.choose_reminders(card_number=ANNA, choices=chosen)
    circulation.lending.choose_reminders(card_number=ANNA, choices=chosen | {"quiet_from": 21, "quiet_to": 8})
    assert refusal(lambda: circulation.lending.choose_reminders(card_number=ANNA, choices={"due": "fax"})) == (
        "invalid_field"
    )
