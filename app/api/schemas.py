"""The shapes of what is sent and answered. The OpenAPI page is written from them."""

from apiflask import Schema
from apiflask.fields import Boolean, Date, DateTime, Dict, Integer, List, Nested, String
from apiflask.validators import Length, OneOf

from app.rules.ages import AgeBand
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


class ScanOut(Schema):
    """Accepted, with a patron and a session; or refused, with a reason and a sentence for staff."""

    result = String(required=True, validate=OneOf(["accepted", "refused"]))
    session = String(metadata={"description": "names the patron to this library until `expires`"})
    expires = DateTime(metadata={"description": "UTC"})
    patron = Nested(ScannedPatronOut)
    device = Nested(DeviceOut)
    reason = String(validate=OneOf([reason.value for reason in Reason]))
    message = String()


class PatronOut(Schema):
    """A patron. What follows `activated_here` is there only if the patron has joined the asking library."""

    card_number = String(required=True)
    name = String(required=True)
    age_band = String(required=True, validate=OneOf([band.value for band in AgeBand]))
    home_library_id = String(required=True)
    home_library = String(required=True)
    card_state = String(required=True, validate=OneOf(["active", "lost", "frozen", "deceased"]))
    version = Integer(required=True, metadata={"description": "grows with each change of the patron"})
    activated_here = Boolean(required=True)
    birth_date = Date()
    gender = String(validate=OneOf(["female", "male", "unknown"]))
    address = String(allow_none=True, metadata={"description": "null too where it is hidden"})
    postcode = String(allow_none=True)
    place = String(allow_none=True)
    phone = String(allow_none=True, metadata={"description": "E.164"})
    email = String(allow_none=True)
    preferred_contact = String(validate=OneOf(["email", "sms", "letter"]))
    language = String(validate=OneOf(["nb", "nn", "sv", "en"]))


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
