"""What came of one scan, as a line of the desk's running list."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Literal

from flask_babel import format_date
from flask_babel import gettext as _

from app.desk.system_refusals import refusal_at_desk
from app.ils.lending import CheckedOut, Returned, ShownItem
from app.ils.port import Account, Hold
from app.web.pages.library_words import money


class Sign(StrEnum):
    """What staff see and hear: accepted, refused, or something to do."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class Slip:
    """What is printed and put into a copy on the hold shelf."""

    holder: str
    title: str
    fetch_before: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One scan and its outcome. `code` is what was scanned, of a card only its end; `undo` is sealed. `reason` is a
    refused card's, by the word of the card's protocol (docs/card.md). `reserve_for` is the patron who can reserve it.
    `receipt` is the part of the visit's receipt on which the title stands, with `on_receipt` below it; `owed` says
    what the patron owes, where that changed. `is_return`: it counts among the day's returns.
    """

    code: str
    sign: Sign
    headline: str
    title: str = ""
    facts: str = ""
    advice: str = ""
    reason: str = ""
    undo: str = ""
    slip: Slip | None = None
    reserve_for: str = ""
    receipt: Literal["", "lent", "returned"] = ""
    on_receipt: str = ""
    owed: str = ""
    is_return: bool = False

    @property
    def state(self) -> str:
        """`done` or `refused`: the page itself knows `waiting` and `failed`."""
        return "refused" if self.sign is Sign.REFUSED else "done"


def lent_line(done: CheckedOut, *, barcode: str, undo: str) -> Line:
    """An item that was lent."""
    due = format_date(done.loan.due_on, "long")
    headline = (
        _("The patron has it already, until %(due)s.", due=due) if done.repeated else _("Lent until %(due)s.", due=due)
    )
    advice = _("It had been reserved. The reservation has ended.") if done.hold_ended else ""
    return Line(
        code=barcode,
        sign=Sign.ACCEPTED,
        headline=headline,
        title=done.loan.title,
        advice=advice,
        undo=undo,
        receipt="lent",
        on_receipt=_("Due on %(day)s", day=due),
    )


def returned_line(back: Returned, *, barcode: str, currency: str, undo: str, slip: Slip | None) -> Line:
    """An item that came back: where it goes now, and the fee that came of it."""
    fee, sign = fees_of(back, currency), Sign.ATTENTION
    if back.interlibrary:
        headline = send_back_words(back.lender)
    elif back.hold_waiting:
        headline = _("Put it on the hold shelf")
    elif back.due_on is None:
        headline = _("It was marked lost or destroyed, and is in stock again.")
    else:
        headline, sign = _("Returned"), Sign.ATTENTION if fee else Sign.ACCEPTED
    if back.due_on is None:
        # The charge was booked without what it was for, so nobody can find it from here.
        fee = _(
            "What the patron was charged stands. When they ask, open their page and waive it: %(reason)s.",
            reason=_("The item was found"),
        )
    return Line(
        code=barcode,
        sign=sign,
        headline=headline,
        title=back.title,
        advice=fee,
        undo=undo,
        slip=slip,
        is_return=True,
    )


def fees_of(back: Returned, currency: str) -> str:
    """What came of a return: the overdue fee, and the replacement charge that fell away."""
    said = []
    if back.overdue_fee:
        said.append(_("Returned late: %(amount)s", amount=money(back.overdue_fee, currency)))
    if back.charge_waived:
        said.append(_("Replacement charge that falls away: %(amount)s", amount=money(back.charge_waived, currency)))
    return ". ".join(said)


def owed_words(account: Account) -> str:
    """What a patron owes, or that it is nothing."""
    owed = account.debt_total
    return _("Owes %(amount)s", amount=money(owed, account.currency)) if owed else _("Owes nothing")


def send_back_words(lender: str | None) -> str:
    """Where an interlibrary copy goes."""
    if lender is None:
        return _("Send it back to the library that lent it")
    return _("Send it back to %(library)s", library=lender)


def in_stock_line(item: ShownItem, *, slip: Slip | None) -> Line:
    """An item that was to be returned and is not on loan: where it goes."""
    headline = _("Put it on the hold shelf") if item.hold else _("It was returned already.")
    return Line(code=item.barcode, sign=Sign.ATTENTION, headline=headline, title=item.title, slip=slip)


def settled_line(*, barcode: str, headline: str, title: str = "") -> Line:
    """An item whose scan was done before: its answer had been lost."""
    return Line(code=barcode, sign=Sign.ATTENTION, headline=headline, title=title)


def shown_line(item: ShownItem, *, slip: Slip | None) -> Line:
    """An item that was scanned while nobody is being served: where it is, and what to do."""
    if item.on_loan:
        day = format_date(item.due_on, "long") if item.due_on else ""
        headline = _("On loan until %(due)s.", due=day)
        advice = _("To take it in, open %(label)s (F2) and scan it there.", label=_("Returns"))
    elif item.hold:
        day = format_date(item.hold.fetch_before, "long")
        headline = _("On the hold shelf for %(name)s, until %(day)s.", name=slip.holder if slip else "", day=day)
        advice = _("To lend it, scan that patron's card first.")
    elif item.state != "stock":
        headline = _("Marked lost or destroyed.")
        advice = _("To take it into stock again, scan it under %(label)s (F2).", label=_("Returns"))
    elif item.interlibrary:
        headline = send_back_words(item.lender)
        advice = _("It is handled under %(label)s.", label=_("Interlibrary loans"))
    elif not item.for_loan:
        headline, advice = refusal_at_desk("not_for_loan"), ""
    else:
        headline, advice = _("In, and free."), _("To lend it, scan the patron's card first.")
    return Line(code=item.barcode, sign=Sign.ATTENTION, headline=headline, title=item.title, advice=advice, slip=slip)


def refused_line(*, barcode: str, reason: str, title: str = "", advice: str = "", reserve_for: str = "") -> Line:
    """An item that was refused; the title is named where a library has it."""
    sign = Sign.REFUSED
    return Line(code=barcode, sign=sign, headline=reason, title=title, advice=advice, reserve_for=reserve_for)


def reserved_line(hold: Hold, *, barcode: str, undo: str) -> Line:
    """A title that was reserved: the place in its queue, or until when a copy that is in is set aside."""
    if hold.ready and hold.fetch_before:
        day = format_date(hold.fetch_before, "long")
        headline = _("Reserved. A copy is in, and is set aside until %(day)s.", day=day)
    elif hold.queue_position:
        headline = _("Reserved, as number %(place)s in the queue.", place=hold.queue_position)
    else:
        headline = _("Reserved.")
    return Line(code=barcode, sign=Sign.ACCEPTED, headline=headline, title=hold.title, undo=undo)


_ISBN_LENGTH: Final = 13


def is_isbn(text: str) -> bool:
    """Tell whether a text is an ISBN-13 (ISO 2108): 978 or 979, thirteen digits, and the right check digit."""
    if len(text) != _ISBN_LENGTH or not text.isdigit() or not text.startswith(("978", "979")):
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(text)) % 10 == 0
