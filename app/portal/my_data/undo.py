"""The link in a message about changed contact data: undo it, or say that it was right.

A GET changes nothing: mail scanners open every link. The link itself is a secret in an address, as with
a new PIN.
"""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.messages.compose import field_words
from app.portal.routes import portal
from app.register.change.contact_undo import NothingToUndo, confirm_change, find_undoable, undo_change
from app.web.access import Audience, open_to
from app.web.clock import now


@portal.route("/undo/<token>", methods=["GET", "POST"])
@open_to(Audience.ANYONE)
def undo(token: str) -> ResponseReturnValue:
    """Show what a link undoes; undo it, or confirm what was changed, when the form is sent."""
    if request.method != "POST":
        found = find_undoable(token=token, now=now())
        if found is None:
            return render_template("portal/undo_end.html", end="gone"), 404
        return render_template("portal/undo.html", found=found, what=field_words(found.change.fields), token=token)
    end, act = ("confirmed", confirm_change) if "confirm" in request.form else ("undone", undo_change)
    found = find_undoable(token=token, now=now())
    try:
        act(token=token, address=request.remote_addr or "", now=now())
    except NothingToUndo:
        return render_template("portal/undo_end.html", end="gone"), 404
    return render_template("portal/undo_end.html", end=end, what=field_words(found.change.fields) if found else "")
