"""What of Koha's published schema (api/v1/swagger of Koha-Community/Koha) the stand-in for a Koha is held against."""

from typing import Any

TEXT, WHOLE, NUMBER, FLAG, OBJECT, LIST, NULL = str, int, (int, float), bool, dict, list, type(None)

# definitions/*.yaml: the published properties that are used here, with their types.
SCHEMA: dict[str, dict[str, tuple[Any, ...]]] = {
    "patron": {
        "patron_id": (WHOLE,),
        "cardnumber": (TEXT, NULL),
        "surname": (TEXT, NULL),
        "firstname": (TEXT, NULL),
        "date_of_birth": (TEXT, NULL),
        "library_id": (TEXT,),
        "category_id": (TEXT,),
        "expiry_date": (TEXT, NULL),
        "patron_card_lost": (FLAG, NULL),
        "restricted": (FLAG,),
        "account_balance": (NUMBER, NULL),
    },
    "checkout": {
        "checkout_id": (WHOLE,),
        "patron_id": (WHOLE,),
        "item_id": (WHOLE, NULL),
        "due_date": (TEXT,),
        "library_id": (TEXT, NULL),
        "renewals_count": (WHOLE, NULL),
        "onsite_checkout": (FLAG,),
        "checkout_date": (TEXT,),
        "item": (OBJECT, NULL),
    },
    "item": {
        "item_id": (WHOLE,),
        "biblio_id": (WHOLE,),
        "external_id": (TEXT, NULL),
        "effective_item_type_id": (TEXT, NULL),
        "biblio": (OBJECT, NULL),
    },
    "hold": {
        "hold_id": (WHOLE,),
        "patron_id": (WHOLE,),
        "hold_date": (TEXT, NULL),
        "biblio_id": (WHOLE, NULL),
        "priority": (WHOLE, NULL),
        "status": (TEXT, NULL),
        "expiration_date": (TEXT, NULL),
        "pickup_library_id": (TEXT, NULL),
        "suspended": (FLAG,),
        "suspended_until": (TEXT, NULL),
        "biblio": (OBJECT, NULL),
    },
    "library": {"library_id": (TEXT,), "name": (TEXT,), "pickup_location": (FLAG,), "needs_override": (FLAG,)},
    "account_line": {
        "account_line_id": (WHOLE, NULL),
        "checkout_id": (WHOLE, NULL),
        "patron_id": (WHOLE,),
        "date": (TEXT,),
        "amount": (NUMBER,),
        "amount_outstanding": (NUMBER,),
        "description": (TEXT, NULL),
        "debit_type": (TEXT, NULL),
        "status": (TEXT, NULL),
    },
    "patron_balance": {"balance": (NUMBER,), "outstanding_credits": (OBJECT,), "outstanding_debits": (OBJECT,)},
    "error": {"error": (TEXT,), "error_code": (TEXT,)},
}
# paths/holds.yaml: what a body may hold; additionalProperties is false.
HOLD_BODIES = {"holds": {"priority", "pickup_library_id", "suspended_until"}, "suspension": {"end_date"}}
# paths/*.yaml: what x-koha-embed permits.
EMBEDS = {
    "patrons": {"extended_attributes", "checkouts+count", "overdues+count", "account_balance", "library"},
    "checkouts": {"booking", "issuer", "item", "item.biblio", "library", "patron", "renewals"},
    "items": {"+strings", "biblio"},
    "holds": {"cancellation_requested", "biblio", "pickup_library", "item", "patron"},
}
