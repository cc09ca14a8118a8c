"""The shapes of what is sent and answered. The OpenAPI page is written from them."""

from apiflask import Schema
from apiflask.fields import Boolean, DateTime, Integer, List, Nested, String
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


class Problem(Schema):
    """An error, as RFC 9457 has it."""

    type = String(required=True)
    title = String(required=True)
    status = Integer(required=True)
    code = String(required=True, metadata={"description": "stable and machine-readable"})
    detail = String(required=True)
