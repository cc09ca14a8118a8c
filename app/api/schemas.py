"""The shapes of what is sent and answered. The OpenAPI page is written from them."""

from apiflask import Schema
from apiflask.fields import Boolean, Date, DateTime, Dict, Integer, List, Nested, String
from apiflask.validators import Equal, Length, OneOf, Range, Regexp

from app.api.fields import Day, Flag, Whole
from app.register.feed import LONGEST_PAGE
from app.register.joining import KINDS_OF_PAPERS
from app.register.notices import KEPT_KINDS
from app.register.numbers import MOST_RESERVED
from app.rules.ages import AgeBand
from app.rules.contact import CHANNELS, LANGUAGES
from app.rules.person import GENDERS, LONGEST_NAME
from app.rules.scan import Reason


class ScanIn(Schema):
    """A code as it was scanned."""

    payload = String(
        required=True,
        validate=Length(min=1, max=200),
        metadata={"description": "24 digits; spaces are ignored", "example": "921123456789012294287082"},
    )


class ScannedPatronOut(Schema):
    """The minimum a desk or kiosk needs of a patron."""

    name = String(required=True)
    age_band = String(required=True, validate=OneOf([band.value for band in AgeBand]))
    home_library = String(required=True)
    activated_here = Boolean(required=True)
    blocks = List(
        String(),
        required=True,
        metadata={"description": "why the card may not borrow here, by the library's own system", "example": ["debt"]},
    )
    blocks_known = Boolean(
        required=True,
        metadata={"description": "false where the library's system is not connected, or does not answer now"},
    )


class DeviceOut(Schema):
    """The device that showed the code."""

    label = String(required=True)
    since = DateTime(required=True, metadata={"description": "when the card was issued to it, UTC"})
    carried_by_guardian = Boolean(
        required=True, metadata={"description": "true where a guardian shows a child's card on a phone of their own"}
    )


class ScanOut(Schema):
    """Accepted, with a patron and a session; or refused, with a reason and a sentence for staff."""

    result = String(required=True, validate=OneOf(["accepted", "refused"]))
    session = String(metadata={"description": "names the patron to this library until `expires`"})
    expires = DateTime(metadata={"description": "UTC"})
    patron = Nested(ScannedPatronOut)
    device = Nested(DeviceOut)
    reason = String(validate=OneOf([reason.value for reason in Reason]))
    message = String()


_NAME = {"description": "as it is to stand on letters", "example": "Kari Nordmann"}
_NATIONAL_ID = {
    "description": (
        "Fødselsnummer, D-, H- or DUF number, personnummer or samordningsnummer, with or without what people write "
        "between the digits. Only a keyed token of it is kept."
    ),
    "example": "12848430062",
}
_PHONE = {"description": "A number without a country is Norwegian", "example": "+4740612345"}
# What is not there is null, and no empty text. From the beginning, as Python matches; JSON Schema matches anywhere.
_FILLED = Regexp(r"^\s*\S")
_RULES = {"description": "the patron has accepted your library's rules", "enum": [True]}
_ADDRESS = {
    "description": "Leave it out where it is hidden: a hidden address is nowhere in the register",
    "example": "Storgata 5",
}


class ContactIn(Schema):
    """How to reach somebody."""

    address = String(allow_none=True, validate=[Length(max=200), _FILLED], metadata=_ADDRESS)
    postcode = String(allow_none=True, validate=[Length(max=12), _FILLED], metadata={"example": "2050"})
    place = String(allow_none=True, validate=[Length(max=80), _FILLED], metadata={"example": "Jessheim"})
    phone = String(allow_none=True, validate=[Length(max=40), _FILLED], metadata=_PHONE)
    email = String(allow_none=True, validate=[Length(max=254), _FILLED], metadata={"format": "email"})
    preferred_contact = String(validate=OneOf(CHANNELS))
    language = String(validate=OneOf(LANGUAGES), metadata={"description": "of messages to the patron"})


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
        metadata={"description": "a guardian has consented; needed under your library's age limit, usually 15"},
    )
    card_number = String(
        allow_none=True,
        validate=Regexp(r"^N[0-9]{9}$"),
        metadata={"description": "one that your library reserved; without it a number is drawn"},
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
        metadata={"description": "the user name, in your system, of who saw them", "example": "desk4"},
    )


class ActivationIn(Schema):
    """What the patron, and for a child a guardian, has agreed to, and what shows that the patron is there."""

    rules_accepted = Flag(required=True, validate=Equal(True), metadata=_RULES)
    guardian_consent = Flag(
        load_default=False,
        metadata={"description": "a guardian has consented; needed under your library's age limit, if none was noted"},
    )
    session = String(
        validate=Length(min=1, max=43),
        metadata={
            "description": "of a scan of the card at your library, until it expires; a recent one counts unnamed"
        },
    )
    pin = String(validate=Length(min=1, max=40), metadata={"description": "as the patron entered it"})
    papers = Nested(PapersIn)


class ErasedOut(Schema):
    """Proof for the former patron, who has no account any more."""

    receipt = String(
        required=True,
        metadata={
            "description": "to be given to them: with it they follow what each library answers. It is kept nowhere",
            "example": "7K3M-9QXR-2WHT-5VNC-8BDF",
        },
    )


class DeathIn(Schema):
    """Who has died: one of the two."""

    card_number = String(validate=Length(min=1, max=40), metadata={"example": "N000100001"})
    national_id = String(validate=Length(min=1, max=40), metadata=_NATIONAL_ID)


class DeathOut(Schema):
    """Until when all is erased."""

    erase_by = DateTime(required=True, metadata={"description": "UTC, within 24 hours of the first report"})


class PinCheckIn(Schema):
    """What somebody entered at a kiosk."""

    card_number = String(required=True, validate=Length(min=1, max=40), metadata={"example": "N000100001"})
    pin = String(required=True, validate=Length(min=1, max=40), metadata={"example": "0000"})


class PinCheckOut(Schema):
    """Whether they belong together, and no word more."""

    valid = Boolean(
        required=True,
        metadata={
            "description": (
                "false for a number nobody has, a patron who neither joined your library nor scanned there just now, a "
                "card that may not be used here, and a wrong PIN"
            )
        },
    )


class DoorIn(ScanIn):
    """The code on the card, and the PIN that was entered at the door."""

    pin = String(required=True, validate=Length(min=1, max=40), metadata={"example": "0000"})


class DoorOut(Schema):
    """Whether the door opens, and a sentence for its screen."""

    result = String(required=True, validate=OneOf(["accepted", "refused"]))
    message = String(required=True)


class AuthenticateIn(Schema):
    """A card by its number or by its code, one of them, and its PIN."""

    card_number = String(validate=Length(min=1, max=40), metadata={"example": "N000100001"})
    payload = String(validate=Length(min=1, max=200), metadata={"example": "921123456789012294287082"})
    pin = String(required=True, validate=Length(min=1, max=40), metadata={"example": "0000"})


class AuthenticateOut(Schema):
    """Yes or no."""

    authenticated = Boolean(required=True)


class SeriesIn(Schema):
    """How many numbers to reserve."""

    count = Whole(required=True, validate=Range(min=1, max=MOST_RESERVED), metadata={"example": 1000})


class SeriesOut(Schema):
    """Numbers that are the library's alone, for ever: from `first` to `last`, both included."""

    first = String(required=True, metadata={"example": "N500000000"})
    last = String(required=True, metadata={"example": "N500000999"})
    count = Integer(required=True)


_CURSOR = Regexp(r"^[0-9]{1,18}$")


class ChangesIn(Schema):
    """From where to read, and how much."""

    after = String(
        validate=Regexp(r"^[0-9]{0,18}$"),
        metadata={"description": "`next` of the page before; leave it out to begin at the first that is still kept"},
    )
    limit = Integer(
        load_default=100,
        validate=Range(min=1, max=LONGEST_PAGE),
        metadata={"description": "how many at most, 1 to 500; 100 unless said"},
    )


class ChangeOut(Schema):
    """Something that happened to a patron of yours. It is the body of a webhook, too."""

    id = Integer(required=True, metadata={"description": "names the change; you may be told it more than once"})
    seq = Integer(required=True, metadata={"description": "its place in your library's line; no number is left out"})
    kind = String(required=True, validate=OneOf(["joined", "changed", "renumbered", "left", "erased"]))
    card_number = String(
        required=True,
        allow_none=True,
        metadata={
            "description": (
                "by which you know the patron once the change is applied; of `left` and `erased` the one to forget; "
                "null of somebody who was erased, once you have acknowledged it, or a week after you were told"
            )
        },
    )
    former_number = String(metadata={"description": "of `renumbered`: by which you knew the patron until then"})
    version = Integer(
        required=True, metadata={"description": "grows with each change of the patron: never apply an older one"}
    )
    at = DateTime(required=True, metadata={"description": "UTC"})


class ChangesOut(Schema):
    """A page of changes, in their order."""

    changes = List(Nested(ChangeOut), required=True)
    next = String(required=True, metadata={"description": "send it as `after`; it works for as long as you keep it"})
    more = Boolean(required=True, metadata={"description": "there are more changes now"})


class KeptIn(Schema):
    """What must be kept of somebody who left or was erased (GDPR art. 17(3)); never of what it is made up."""

    id = Whole(required=True, validate=Range(min=1, max=10**18), metadata={"description": "`id` of the change"})
    kinds = List(String(validate=OneOf(KEPT_KINDS)), required=True, validate=Length(min=1, max=len(KEPT_KINDS)))


class AckIn(Schema):
    """How far the library has come."""

    up_to = String(
        required=True,
        validate=_CURSOR,
        metadata={"description": "`next` of the last page that you have applied, all of it", "example": "0"},
    )
    kept = List(Nested(KeptIn), load_default=list, validate=Length(max=LONGEST_PAGE))


class AckOut(Schema):
    """How many changes were acknowledged for the first time."""

    confirmed = Integer(required=True)


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
    version = Integer(metadata={"description": "grows with each change of the patron"})
    birth_date = Date()
    gender = String(validate=OneOf(["female", "male", "unknown"]))
    address = String(allow_none=True, metadata={"description": "null too where it is hidden"})
    postcode = String(allow_none=True)
    place = String(allow_none=True)
    phone = String(allow_none=True, metadata={"description": "E.164"})
    email = String(allow_none=True)
    preferred_contact = String(validate=OneOf(["email", "sms", "letter"]))
    language = String(validate=OneOf(["nb", "nn", "sv", "en"]))
    email_proven = Boolean(metadata={"description": "the patron, or papers, have shown that the address is theirs"})
    phone_proven = Boolean()
    address_proven = Boolean()


class KnownPatronOut(PatronOut):
    """Who has the national id already, as far as the asking library may know."""


class ETagOut(Schema):
    """The header that names a state of a patron."""

    etag = String(
        required=True,
        data_key="ETag",
        metadata={"description": "names the patron as they are told here; send it back as `If-Match`"},
    )


class EnrolledOut(ETagOut):
    """The headers of an answer that made a patron."""

    location = String(required=True, data_key="Location", metadata={"description": "the patron's address"})


class Problem(Schema):
    """An error, as RFC 9457 has it."""

    type = String(required=True)
    title = String(required=True)
    status = Integer(required=True)
    code = String(required=True, metadata={"description": "stable and machine-readable"})
    detail = String(required=True)
    errors = Dict(
        keys=String(),
        values=String(),
        metadata={
            "description": "what is wrong, by field: missing, unknown, too-long or not-valid",
            "example": {"email": "not-valid"},
        },
    )
    patron = Nested(KnownPatronOut, metadata={"description": "of `already-registered` alone: whom to activate"})
