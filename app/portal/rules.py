"""Låneregler: a library's rules, written from the policy by which it charges."""

from flask import abort, render_template
from flask.typing import ResponseReturnValue

from app.ils.port import Unavailable
from app.portal.routes import portal
from app.register.patron.libraries import find_library_name
from app.web.access import Audience, open_to
from app.web.gate import library_systems


@portal.get("/libraries/<library_id>/rules")
@open_to(Audience.ANYONE)
def rules(library_id: str) -> ResponseReturnValue:
    """Show a library's rules."""
    name = find_library_name(library_id=library_id)
    if name is None:
        abort(404)
    lending = library_systems().lending(library_id)
    if lending is None:
        return render_template("portal/rules.html", name=name, rules=None, silent=False)
    try:
        found = lending.rules()
    except Unavailable:
        return render_template("portal/rules.html", name=name, rules=None, silent=True), 503
    return render_template("portal/rules.html", name=name, rules=found, silent=False)
