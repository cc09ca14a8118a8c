"""Slett alt om meg: what will go and what must stay, the deletion itself, and its receipt.

The receipt's code is drawn with the page and goes along in its form, sealed. So a second press of the button, or of
the form whose answer did not come, leads to the receipt, though nobody is signed in any more.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import Length

from app.ils.overview import Keeps, ask_what_is_kept
from app.portal.forms import PinForm
from app.portal.routes import portal
from app.register.keys.vault import SecretNotOpened, vault
from app.register.keys.written_codes import draw_written_code
from app.register.leaving.erasure import ASKED, erase_patron
from app.register.leaving.receipts import NoSuchReceipt, is_receipt, read_receipt
from app.register.leaving.retention import ERASURES
from app.register.patron.patrons import get_patron, list_affiliations
from app.register.store.transaction import writing
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems
from app.web.sign_in.identity import forget_sign_in
from app.web.sign_in.step_up import after_step_up, has_passkey, is_identified

_SEALED_FOR: Final = "form.receipt"


class ReceiptForm(FlaskForm):
    """The code of a receipt, as it was written down."""

    code = StringField(_l("Receipt code"), validators=[Length(min=1, max=80)])


@dataclass(frozen=True, slots=True)
class Leaving:
    """A library that is left; `keeps` is None where it could not be asked."""

    library: str
    keeps: Sequence[Keeps] | None


def _show_receipt_again() -> Response | None:
    _patron_id, code = _drawn_with_the_page()
    if code is None or not is_receipt(code=code):
        return None
    forget_sign_in()
    return make_response(redirect(url_for("portal.receipt", code=code), 303))


@portal.route("/my/data/erase", methods=["GET", "POST"])
@open_to(Audience.PATRON, past=_show_receipt_again)
@after_step_up(always=True)
def erase() -> ResponseReturnValue:
    """Show what each library would keep, and delete everything about the patron once the PIN is entered."""
    if request.method != "POST":
        return _show_what_goes()
    drawn_for, code = _drawn_with_the_page()
    mine = code if drawn_for == str(current_user.patron_id) else None
    with writing():
        code = erase_patron(patron_id=current_user.patron_id, reason=ASKED, code=mine, now=now())
    forget_sign_in()
    return redirect(url_for("portal.receipt", code=code), 303)


def _show_what_goes() -> str:
    patron = get_patron(patron_id=current_user.patron_id)
    joined = list_affiliations(patron_ids=[patron.id])[patron.id]
    kept = ask_what_is_kept(systems=library_systems(), library_ids=joined, card_number=patron.card_number)
    libraries = [Leaving(name, kept.get(library_id)) for library_id, name in joined.items()]
    sealed = vault.seal(f"{patron.id} {draw_written_code()}".encode(), column=_SEALED_FOR)
    drawn = urlsafe_b64encode(sealed).decode()
    shown = {"libraries": libraries, "identified": is_identified(), "has_passkey": has_passkey(), "drawn": drawn}
    return render_template("portal/erase.html", form=PinForm(), **shown)


def _drawn_with_the_page() -> tuple[str, str | None]:
    """Return for whom, by id, and which code was drawn with the page whose form was sent; None where it has none."""
    try:
        sealed = urlsafe_b64decode(request.form.get("receipt", ""))
        patron_id, _space, code = vault.open(sealed, column=_SEALED_FOR).decode().partition(" ")
    except (SecretNotOpened, ValueError):
        return "", None
    return patron_id, code


@portal.route("/receipt", methods=["GET", "POST"])
@open_to(Audience.ANYONE)
def find_receipt() -> ResponseReturnValue:
    """Ask for the code of a receipt."""
    form = ReceiptForm()
    if form.validate_on_submit():
        # Some will enter the whole address.
        return redirect(url_for("portal.receipt", code=(form.code.data or "").strip().rpartition("/")[2] or "-"))
    return render_template("portal/find_receipt.html", form=form)


@portal.get("/receipt/<code>")
@open_to(Audience.ANYONE)
def receipt(code: str) -> ResponseReturnValue:
    """Show what each library answered to a deletion. Whose it was nobody knows."""
    try:
        found = read_receipt(code=code, address=request.remote_addr or "", now=now())
    except NoSuchReceipt:
        form = ReceiptForm()
        form.code.errors = [_("There is no receipt with this code. Compare it with what you wrote down.")]
        return _for_no_index(make_response(render_template("portal/find_receipt.html", form=form), 404))
    address, until = current_app.config["PUBLIC_URL"] + url_for("portal.find_receipt"), found.erased_at + ERASURES
    page = render_template(
        "portal/receipt.html", code=code.upper(), receipt=found, readable_until=until, address=address
    )
    return _for_no_index(make_response(page))


def _for_no_index(response: Response) -> Response:
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
