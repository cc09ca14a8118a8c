"""Pages for everybody: a library's rules, the status of the libraries' systems, accessibility, security.txt."""

from datetime import timedelta

from flask import Response, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.ils.port import Unavailable
from app.portal.accessibility_record import TESTED
from app.portal.routes import portal
from app.register.patron.libraries import find_library_name
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems

# RFC 9116 recommends less than a year.
_SECURITY_TXT_LASTS = timedelta(days=90)


@portal.get("/libraries/<library_id>/rules")
@open_to(Audience.ANYONE)
def rules(library_id: str) -> ResponseReturnValue:
    """Show a library's rules, written from the policy by which it charges; or what changes `from` a day to come."""
    name = find_library_name(library_id=library_id)
    if name is None:
        abort(404)
    lending, about = library_systems().lending(library_id), {"name": name, "library_id": library_id}
    try:
        found, coming = (lending.rules(), lending.coming_rules()) if lending else (None, ())
    except Unavailable:
        return render_template("portal/rules.html", rules=None, silent=True, **about), 503
    day, before = request.args.get("from"), found
    for each in coming:
        if each.valid_from.isoformat() == day:
            return render_template("portal/rules.html", rules=found, shown=each, before=before, **about)
        before = each.rules
    if day is not None:  # it has come, or was taken back
        return redirect(url_for("portal.rules", library_id=library_id))
    return render_template("portal/rules.html", rules=found, coming=coming, **about)


@portal.get("/status")
@open_to(Audience.ANYONE)
def status() -> str:
    """Name the libraries whose systems do not answer now, as far as the process that serves this request knows."""
    silent = [find_library_name(library_id=library_id) for library_id in library_systems().not_answering()]
    return render_template("portal/status.html", silent=[name for name in silent if name is not None])


@portal.get("/accessibility")
@open_to(Audience.ANYONE)
def accessibility() -> str:
    """Show the accessibility statement."""
    return render_template("portal/accessibility.html", tested=TESTED)


@portal.get("/.well-known/security.txt")
@open_to(Audience.ANYONE)
def security_txt() -> Response:
    """Say where to report a vulnerability, in which languages, and until when this holds (RFC 9116)."""
    expires = (now() + _SECURITY_TXT_LASTS).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = (
        f"Contact: {current_app.config['SECURITY_CONTACT']}",
        f"Expires: {expires.isoformat().replace('+00:00', 'Z')}",
        "Preferred-Languages: nb, nn, sv, en",
        f"Canonical: {current_app.config['PUBLIC_URL']}/.well-known/security.txt",
    )
    return Response("".join(f"{line}\n" for line in lines), mimetype="text/plain")
