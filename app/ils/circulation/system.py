"""A library that runs our own circulation, by its HTTP contract (circulation/v1, JSON, Basic authentication).

Every call but the rules is a POST whose body holds what must not stand in an address.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import InitVar, dataclass, field
from datetime import date
from functools import partial

import httpx

from app.ils import lending
from app.ils.budget import BUDGET_SECONDS, call_within
from app.ils.circulation.problems import UnknownCall, problem_of
from app.ils.circulation.rulebook import Rulebook
from app.ils.guard import Guard
from app.ils.json_call import call_json
from app.ils.policy import ComingRules, LibraryRules
from app.ils.port import Account, Fee, Hold, Loan, Place, Refused, Renewal, Request, T, Unavailable, read
from app.ils.reading import Code, Currency, Flag, Number, Text

# An answer that says no more than that it went well.
_Done = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Family:
    currency: Currency
    patrons: tuple[dict[str, object], ...]


@dataclass(frozen=True, slots=True)
class _Replaced:
    debt: Fee | None = None


@dataclass(frozen=True, slots=True)
class _Version:
    version: Text
    tables: Text


@dataclass(eq=False, repr=False, kw_only=True)
class CirculationSystem:
    """One library of one circulation building. Fulfils LibrarySystem; safe to share between threads.

    Every call may raise Unavailable, and Refused with the codes named. `url` is the building's address without a path,
    `user` and `password` are the building's. The client may be shared by all libraries there.
    """

    client: httpx.Client
    url: str
    library_id: str
    user: InitVar[str]
    password: InitVar[str]
    seconds: float = BUDGET_SECONDS
    guard: Guard = field(default_factory=Guard)

    def __post_init__(self, user: str, password: str) -> None:
        self._base = f"{self.url.rstrip('/')}/circulation/v1/{self.library_id}"
        self.auth = httpx.BasicAuth(user, password)

    def accounts(self, *, card_numbers: Sequence[str]) -> list[Account]:
        """See LibrarySystem."""
        asked = list(dict.fromkeys(card_numbers))
        if not asked:
            return []
        family = self._post(_Family, "patrons/overview", card_numbers=asked)
        found = [read(Account, {**patron, "currency": family.currency}) for patron in family.patrons]
        if [account.card_number for account in found] != asked:
            raise Unavailable("bad_answer")
        return found

    def renew(self, *, card_number: str, loan_id: str) -> Loan:
        """See LibrarySystem."""
        return self._post(Loan, "loans/renew", "loan", card_number=card_number, loan_id=loan_id)

    def renew_all(self, *, card_number: str) -> list[Renewal]:
        """See LibrarySystem."""
        return self._post(list[Renewal], "loans/renew-all", "results", card_number=card_number)

    def rules(self, *, on: date | None = None) -> LibraryRules:
        """Return the library's rules as they are today, or on a day."""
        return self.ask(LibraryRules, "GET", f"rules?on={on}" if on else "rules")

    def coming_rules(self) -> Sequence[ComingRules]:
        """Return the rules that are published for days to come, in the order of those days."""
        try:
            return self.ask(tuple[ComingRules, ...], "GET", "rules/coming", "coming")
        except UnknownCall:  # an older building tells of none
            return ()

    @property
    def rulebook(self) -> Rulebook:
        """The library's rules over time, for those who change them."""
        return Rulebook(self.ask)

    def check_out(self, *, card_number: str, barcode: str, idempotency_key: str = "") -> lending.CheckedOut:
        """Lend a copy. Refused: unknown_item, on_loan, reserved, blocked, not_for_loan, done_before (the key)."""
        once = _once(idempotency_key)
        return self._post(lending.CheckedOut, "loans/checkout", card_number=card_number, barcode=barcode, **once)

    def return_item(self, *, barcode: str, staff: str, idempotency_key: str = "") -> lending.Returned:
        """Take a copy back. Refused: unknown_item (also another library's), not_on_loan, done_before (the key)."""
        return self._post_as(staff, lending.Returned, "loans/return", barcode=barcode, **_once(idempotency_key))

    def show_item(self, *, barcode: str, staff: str, idempotency_key: str = "") -> lending.ShownItem:
        """Return where a copy is, and never who has it. Refused: unknown_item."""
        return self._post_as(staff, lending.ShownItem, "items/show", barcode=barcode, **_once(idempotency_key))

    def find_titles(self, *, text: str, staff: str) -> lending.FoundTitles:
        """Find what can be reserved, by words of title and author, or by a copy's barcode."""
        return self._post_as(staff, lending.FoundTitles, "items/find", text=text)

    def undo_check_out(self, *, card_number: str, barcode: str, was_held: bool, staff: str) -> None:
        """End a loan of today; `was_held`: it had been reserved. Refused: unknown_item, cannot_undo."""
        undone = {"card_number": card_number, "barcode": barcode, "was_held": was_held}
        self._post_as(staff, _Done, "loans/undo-checkout", **undone)

    def undo_return(self, loan: lending.EndedLoan, *, staff: str) -> None:
        """Make a loan as it was before its return, whose fee is deleted. Refused: unknown_item, cannot_undo."""
        whose = {"card_number": loan.card_number, "barcode": loan.barcode, "renewals": loan.renewals}
        days = {"lent_on": loan.lent_on.isoformat(), "due_on": loan.due_on.isoformat()}
        fee = {} if loan.fee_id is None else {"debt_id": loan.fee_id}
        self._post_as(staff, _Done, "loans/undo-return", **whose, **days, **fee)

    def cost(self, *, card_number: str, on: date, loan_id: str | None = None) -> lending.Cost:
        """Return the cost of returning on that day. Refused: date_in_past, unknown_loan, invalid_field (too far)."""
        one = {} if loan_id is None else {"loan_id": loan_id}
        return self._post(lending.Cost, "loans/cost", card_number=card_number, on=on.isoformat(), **one)

    def mark_lost(self, *, barcode: str, staff: str) -> lending.Charged:
        """End a loan whose copy is lost. Refused: unknown_item, not_for_loan."""
        return self._post_as(staff, lending.Charged, "loans/lost", barcode=barcode)

    def mark_destroyed(self, *, barcode: str, staff: str) -> lending.Charged:
        """End a loan whose copy is destroyed. Refused: unknown_item, not_for_loan."""
        return self._post_as(staff, lending.Charged, "loans/destroyed", barcode=barcode)

    def reserve(self, *, card_number: str, barcode: str) -> Hold:
        """Queue for the edition of which `barcode` is any copy. Refused: unknown_item, already_on_loan_to_patron,
        already_reserved, too_many_holds, blocked, not_for_loan."""
        return self._post(Hold, "holds/reserve", "hold", card_number=card_number, barcode=barcode)

    def cancel_hold(self, *, card_number: str, hold_id: str) -> None:
        """Leave the queue. Refused: unknown_hold."""
        self._post(_Done, "holds/cancel", card_number=card_number, hold_id=hold_id)

    def pause_hold(self, *, card_number: str, hold_id: str, first: date, last: date) -> None:
        """See LibrarySystem."""
        days = {"paused_from": first.isoformat(), "paused_until": last.isoformat()}
        self._post(_Done, "holds/pause", card_number=card_number, hold_id=hold_id, **days)

    def resume_hold(self, *, card_number: str, hold_id: str) -> None:
        """See LibrarySystem."""
        self._post(_Done, "holds/resume", card_number=card_number, hold_id=hold_id)

    def pickup_places(self, *, card_number: str, hold_id: str) -> list[Place]:
        """See LibrarySystem. The building serves one library, without branches."""
        return []

    def move_hold(self, *, card_number: str, hold_id: str, place_id: str) -> None:
        """See LibrarySystem."""
        raise Refused("cannot_move")

    def pay(self, *, card_number: str, amount: int, currency: str, idempotency_key: str, staff: str) -> lending.Payment:
        """Receive money, oldest fee first. Refused: overpaid, wrong_currency, key_reused, invalid_field (amount)."""
        paid = {"amount": amount, "currency": currency, "idempotency_key": idempotency_key}
        return self._post_as(staff, lending.Payment, "fees/pay", card_number=card_number, **paid)

    def waive(self, *, card_number: str, fee_id: str, reason: lending.WaiveReason, staff: str) -> lending.Waived:
        """Forgo a fee. Refused: unknown_debt, already_settled."""
        return self._post_as(
            staff, lending.Waived, "fees/waive", card_number=card_number, debt_id=fee_id, reason=reason
        )

    def issue_replacement_card(self, *, card_number: str, idempotency_key: str, staff: str) -> Fee | None:
        """Charge for a new card; None where it is free. `rename_card` sends its number. Refused: key_reused."""
        charged = {"card_number": card_number, "idempotency_key": idempotency_key}
        return self._post_as(staff, _Replaced, "cards/replacement", **charged).debt

    def rename_card(self, *, old_card_number: str, new_card_number: str) -> Mapping[str, int]:
        """Move everything to a replaced card's new number, also where that one is in use already. Returns counts by
        kind, zeros when repeated. Refused: same_card_number."""
        numbers = {"old_card_number": old_card_number, "new_card_number": new_card_number}
        return self._post(dict[Text, Number], "patrons/rename", "moved", **numbers)

    def end_patron(self, *, card_number: str, dry_run: bool) -> lending.Ending:
        """Erase what need not be kept about a card; with `dry_run` only count it. Idempotent."""
        return self._post(lending.Ending, "patrons/end", card_number=card_number, dry_run=dry_run)

    def choose_reminders(self, *, card_number: str, choices: Mapping[str, object]) -> None:
        """Tell what the card's holder wants to be reminded of; it replaces what was told before."""
        # No quiet hours are there the same hour twice.
        given = {name: value if value is not None else 0 for name, value in choices.items()}
        # An older building reminds as its policy says; nothing else is to wait for its upgrade.
        with suppress(UnknownCall):
            self._post(_Done, "patrons/reminders", card_number=card_number, **given)

    def ask_interlibrary(
        self, *, card_number: str, title: str, author: str, publication_year: int, category: str, idempotency_key: str
    ) -> Request:
        """Ask for a title from another library. Refused: owned_here, too_recent, category_not_lent, summer_limit,
        blocked, already_asked, key_reused."""
        wanted = {"title": title, "author": author, "publication_year": publication_year, "category": category}
        own = {"card_number": card_number, "idempotency_key": idempotency_key}
        return self._post(Request, "interlibrary/ask", "request", **own, **wanted)

    def cancel_interlibrary(self, *, card_number: str, request_id: str) -> None:
        """Take back a request that is not ordered yet. Refused: unknown_request, wrong_state."""
        self._post(_Done, "interlibrary/cancel", card_number=card_number, request_id=request_id)

    def list_interlibrary(self, *, staff: str) -> lending.InterlibraryWork:
        """List what was asked for and what has come."""
        return self._post_as(staff, lending.InterlibraryWork, "interlibrary/list")

    def handle_interlibrary(
        self,
        *,
        request_id: str,
        action: lending.InterlibraryAction,
        staff: str,
        barcode: str | None = None,
        due_on: date | None = None,
        lender: str | None = None,
    ) -> lending.Handled:
        """Order a request, lend out what arrived (with `barcode`, and the lending library's `due_on` and name if they
        are known), or refuse it. Refused: unknown_request, wrong_state, barcode_in_use, date_in_past."""
        arrival = {"barcode": barcode, "lender": lender, "due_on": None if due_on is None else due_on.isoformat()}
        given = {name: value for name, value in arrival.items() if value is not None}
        return self._post_as(
            staff, lending.Handled, "interlibrary/handle", request_id=request_id, action=action, **given
        )

    def enter(self, *, card_number: str, age: int, door: str) -> str:
        """Decide whether the door opens, and log it. Returns OPENED, or why not: outside_hours, no_agreement,
        withdrawn, under_age, blocked."""
        return self._post(Code, "door/enter", "outcome", card_number=card_number, age=age, door=door)

    def note_refusal(self, *, card_number: str | None, reason: str, door: str) -> None:
        """Log that the door stayed shut for a reason that the register found."""
        whose = {} if card_number is None else {"card_number": card_number}
        self._post(_Done, "door/enter", refused=reason, door=door, **whose)

    def allows(self, *, card_number: str, kind: str) -> bool:
        """Return whether the card has this agreement and is not blocked."""
        return self._post(Flag, "agreements/check", "allowed", card_number=card_number, kind=kind)

    def agreements(self, *, card_number: str, staff: str) -> lending.Agreements:
        """Return what is offered and what is agreed."""
        return self._post_as(staff, lending.Agreements, "agreements/list", card_number=card_number)

    def note_agreement(self, *, card_number: str, kind: str, age: int, staff: str) -> None:
        """Write down an agreement that was made at the desk. Refused: not_offered, too_young."""
        self._post_as(staff, _Done, "agreements/note", card_number=card_number, kind=kind, age=age)

    def withdraw_agreement(self, *, card_number: str, kind: str, staff: str) -> None:
        """End an agreement. Refused: unknown_agreement."""
        self._post_as(staff, _Done, "agreements/withdraw", card_number=card_number, kind=kind)

    def door_book(self, *, before: int | None, staff: str) -> lending.DoorBook:
        """Return a page of the door's book; `before` is the last number of the page before."""
        page = {} if before is None else {"before": before}
        return self._post_as(staff, lending.DoorBook, "door/entries", **page)

    def totals(self, *, year: int, staff: str) -> lending.YearTotals:
        """Return what was lent in a year, in numbers that are made safe before they are shown."""
        return self._post_as(staff, lending.YearTotals, "totals/show", year=year)

    def version(self) -> str:
        """See LibrarySystem."""
        try:
            told = self.ask(_Version, "GET", "version")
        except UnknownCall:
            # An older building.
            return ""
        return f"Lånekort {told.version} ({told.tables})"

    def _post(self, kind: type[T], call: str, member: str = "", /, **body: object) -> T:
        return self.ask(kind, "POST", call, member, body)

    def _post_as(self, staff: str, kind: type[T], call: str, /, **body: object) -> T:
        return self.ask(kind, "POST", call, "", {**body, "role": "staff", "staff": staff})

    def ask(self, kind: type[T], method: str, call: str, member: str = "", body: object = None) -> T:
        """Make one call and return its answer, or the named member of it, as `kind`."""
        url = f"{self._base}/{call}"
        send = partial(call_json, client=self.client, method=method, url=url, body=body, auth=self.auth)
        reply = call_within(self.seconds, send, guard=self.guard)
        if reply.status != 200 or reply.media_type != "application/json":
            raise problem_of(reply)
        return read(kind, reply.read(dict[str, object]).get(member) if member else reply.json())


def _once(idempotency_key: str) -> dict[str, str]:
    return {"idempotency_key": idempotency_key} if idempotency_key else {}
