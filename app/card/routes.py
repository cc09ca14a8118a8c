"""The card page, the picture alone, and the devices that may show it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.card.offers import offered_passes
from app.card.pictures import draw_barcode_svg, draw_qr_png, draw_qr_svg
from app.register.card.cards import ShownCode, revoke_device, show_all_codes
from app.register.card.carrying import Carried, list_carried
from app.register.face.opening import read_hours
from app.register.messages.push import list_subscriptions
from app.register.patron.libraries import list_joining_online
from app.register.patron.patrons import ShownPatron, get_patron, list_affiliations
from app.register.sign_in.devices import list_devices
from app.register.sign_in.passkeys import list_passkeys
from app.register.store.transaction import writing
from app.rules.card.code import group_digits
from app.rules.card.number import group_card_number
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.pages.opening_words import open_sentence
from app.web.sign_in.device_label import device_name
from app.web.sign_in.identity import end_own_session, keeps_card

card = Blueprint("card", __name__, template_folder="templates")

OWN = "own"
"""What a page calls its owner's card; a child's is called by the number of the permission."""

_CODES_AHEAD = 3
_LIBRARIES_ONLINE = 5


@card.get("/card")
@open_to(Audience.PATRON)
def show() -> ResponseReturnValue:
    """Show the rotating card, and the cards of children that this device may show."""
    codes = _all_codes()
    code = _own(codes)[0]
    patron = get_patron(patron_id=current_user.patron_id)
    children = [_shown(str(child.permission_id), ahead[0], child) for child, ahead in _carried(codes)]
    libraries = list_affiliations(patron_ids=[patron.id])[patron.id]
    return render_template(
        "card/card.html",
        cards=[_shown(OWN, code, patron), *children],
        libraries=libraries,
        home_library_id=patron.home_library_id,
        home_open="" if libraries else open_sentence(read_hours(library_id=patron.home_library_id), now=now()),
        tonight=[] if libraries else list_joining_online(limit=_LIBRARIES_ONLINE),
        block=patron.block,
        keeps=keeps_card(),
        offer=offered_passes(),
        seconds_left=max(1, int((code.valid_until - now()).total_seconds())),
    )


def _all_codes(*, count: int = 1) -> Mapping[int, list[ShownCode]]:
    return show_all_codes(device_id=current_user.session.device_id, now=now(), count=count)


def _own(codes: Mapping[int, list[ShownCode]]) -> list[ShownCode]:
    # Where the card was taken off this device, signing in again gives it a new one.
    return codes.get(current_user.patron_id) or abort(redirect(url_for("portal.login")))


def _carried(codes: Mapping[int, list[ShownCode]]) -> Iterator[tuple[Carried, list[ShownCode]]]:
    # Nobody is asked for children where the device shows one card.
    for child in list_carried(guardian_id=current_user.patron_id) if len(codes) > 1 else ():
        if child.patron_id in codes:
            yield child, codes[child.patron_id]


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
    shown = _all_codes(count=_CODES_AHEAD)
    carried = {str(child.permission_id): _as_json(ahead) for child, ahead in _carried(shown)}
    return jsonify(now=milliseconds(now()), codes=_as_json(shown.get(current_user.patron_id, [])), carried=carried)


@card.get("/card/code.svg")
@open_to(Audience.PATRON)
def code_svg() -> Response:
    """Give the QR code alone, as SVG."""
    return Response(draw_qr_svg(_own(_all_codes())[0].digits), mimetype="image/svg+xml")


@card.get("/card/code.png")
@open_to(Audience.PATRON)
def code_png() -> Response:
    """Give the QR code alone, as PNG."""
    return Response(draw_qr_png(_own(_all_codes())[0].digits), mimetype="image/png")


@card.get("/card/devices")
@open_to(Audience.PATRON)
def devices() -> str:
    """List the devices that can show the card, and the passkeys."""
    owner, here = current_user.patron_id, current_user.session.device_id
    listed, passkeys = list_devices(patron_id=owner, now=now()), list_passkeys(patron_id=owner)
    pushes = {browser.device_id for browser in list_subscriptions(patron_id=owner)}
    return render_template(
        "card/devices.html", devices=listed, passkeys=passkeys, this_device_id=here, gets_notifications=pushes
    )


@card.post("/card/devices/<id:device_id>/revoke")
@open_to(Audience.PATRON)
def revoke(device_id: int) -> ResponseReturnValue:
    """Take the card off a lost phone."""
    this_device = device_id == current_user.session.device_id
    listed = list_devices(patron_id=current_user.patron_id, now=now())
    label = next((device.label for device in listed if device.id == device_id), "")
    with writing():
        revoke_device(patron_id=current_user.patron_id, device_id=device_id, now=now())
        if this_device:
            end_own_session()
    if this_device:
        flash(_("You are logged out, and the card no longer works on this device."), "success")
        return redirect(url_for("portal.start"))
    flash(_("The card no longer works on %(device)s.", device=device_name(label)), "success")
    return redirect(url_for("card.devices"))


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
