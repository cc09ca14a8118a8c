"""What this building refuses, and how it says so.

Every refusal has a stable code that a machine may act on; the sentence is for people. Neither ever holds a
card number or a title, since errors end up in logs.
"""

from __future__ import annotations

from typing import Final

# code -> (HTTP status, sentence). The codes are part of the HTTP contract: none is renamed or reused.
PROBLEMS: Final[dict[str, tuple[int, str]]] = {
    "invalid_json": (400, "The body is not a JSON object in UTF-8."),
    "unauthenticated": (401, "User name and password of this building are needed."),
    "staff_only": (403, "Only staff of the library may do this."),
    "unknown_library": (404, "This building serves no such library."),
    "unknown_path": (404, "There is nothing at this address."),
    "unknown_item": (404, "No copy of this library has that barcode."),
    "unknown_loan": (404, "This card has no such loan."),
    "unknown_hold": (404, "This card has no such hold."),
    "unknown_debt": (404, "This card has no such debt."),
    "unknown_agreement": (404, "This card has no such agreement."),
    "unknown_version": (404, "There are no such rules."),
    "unknown_request": (404, "There is no such interlibrary request."),
    "method_not_allowed": (405, "This address does not take that method."),
    "too_large": (413, "The body is too large."),
    "not_json": (415, "The body must be application/json."),
    "on_loan": (409, "Another patron has this copy."),
    "not_on_loan": (409, "This copy is not on loan."),
    "reserved": (409, "Another patron has reserved this."),
    "blocked": (409, "This card is blocked at this library."),
    "not_for_loan": (409, "This copy is not for loan."),
    "overdue": (409, "An overdue loan cannot be renewed."),
    "renewals_used_up": (409, "This loan has been renewed as often as the library allows."),
    "nothing_gained": (409, "Renewing today would not move the due date."),
    "not_renewable": (409, "An interlibrary loan cannot be renewed here."),
    "already_on_loan_to_patron": (409, "This patron already has it on loan."),
    "already_reserved": (409, "This patron has already reserved it."),
    "hold_ready": (409, "A copy is set aside for this hold already."),
    "too_many_holds": (409, "This patron has as many holds as the library allows."),
    "overpaid": (409, "The amount is more than is owed."),
    "already_settled": (409, "This debt is settled."),
    "wrong_currency": (409, "This library does not take that currency."),
    "cannot_undo": (409, "It was changed since, and cannot be undone."),
    "done_before": (409, "An act with that idempotency key was done before."),
    "key_reused": (409, "That idempotency key belongs to another act."),
    "wrong_state": (409, "The interlibrary request is not in a state for that."),
    "barcode_in_use": (409, "Another copy has that barcode."),
    "owned_here": (409, "The library owns this title: reserve it instead."),
    "too_recent": (409, "The title is too new to be borrowed from other libraries."),
    "category_not_lent": (409, "The library does not borrow this kind of media from others."),
    "summer_limit": (409, "The library takes no more interlibrary requests in the summer."),
    "not_offered": (409, "The library offers no such agreement."),
    "too_young": (409, "The patron is younger than the library allows."),
    "no_draft": (409, "There is no draft of rules."),
    "nothing_changed": (409, "The draft says what the newest rules say."),
    "later_rules": (409, "Rules for a later day are published already."),
    "in_force": (409, "Those rules hold already."),
    "already_asked": (409, "This patron has already asked for it."),
    "changed_meanwhile": (412, "The rules were changed since you saw them."),
    "bad_rules": (422, "The rules cannot be used as they are."),
    "invalid_field": (422, "A field is missing or not as it should be."),
    "date_in_past": (422, "The date lies in the past."),
    "same_card_number": (422, "Old and new card number are the same."),
    "internal": (500, "Something went wrong in this building. Nothing was changed."),
    "busy": (503, "The database did not answer in time. Nothing was changed."),
}


class Refused(Exception):
    """An act that the library's rules or its data do not allow; nothing was changed.

    `code` is a key of PROBLEMS; `facts` are added to the problem document and hold neither card number nor title.
    """

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts
