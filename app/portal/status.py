"""Status: which libraries' systems do not answer now. For everybody, and without a word about anybody."""

from flask import render_template

from app.portal.routes import portal
from app.register.patron.libraries import find_library_name
from app.web.access import Audience, open_to
from app.web.gate import library_systems


@portal.get("/status")
@open_to(Audience.ANYONE)
def status() -> str:
    """Name the libraries that are not asked now, as the process that answers knows it."""
    silent = [find_library_name(library_id=library_id) for library_id in library_systems().not_answering()]
    return render_template("portal/status.html", silent=[name for name in silent if name is not None])
