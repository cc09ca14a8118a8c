"""An imitation of the phone's wallets, for a demonstration without what Google and Apple give an operator.

Its passes are real credentials of the demonstration: they are scanned, listed and ended like those in a wallet.
"""

from flask import abort, current_app, render_template
from flask_login import current_user

from app.demo.routes import demo
from app.register.card.wallet_passes import allowed_passes, issue_pass
from app.register.sign_in.confirmation import code_channel
from app.rules.card.code import Kind
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import channels_served
from app.web.sign_in.step_up import after_step_up


@demo.get("/demo/wallet")
@open_to(Audience.PATRON)
def wallet() -> str:
    """Show which wallets are imitated."""
    _refuse_beside_real_wallets()
    return render_template("demo/wallet.html", allowed=allowed_passes(patron_id=current_user.patron_id), made=None)


@demo.post("/demo/wallet/google")
@open_to(Audience.PATRON)
@after_step_up()
def make_google_pass() -> str:
    """Make a pass whose code rotates, and show it as Google Wallet would."""
    return _make("google", Kind.ROTATING)


@demo.post("/demo/wallet/apple")
@open_to(Audience.PATRON)
@after_step_up()
def make_apple_pass() -> str:
    """Make a pass whose code stands still, and show it as Apple Wallet would."""
    return _make("apple", Kind.STATIC)


def _make(maker: str, kind: Kind) -> str:
    _refuse_beside_real_wallets()
    patron_id = current_user.patron_id
    channel = code_channel(patron_id=patron_id, channels=channels_served())
    made = issue_pass(kind=kind, patron_id=patron_id, channel=channel, now=now())
    return render_template("demo/wallet.html", made=made, maker=maker, rotates=kind is Kind.ROTATING, now=now())


def _refuse_beside_real_wallets() -> None:
    known = current_app.extensions["wallets"]
    if known.google or known.apple:
        abort(404)
