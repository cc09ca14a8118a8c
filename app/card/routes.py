"""The card page, the picture alone, and the devices that may show it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.card.offers import offered_passes
from app.card.pictures import draw_barcode_svg, draw_qr_png, draw_qr_svg
from app.register.card.cards import ShownCode, revoke_device, show_codes
from app.register.card.carrying import Carried, list_carried
from app.register.patron.patrons import ShownPatron, get_patron, list_libraries
from app.register.sign_in.devices import list_devices
from app.register.store.transaction import writing
from app.rules.card.code import group_digits
from app.rules.card.number import group_card_number
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.sign_in.identity import end_own_session, keeps_card

card = Blueprint("card", __name__, template_folder="templates")

OWN = "own"
"""What a page calls its owner's card; a child's is called by the number of the permission."""

_CODES_AHEAD = 3


@card.get("/card")
@open_to(Audience.PATRON)
def show() -> ResponseReturnValue:
    """Show the rotating card, and the cards of children that this device may show."""
    code = _current_code()
    patron = get_patron(patron_id=current_user.patron_id)
    children = [_shown(str(child.permission_id), codes[0], child) for child, codes in _carried_codes(count=1)]
    return render_template(
        "card/card.html",
        cards=[_shown(OWN, code, patron), *children],
        libraries=list_libraries(patron_id=patron.id),
        block=patron.block,
        keeps=keeps_card(),
        offer=offered_passes(),
        seconds_left=max(1, int((code.valid_until - now()).total_seconds())),
    )


def _carried_codes(*, count: int) -> Iterator[tuple[Carried, list[ShownCode]]]:
    device_id = current_user.session.device_id
    for child in list_carried(guardian_id=current_user.patron_id) if keeps_card() else ():
        codes = show_codes(device_id=device_id, patron_id=child.patron_id, now=now(), count=count)
        if codes:
            yield child, codes


def _shown(name_of_card: str, code: ShownCode, holder: ShownPatron | Carried) -> dict[str, Any]:
    return {
        "id": name_of_card,
        "name": holder.name,
        "number": group_card_number(holder.card_number),
        "library": holder.home_library,
        "svg": draw_qr_svg(code.digits),
        "barcode": draw_barcode_svg(code.digits),
        "digits": group_digits(code.digits),
    }


@card.get("/card/codes.json")
@open_to(Audience.PATRON)
def codes() -> ResponseReturnValue:
    """Give the page's script this code and the next ones, so that a slow network does not stop the card."""
    shown = show_codes(device_id=current_user.session.device_id, now=now(), count=_CODES_AHEAD)
    carried = {str(child.permission_id): _as_json(ahead) for child, ahead in _carried_codes(count=_CODES_AHEAD)}
    return jsonify(now=milliseconds(now()), codes=_as_json(shown), carried=carried)


@card.get("/card/code.svg")
@open_to(Audience.PATRON)
def code_svg() -> Response:
    """Give the QR code alone, as SVG."""
    return Response(draw_qr_svg(_current_code().digits), mimetype="image/svg+xml")


@card.get("/card/code.png")
@open_to(Audience.PATRON)
def code_png() -> Response:
    """Give the QR code alone, as PNG."""
    return Response(draw_qr_png(_current_code().digits), mimetype="image/png")


@card.get("/card/devices")
@open_to(Audience.PATRON)
def devices() -> str:
    """List the devices that can show the card."""
    listed = list_devices(patron_id=current_user.patron_id, now=now())
    return render_template("card/devices.html", devices=listed, this_device_id=current_user.session.device_id)


@card.post("/card/devices/<id:device_id>/revoke")
@open_to(Audience.PATRON)
def revoke(device_id: int) -> ResponseReturnValue:
    """Take the card off a lost phone."""
    this_device = device_id == current_user.session.device_id
    with writing():
        revoke_device(patron_id=current_user.patron_id, device_id=device_id, now=now())
        if this_device:
            end_own_session()
    if this_device:
        return redirect(url_for("portal.start"))
    flash(_("The card no longer works on that device."), "success")
    return redirect(url_for("card.devices"))


def _current_code() -> ShownCode:
    codes = show_codes(device_id=current_user.session.device_id, now=now())
    # Where the card was taken off this device, signing in again gives it a new one.
    return codes[0] if codes else abort(redirect(url_for("portal.login")))


def _as_json(codes: list[ShownCode]) -> list[dict[str, Any]]:
    return [
        {
            "digits": group_digits(code.digits),
            "from": milliseconds(code.valid_from),
            "until": milliseconds(code.valid_until),
        }
        for code in codes
    ]


def milliseconds(instant: datetime) -> int:
    """Return an instant as a page's script counts time: milliseconds of Unix time."""
    return int(instant.timestamp() * 1000)
