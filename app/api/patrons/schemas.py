"""The shapes of what is sent and answered about a patron. The OpenAPI page is written from them."""

from apiflask import Schema
from apiflask.fields import Boolean, Date, DateTime, Integer, Nested, String
from apiflask.validators import Equal, Length, OneOf, Range, Regexp

from app.api.fields import Day, Flag, about
from app.register.library.joining import KINDS_OF_PAPERS
from app.rules.people.ages import AgeBand
from app.rules.people.contact import CHANNELS, LANGUAGES
from app.rules.people.fields import FIELD
from app.rules.people.person import GENDERS, LONGEST_NAME
from app.rules.people.reminders import MOST_DAYS, WAYS

_NAME = {"description": "as it is to stand on letters", "example": "Kari Nordmann"}
_NATIONAL_ID = {
    "description": (
        "Fødselsnummer, D-, H- or DUF number, personnummer or samordningsnummer, with or without what people write "
        "between the digits. Only a keyed token of it is kept."
    ),
    "example": "12848430062",
}
# What is not there is null, and no empty text. From the beginning, as Python matches; JSON Schema matches anywhere.
_FILLED = Regexp(r"^\s*[^\s\x00][^\x00]*$")
_RULES = {"description": "the patron has accepted your library's rules", "enum": [True]}


def _contact(name: str, **about: str) -> String:
    """Return a declared field that a library may send, or remove with null."""
    return String(allow_none=True, validate=[Length(max=FIELD[name].longest), _FILLED], metadata=about)


class ContactIn(Schema):
    """How to reach somebody."""

    address = _contact(
        "address",
        description="Refused with the fault `hidden` while the address is hidden: such an address is nowhere here",
        example="Storgata 5",
    )
    postcode = _contact("postcode", example="2050")
    place = _contact("place", example="Jessheim")
    address_hidden = Flag(
        validate=Equal(True),
        metadata=about("the address is hidden; only the patron or a desk takes the mark away") | {"enum": [True]},
    )
    phone = _contact("phone", description="A number without a country is Norwegian", example="+4740612345")
    email = _contact("email", format="email")
    preferred_contact = String(validate=OneOf(CHANNELS))
    language = String(validate=OneOf(LANGUAGES), metadata=about("of messages to the patron"))


class FindIn(Schema):
    """Whom to find."""

    national_id = String(required=True, validate=Length(min=1, max=40), metadata=_NATIONAL_ID)


class EnrolIn(ContactIn):
    """Somebody new."""

    name = String(required=True, validate=Length(min=1, max=LONGEST_NAME), metadata=_NAME)
    birth_date = Day(required=True, metadata={"example": "2010-03-01"})
    gender = String(validate=OneOf(GENDERS), load_default="unknown")
    national_id = String(
        allow_none=True, validate=Length(min=1, max=40), metadata=_NATIONAL_ID | {"example": "01831050027"}
    )
    rules_accepted = Flag(required=True, validate=Equal(True), metadata=_RULES)
    guardian_consent = Flag(
        load_default=False,
        metadata=about("a guardian has consented; needed under your library's age limit, usually 15"),
    )
    card_number = String(
        allow_none=True,
        validate=Regexp(r"^N[0-9]{9}$"),
        metadata=about("one that your library reserved; without it a number is drawn"),
    )


class CorrectionIn(ContactIn):
    """What is to be changed of a patron."""

    name = String(validate=Length(min=1, max=LONGEST_NAME), metadata=_NAME)
    birth_date = Day()
    gender = String(validate=OneOf(GENDERS))


class PapersIn(Schema):
    """Papers that show who somebody is, and who saw them."""

    kind = String(required=True, validate=OneOf(KINDS_OF_PAPERS), metadata={"example": "passport"})
    seen_by = String(
        required=True,
        validate=Regexp(r"^[A-Za-z0-9._@-]{1,19}$"),
        metadata=about("the user name, in your system, of who saw them", example="desk4"),
    )


class ActivationIn(Schema):
    """What the patron, and for a child a guardian, has agreed to, and what shows that the patron is there."""

    rules_accepted = Flag(required=True, validate=Equal(True), metadata=_RULES)
    guardian_consent = Flag(
        load_default=False,
        metadata=about("a guardian has consented; needed under your library's age limit, if none was noted"),
    )
    session = String(
        validate=Length(min=1, max=43),
        metadata=about("of a scan of the card at your library, until it expires; a recent one counts unnamed"),
    )
    pin = String(validate=Length(min=1, max=40), metadata=about("as the patron entered it"))
    papers = Nested(PapersIn)


class ErasedOut(Schema):
    """Proof for the former patron, who has no account any more."""

    receipt = String(
        required=True,
        metadata=about(
            "to be given to them: with it they follow what each library answers. It is kept nowhere",
            example="7K3M-9QXR-2WHT-5VNC-8BDF",
        ),
    )


class DeathIn(Schema):
    """Who has died: one of the two."""

    card_number = String(validate=Length(min=1, max=40), metadata={"example": "N000100001"})
    national_id = String(validate=Length(min=1, max=40), metadata=_NATIONAL_ID)


class DeathOut(Schema):
    """Until when all is erased."""

    erase_by = DateTime(required=True, metadata=about("UTC, within 24 hours of the first report"))


_WAY = OneOf(WAYS)


def _hour(words: str) -> Integer:
    return Integer(required=True, allow_none=True, validate=Range(min=0, max=23), metadata=about(words))


class RemindersOut(Schema):
    """By which way your library is to remind the patron: email, sms, push (`POST …/push`), or none."""

    due = String(required=True, validate=_WAY, metadata=about("of what is due soon"))
    ready = String(required=True, validate=_WAY, metadata=about("of what is ready to be collected"))
    overdue = String(required=True, validate=_WAY, metadata=about("of what is overdue; none: a letter at most"))
    days_before = Integer(
        required=True, validate=Range(min=0, max=MOST_DAYS), metadata=about("how many days before the due date")
    )
    quiet_from = _hour("from this hour in Norway nothing is sent")
    quiet_to = _hour("until this hour; null: there are no quiet hours")


class PatronOut(Schema):
    """A patron. Of one who neither joined the asking library nor is there now, only the first two.

    What follows `version` is there only if the patron has joined the asking library.
    """

    card_number = String(required=True)
    activated_here = Boolean(required=True)
    name = String()
    age_band = String(validate=OneOf([band.value for band in AgeBand]))
    home_library_id = String()
    home_library = String()
    card_state = String(validate=OneOf(["active", "lost", "frozen", "deceased"]))
    version = Integer(metadata=about("grows with each change of the patron"))
    birth_date = Date()
    gender = String(validate=OneOf(GENDERS))
    address = String(allow_none=True, metadata=about("null too where it is hidden"))
    address_hidden = Boolean(metadata=about("no address is accepted"))
    postcode = String(allow_none=True)
    place = String(allow_none=True)
    phone = String(allow_none=True, metadata=about("E.164"))
    email = String(allow_none=True)
    preferred_contact = String(validate=OneOf(CHANNELS))
    language = String(validate=OneOf(LANGUAGES))
    email_proven = Boolean(metadata=about("the patron, or papers, have shown that the address is theirs"))
    phone_proven = Boolean()
    address_proven = Boolean()
    last_used_month = Date(
        allow_none=True,
        metadata=about("first day of the month in which the card was last used at your library; null: not known"),
    )
    reminders = Nested(
        RemindersOut, allow_none=True, metadata=about("null where the patron has chosen nothing: as your library does")
    )


class KnownPatronOut(PatronOut):
    """Who has the national id already, as far as the asking library may know."""


class ETagOut(Schema):
    """The header that names a state of a patron."""

    etag = String(
        required=True, data_key="ETag", metadata=about("names this state of the patron; send it back as `If-Match`")
    )


class EnrolledOut(ETagOut):
    """The headers of an answer that made a patron."""

    location = String(required=True, data_key="Location", metadata=about("the patron's address"))
