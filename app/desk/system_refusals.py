"""What staff read where the library's system refuses an act: why, and what to do. It names the title."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from flask import flash
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from app.desk.routes import desk
from app.ils.port import Refused, Unavailable
from app.web.pages.library_words import naming

SILENT: Final = _l("The library's system does not answer now. Look at the list before you try again.")
_MISUNDERSTOOD: Final = _l(
    "Lånekort and the library's system did not understand each other. Nothing was changed. Tell whoever runs the system"
)
# What only a fault in one of the two programs can bring about; nobody at a desk can mend that.
FAULTS: Final = frozenset(
    {"invalid_json", "method_not_allowed", "not_json", "staff_only"}
    | {"too_large", "unauthenticated", "unknown_library", "unknown_path"}
)
_SENTENCES: Final[Mapping[str, LazyString]] = {
    "unknown_item": _l("This library has no item with that barcode. Compare the digits, or scan it once more."),
    "unknown_loan": _l("The loan is no longer there: it was returned, or ended, meanwhile. Look at the list."),
    "unknown_hold": _l("The reservation is no longer there: it was fetched, cancelled, or kept too long."),
    "unknown_debt": _l("The fee is no longer there. Look at the list."),
    "unknown_agreement": _l("The patron has no such agreement, so there is none to end."),
    "unknown_request": _l(
        "The request is no longer there: it was withdrawn or refused, or has arrived. Open the list again."
    ),
    "on_loan": _l("Somebody else has it. Return it first, under %(label)s.", label=_l("Returns")),
    "not_on_loan": _l("It is not on loan. Put it in its place."),
    "reserved": _l("Somebody else has reserved it. Offer the patron a reservation of their own."),
    "blocked": _l(
        "The card is blocked at this library. What is owed must be settled first: see %(label)s.", label=_l("Lending")
    ),
    "not_for_loan": _l("It is not for loan. It can be used here in the library."),
    "overdue": _l("It is overdue and cannot be renewed. Return it, or ask the patron to bring it."),
    "renewals_used_up": _l("It has been renewed as often as the library allows. It must be returned by its due date."),
    "nothing_gained": _l("Renewing it today would not give more time. It can be renewed nearer to its due date."),
    "not_renewable": _l("This loan cannot be renewed. It must be returned by its due date."),
    "already_on_loan_to_patron": _l("The patron has it already. It can be renewed in the list of loans."),
    "already_reserved": _l("The patron has reserved it already. It is in the list of reservations."),
    "hold_ready": _l("A copy is set aside for the patron already. Cancel the reservation instead, or lend the copy."),
    "too_many_holds": _l("The patron has as many reservations as the library allows. Cancel one first."),
    "overpaid": _l("That is more than is owed. Nothing was received."),
    "already_settled": _l("It is paid or waived already. There is nothing more to do."),
    "wrong_currency": _l(
        "The library's system takes another currency. Nothing was received. Tell whoever runs the system."
    ),
    "cannot_undo": _l("Something has happened to it since, so it is not undone. Lend it or return it by hand."),
    "key_reused": _l(
        "This form was sent before with something else in it. Open the page again, and look at the list first."
    ),
    "wrong_state": _l("That was done already, or another step comes first. Open the list again."),
    "barcode_in_use": _l("Another item has that barcode. Take another one."),
    "owned_here": _l("The library has the title itself. Reserve it instead."),
    "too_recent": _l("This year's and last year's books are not fetched from other libraries. Suggest buying it."),
    "category_not_lent": _l("This kind is not fetched from other libraries."),
    "summer_limit": _l("In summer only a few are fetched from other libraries. Ask again in autumn."),
    "not_offered": _l("The library offers no such agreement."),
    "too_young": _l("The patron is younger than the library allows. Nothing was agreed."),
    "already_asked": _l("The patron has asked for it already. It is under %(label)s.", label=_l("Interlibrary loans")),
    "invalid_field": _l("Something is missing, or is not as it should be. Look at what was typed, and send it again."),
    "done_before": _l("This scan was taken before, and did its work then. Scan it once more to do it again."),
    "date_in_past": _l("The day is past. Choose today or a later day."),
    "same_card_number": _l("Old and new card number are the same. Take another card."),
    "busy": _l("The library's system is busy. Nothing was changed. Try again in a moment."),
    "internal": _l("Something went wrong in the library's system. Nothing was changed. Try again in a moment."),
}


def known_refusals() -> frozenset[str]:
    """Return the codes that staff are told the meaning of."""
    return frozenset(_SENTENCES) | FAULTS


@desk.app_template_filter()
def refusal_at_desk(code: str) -> str:
    """Return a sentence for staff: why the library's system refused, and what to do."""
    # A fault between two programs: who mends it asks for the code.
    return str(_SENTENCES[code]) if code in _SENTENCES else f"{_MISUNDERSTOOD} ({code})."


def refusal_of_title(code: str, title: str) -> str:
    """Return why the library's system refused something about a title; without a title, the reason alone."""
    return naming("%(title)s: %(reason)s", title, reason=refusal_at_desk(code)) if title else refusal_at_desk(code)


@contextmanager
def system_refusals_flashed(*, title: str = "") -> Iterator[None]:
    """Flash why the library's system refused what is asked of it in the block, or that it is silent."""
    try:
        yield
    except Refused as refused:
        flash(refusal_of_title(refused.code, title), "danger")
    except Unavailable:
        flash(str(SILENT), "danger")
