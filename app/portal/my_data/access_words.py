"""Words for an access to a patron's data: in which role, what for, and to which kinds of information."""

from collections.abc import Mapping
from typing import Final

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.portal.routes import portal
from app.register.log.accesses import ShownAccess
from app.rules.people.fields import FIELDS as PATRON_FIELDS

ROLES: Final[Mapping[str, LazyString]] = {
    "staff": _l("staff at the desk"),
    "kiosk": _l("a kiosk or door"),
    "system": _l("the library's computer system"),
    "guardian": _l("A guardian"),
    "supplier": _l("a supplier of e-books"),
}
PURPOSES: Final[Mapping[str, LazyString]] = {
    "scan": _l("Your card was scanned"),
    "counter": _l("You were served at the desk"),
    "look-up": _l("You were looked up at the desk"),
    "recently served": _l("Your name was on the desk's list of those just served, for ten minutes at most"),
    "served again": _l("The staff went on serving you, without a new scan"),
    "papers": _l("The staff noted that they have seen your photo id or other papers"),
    "fetch": _l("The library fetched your data to keep its own up to date"),
    "hold slip": _l("Something that you reserved was set aside for you"),
    "family folder": _l("Your loans were looked at in the family folder"),
    "missing papers": _l("You were on the desk's list of patrons of whom a consent or a look at papers is missing"),
    "post": _l("A letter or message to you was handled"),
    "import": _l("Your library compared its own list with the register, when it moved its patrons in"),
    "export": _l("Your library took a copy of its patrons' data out of the register"),
    "enrol": _l("The library's system gave you a card"),
    "activate": _l("The library's system activated your card"),
    "activate by PIN": _l("The library's system activated your card: your PIN was entered there"),
    "activate by papers": _l("The library's system activated your card: it says that papers were shown there"),
    "activate by scan": _l("The library's system activated your card, which was scanned there"),
    "correct": _l("The library's system corrected your data"),
    "pin-check": _l("Your PIN was entered at a machine, and it was right"),
}
FIELDS: Final[Mapping[str, LazyString]] = {field.log_word: _l(field.label) for field in reversed(PATRON_FIELDS)} | {
    "age": _l("age"),
    "age band": _l("age group"),
    "agreements": _l("agreements"),
    "card": _l("the card"),
    "card state": _l("state of the card"),
    "contact data": _l("contact data"),
    "device": _l("device"),
    "devices": _l("devices"),
    "driving licence": _l("driving licence"),
    "fees": _l("fees"),
    "holds": _l("reservations"),
    "identity card": _l("identity card"),
    "loans": _l("loans"),
    "other papers": _l("other papers"),
    "passport": _l("passport"),
    "PIN": _l("that the PIN was right"),
    "place": _l("post town"),
    "residence permit": _l("residence permit"),
}
ACCESS_WORDS: Final = {"role": ROLES, "purpose": PURPOSES, "fields": FIELDS}
"""The words by column of the access log."""


@portal.app_template_filter("look_role")
def role_words(access: ShownAccess) -> str:
    """Return who had access, with a guardian's card number while the permission stands."""
    if access.guardian is not None:
        return _("The guardian with card %(number)s", number=access.guardian)
    return str(ROLES.get(access.role, access.role))


@portal.app_template_filter("look_purpose")
def purpose_words(access: ShownAccess) -> str:
    """Return what for."""
    return str(PURPOSES.get(access.purpose, access.purpose))


@portal.app_template_filter("look_fields")
def field_words(access: ShownAccess) -> list[str]:
    """Return the kinds of information that were shown."""
    # A field's label begins with a capital letter; in a list of words it does not.
    words = [str(FIELDS.get(name, name)) for name in access.fields]
    return [word[:1].lower() + word[1:] for word in words]
