"""The shapes of what is sent and answered. The OpenAPI page is written from them."""

from apiflask import Schema
from apiflask.fields import Boolean, DateTime, Dict, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range, Regexp

from app.api.fields import Whole, about
from app.api.patrons.schemas import KnownPatronOut
from app.register.library.feed import LONGEST_PAGE
from app.register.library.notices import KEPT_KINDS
from app.register.patron.numbers import MOST_RESERVED
from app.rules.card.scan import Reason
from app.rules.people.ages import AgeBand


class ScanIn(Schema):
    """A code as it was scanned."""

    payload = String(
        required=True,
        validate=Length(min=1, max=200),
        metadata=about("24 digits; what a scanner adds and blanks are ignored", example="921123456789012294287082"),
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
        metadata=about("why the card may not borrow here, by the library's own system", example=["debt"]),
    )
    blocks_known = Boolean(
        required=True, metadata=about("false where the library's system is not connected, or does not answer now")
    )


class DeviceOut(Schema):
    """The device that showed the code."""

    label = String(required=True)
    since = DateTime(required=True, metadata=about("when the card was issued to it, UTC"))
    carried_by_guardian = Boolean(
        required=True, metadata=about("true where a guardian shows a child's card on a phone of their own")
    )


class ScanOut(Schema):
    """Accepted, with a patron and a session; or refused, with a reason and a sentence for staff."""

    result = String(required=True, validate=OneOf(["accepted", "refused"]))
    session = String(metadata=about("names the patron to this library until `expires`"))
    expires = DateTime(metadata=about("UTC"))
    patron = Nested(ScannedPatronOut)
    device = Nested(DeviceOut)
    reason = String(validate=OneOf([reason.value for reason in Reason]))
    message = String()


class PinCheckIn(Schema):
    """What somebody entered at a kiosk."""

    card_number = String(required=True, validate=Length(min=1, max=40), metadata={"example": "N000100001"})
    pin = String(required=True, validate=Length(min=1, max=40), metadata={"example": "0000"})


class PinCheckOut(Schema):
    """Whether they belong together, and no word more."""

    valid = Boolean(
        required=True,
        metadata=about(
            "false for a number nobody has, a patron who neither joined your library nor scanned there just now, a "
            "card that may not be used here, and a wrong PIN"
        ),
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
        metadata=about("`next` of the page before; leave it out to begin at the first that is still kept"),
    )
    limit = Integer(
        load_default=100,
        validate=Range(min=1, max=LONGEST_PAGE),
        metadata=about("how many at most, 1 to 500; 100 unless said"),
    )


class ChangeOut(Schema):
    """Something that happened to a patron of yours. It is the body of a webhook, too."""

    id = Integer(required=True, metadata=about("names the change; you may get it more than once"))
    seq = Integer(required=True, metadata=about("its place in your library's queue; no number is left out"))
    kind = String(required=True, validate=OneOf(["joined", "changed", "renumbered", "left", "erased"]))
    card_number = String(
        required=True,
        allow_none=True,
        metadata=about(
            "by which you know the patron once the change is applied; of `left` and `erased` the one to forget; "
            "null of somebody who was erased, once you have acknowledged it, or a week after you got it"
        ),
    )
    former_number = String(metadata=about("of `renumbered`: by which you knew the patron until then"))
    version = Integer(required=True, metadata=about("grows with each change of the patron: never apply an older one"))
    at = DateTime(required=True, metadata=about("UTC"))


class ChangesOut(Schema):
    """A page of changes, in their order."""

    changes = List(Nested(ChangeOut), required=True)
    next = String(required=True, metadata=about("send it as `after`; it works for as long as you keep it"))
    more = Boolean(required=True, metadata=about("there are more changes now"))


class KeptIn(Schema):
    """What must be kept of somebody who left or was erased (GDPR art. 17(3)); never of what it is made up."""

    id = Whole(required=True, validate=Range(min=1, max=10**18), metadata=about("`id` of the change"))
    kinds = List(String(validate=OneOf(KEPT_KINDS)), required=True, validate=Length(min=1, max=len(KEPT_KINDS)))


class AckIn(Schema):
    """How far the library has come."""

    up_to = String(
        required=True,
        validate=_CURSOR,
        metadata=about("`next` of the last page that you have applied, all of it", example="0"),
    )
    kept = List(Nested(KeptIn), load_default=list, validate=Length(max=LONGEST_PAGE))


class AckOut(Schema):
    """How many changes were acknowledged for the first time."""

    confirmed = Integer(required=True)


class Problem(Schema):
    """An error, as RFC 9457 has it."""

    type = String(required=True)
    title = String(required=True)
    status = Integer(required=True)
    code = String(required=True, metadata=about("stable and machine-readable"))
    detail = String(required=True)
    errors = Dict(
        keys=String(),
        values=String(),
        metadata=about(
            "what is wrong, by field: missing, unknown, too-long, not-valid or no-sms", example={"email": "not-valid"}
        ),
    )
    patron = Nested(KnownPatronOut, metadata=about("of `already-registered` alone: whom to activate"))
