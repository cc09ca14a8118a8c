"""Items that are scanned: lent to the patron who is being served, returned, or shown."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.desk.refusals import refusal_of
from app.desk.scanning.lines import (
    Line,
    Slip,
    fees_of,
    in_stock_line,
    is_isbn,
    lent_line,
    owed_words,
    refused_line,
    returned_line,
    settled_line,
    shown_line,
)
from app.desk.scanning.undoing import LASTS, Done, seal_done
from app.desk.system_refusals import refusal_at_desk
from app.ils.circulation.system import CirculationSystem
from app.ils.lending import CheckedOut, EndedLoan, Returned, SetAside
from app.ils.port import Refused
from app.register.desk.hold_slip import name_on_slip
from app.register.desk.visits import OpenVisit
from app.register.log.access_log import Viewer
from app.register.patron.libraries import name_nearest
from app.register.patron.patrons import NotJoined
from app.register.store.transaction import reading
from app.rules.card.status import CardRefused
from app.web.gate import find_copies_elsewhere, library_systems
from app.web.pages.library_words import in_a_row

_MOST_ASKED: Final = 8
_CAN_BE_RESERVED: Final = frozenset({"on_loan", "reserved"})


VISIT_OVER: Final = _l("The visit is over. Scan the card again, then the item.")


@dataclass(frozen=True, slots=True)
class Counter:
    """Where items are scanned: the library's system, who works there, and the moment."""

    lending: CirculationSystem
    library_id: str
    viewer: Viewer
    now: datetime

    @property
    def staff(self) -> str:
        """The user name of who works there."""
        return self.viewer.actor


def lend(barcode: str, patron: OpenVisit, counter: Counter, *, key: str) -> Line:
    """Lend an item to the patron who is being served, once for a `key` that is not empty. Raises Unavailable."""
    try:
        patron.check_in_use(counter.library_id)
        done = counter.lending.check_out(card_number=patron.card_number, barcode=barcode, idempotency_key=key)
    except (CardRefused, NotJoined) as error:
        return refused_line(barcode=barcode, reason=refusal_of(error))
    except Refused as refused:
        if refused.code == "done_before":
            return _lent_before(barcode, patron, counter)
        wanted = patron.name if refused.code in _CAN_BE_RESERVED else ""
        return refusal_line(barcode, refused, counter, reserve_for=wanted)
    undo = Done(
        what="lent",
        staff=counter.staff,
        until=counter.now + LASTS,
        title=done.loan.title,
        card_number=patron.card_number,
        barcode=barcode,
        was_held=done.hold_ended,
    )
    return lent_line(done, barcode=barcode, undo="" if done.repeated else seal_done(undo))


def _lent_before(barcode: str, patron: OpenVisit, counter: Counter) -> Line:
    """What became of an item whose check-out was done, and its answer lost."""
    (account,) = counter.lending.accounts(card_numbers=[patron.card_number])
    loan = next((loan for loan in account.loans if loan.barcode == barcode), None)
    if loan is not None:
        return lent_line(CheckedOut(loan, repeated=False), barcode=barcode, undo="")
    return tell(barcode, counter, key="")


def take_back(barcode: str, counter: Counter, *, key: str, served: str | None) -> Line:
    """Return an item, once for a `key` that is not empty. Raises Unavailable.

    `served` is the card number of who is being served: what they return stands on their receipt.
    """
    try:
        back = counter.lending.return_item(barcode=barcode, staff=counter.staff, idempotency_key=key)
    except Refused as refused:
        if refused.code not in ("not_on_loan", "done_before"):
            return refusal_line(barcode, refused, counter)
        try:
            item = counter.lending.show_item(barcode=barcode, staff=counter.staff)
        except Refused:
            # Another library's item is gone with its return.
            return settled_line(barcode=barcode, headline=_("Send it back to its own library"))
        if refused.code == "done_before" and item.on_loan:
            headline = _("It was returned, and has been lent again since.")
            return settled_line(barcode=barcode, headline=headline, title=item.title)
        if refused.code == "done_before" or item.hold:
            return in_stock_line(item, slip=_slip(item.title, item.hold, counter))
        return refusal_line(barcode, refused, counter)
    slip, undo = _slip(back.title, back.hold, counter), _undo_of(back, barcode, counter)
    currency = counter.lending.rules().currency if back.overdue_fee or back.charge_waived else ""
    line = returned_line(back, barcode=barcode, currency=currency, undo=undo, slip=slip)
    if served is None or back.card_number != served:
        return line
    owed = ""
    if currency:
        (account,) = counter.lending.accounts(card_numbers=[served])
        owed = owed_words(account)
    return replace(line, receipt="returned", on_receipt=fees_of(back, currency), owed=owed)


def tell(barcode: str, counter: Counter, *, key: str) -> Line:
    """Tell what became of an item whose visit is over by now: whether the scan with this key lent it.

    Who has it now is not told. Raises Unavailable.
    """
    try:
        item = counter.lending.show_item(barcode=barcode, staff=counter.staff, idempotency_key=key)
    except Refused as refused:
        return refusal_line(barcode, refused, counter)
    if key and not item.done:
        return refused_line(barcode=barcode, reason=str(VISIT_OVER), title=item.title)
    headline = _("It was lent to that patron.") if key else _("It was lent, and has come back since.")
    return settled_line(barcode=barcode, headline=headline, title=item.title)


def show(barcode: str, counter: Counter) -> Line:
    """Show where an item is and what to do, while nobody is being served. Raises Unavailable."""
    try:
        item = counter.lending.show_item(barcode=barcode, staff=counter.staff)
    except Refused as refused:
        return refusal_line(barcode, refused, counter)
    return shown_line(item, slip=_slip(item.title, item.hold, counter))


def _undo_of(back: Returned, barcode: str, counter: Counter) -> str:
    if not back.undoable or back.card_number is None or back.lent_on is None or back.due_on is None:
        return ""
    fee_id = back.fee.fee_id if back.fee else None
    ended = EndedLoan(back.card_number, barcode, back.lent_on, back.due_on, back.renewals, fee_id)
    until = counter.now + LASTS
    return seal_done(Done("returned", counter.staff, until, back.title, back.card_number, barcode, ended=ended))


def _slip(title: str, hold: SetAside | None, counter: Counter) -> Slip | None:
    if hold is None:
        return None
    holder = name_on_slip(
        card_number=hold.card_number, library_id=counter.library_id, viewer=counter.viewer, now=counter.now
    )
    return Slip(holder, title, hold.fetch_before)


def refusal_line(barcode: str, refused: Refused, counter: Counter, *, reserve_for: str = "") -> Line:
    """Name the title, where the library has the item. Of an ISBN say that it is one. Raises Unavailable."""
    title = ""
    if refused.code == "unknown_item":
        if is_isbn(barcode):
            reason = _("This is the ISBN of the book. Scan the library's own barcode.")
            return refused_line(barcode=barcode, reason=reason)
        return _not_ours(barcode, counter)
    with suppress(Refused):
        title = counter.lending.show_item(barcode=barcode, staff=counter.staff).title
    reason = refusal_at_desk(refused.code)
    return refused_line(barcode=barcode, reason=reason, title=title, reserve_for=reserve_for)


def _not_ours(barcode: str, counter: Counter) -> Line:
    """Name the library that has the item, where a neighbour that we are connected to says so."""
    others = [each for each in library_systems().which_lend() if each != counter.library_id]
    with reading():
        names = name_nearest(library_id=counter.library_id, among=others, limit=_MOST_ASKED)
    found = find_copies_elsewhere(library_ids=names, barcode=barcode, staff=counter.staff)
    if found:
        owners = in_a_row((names[library_id] for library_id in found), "or")
        reason = _("This library has no item with that barcode. It belongs to %(library)s.", library=owners)
        advice = _("It is neither lent nor returned here: send it there.")
    else:
        reason = refusal_at_desk("unknown_item")
        advice = _("It may be another library's: look at the label. What is new is put into the catalogue first.")
    return refused_line(barcode=barcode, reason=reason, title=in_a_row(found.values(), "or"), advice=advice)
