"""Putting the card into Google Wallet or Apple Wallet: on the patron's own device, and after asking for the PIN again.

Without what Google and Apple give an operator (docs/wallets.md) there is nothing to press.
"""

from flask import Response, abort, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.card.apple_wallet import MIMETYPE, PassWords, make_pkpass
from app.card.google_wallet import make_google_object, sign_save_link
from app.card.offers import offered_passes, wallets
from app.card.routes import card
from app.register.card.wallet_passes import issue_pass
from app.register.sign_in.confirmation import code_channel
from app.rules.card.code import Kind
from app.rules.errors import RuleBroken
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import channels_served
from app.web.pages.languages import language
from app.web.sign_in.identity import keeps_card
from app.web.sign_in.step_up import after_step_up


class BorrowedDevice(RuleBroken):
    """Here somebody else's wallet may be open."""


@card.get("/card/wallet")
@open_to(Audience.PATRON)
def wallet() -> str:
    """Show which wallets the card can be put into, and what that means."""
    return render_template("card/wallet.html", offer=offered_passes())


@card.post("/card/wallet/google")
@open_to(Audience.PATRON)
@after_step_up()
def google_wallet() -> ResponseReturnValue:
    """Make a pass for Google Wallet. The page has the link that saves it, this once."""
    issuer = wallets().google or abort(404)
    _refuse_borrowed_device()
    made = issue_pass(kind=Kind.ROTATING, patron_id=current_user.patron_id, channel=_channel(), now=now())
    google_object = make_google_object(
        made, issuer=issuer, title=_("Library card"), number_label=_("Card number"), language=language()
    )
    link = sign_save_link(google_object, issuer=issuer, origin=current_app.config["PUBLIC_URL"], now=now())
    return render_template("card/google_wallet.html", link=link, expires_at=made.expires_at)


@card.post("/card/wallet/apple")
@open_to(Audience.PATRON)
@after_step_up()
def apple_wallet() -> ResponseReturnValue:
    """Make a pass for Apple Wallet, which the phone opens by itself."""
    issuer = wallets().apple or abort(404)
    _refuse_borrowed_device()
    made = issue_pass(kind=Kind.STATIC, patron_id=current_user.patron_id, channel=_channel(), now=now())
    places = {"my_page": _("My page"), "library_card": _("Library card"), "lost_phone": _("Lost phone")}
    words = PassWords(
        title=_("Library card"),
        name_label=_("Name"),
        number_label=_("Card number"),
        about_label=_("About this pass"),
        about=_(
            "The code of this pass does not change, so show it to nobody but your library. Only libraries that "
            "allow such codes take it. Have you lost the phone? End the pass on %(my_page)s, %(library_card)s, "
            "%(lost_phone)s: it stops working at once, though it still can be seen in the wallet.",
            **places,
        ),
    )
    package = Response(make_pkpass(made, issuer=issuer, words=words), mimetype=MIMETYPE)
    package.headers["Content-Disposition"] = 'attachment; filename="lanekort.pkpass"'
    return package


def _refuse_borrowed_device() -> None:
    # Where the patron did not ask to stay logged in.
    if not keeps_card():
        raise BorrowedDevice


def _channel() -> str | None:
    """Return by which channel the patron gets a message about the pass: that of codes, and never a letter."""
    return code_channel(patron_id=current_user.patron_id, channels=channels_served())
