"""The page that asks once more who it is, and what a passkey is asked there."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.desk.library.step_up import confirm_and_go_on
from app.desk.own.ceremonies import begin_confirming
from app.desk.routes import desk
from app.web.access import Audience, open_to
from app.web.faults.overload import evaluates


@desk.route("/confirm", methods=["GET", "POST"])
@open_to(Audience.STAFF)
@evaluates("confirm_password")
def confirm() -> ResponseReturnValue:
    """Ask who it is, and lead on to the page that wanted to know it."""
    return confirm_and_go_on()


@desk.post("/confirm/passkey")
@open_to(Audience.STAFF)
def passkey_confirm_options() -> ResponseReturnValue:
    """Give the page's script what one of the reader's own passkeys is asked to sign."""
    return jsonify(begin_confirming())
