"""Rows that a person decides about: the same name and birth date as a patron of the library."""

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.routes import desk
from app.desk.terminal import this_terminal, this_workplace
from app.register.moving.imports import NoSuchImport
from app.register.moving.known import Rules
from app.register.moving.settling import list_doubts, settle
from app.register.store.transaction import writing
from app.web.access import Audience, open_to
from app.web.clock import now


@desk.get("/library/import/<id:import_id>/people")
@open_to(Audience.ADMINISTRATOR)
def decide_about_patrons(import_id: int) -> ResponseReturnValue:
    """Show the next ten rows, each beside the patron whom it may be."""
    workplace = this_workplace()
    try:
        doubts = list_doubts(
            import_id=import_id,
            library_id=workplace.library_id,
            viewer=this_terminal(workplace).viewer,
            rules=_rules(),
        )
    except NoSuchImport:
        return redirect(url_for("desk.library_import"))
    return render_template("desk/library/import_people.html", workplace=workplace, import_id=import_id, doubts=doubts)


@desk.post("/library/import/<id:import_id>/people")
@open_to(Audience.ADMINISTRATOR)
def decide_about_patron(import_id: int) -> ResponseReturnValue:
    """Take a row in as somebody new, or note that it is the patron who was shown."""
    library_id = this_workplace().library_id
    line, same_as = request.form.get("line", ""), request.form.get("same_as", "")
    try:
        if not all(text.isascii() and text.isdigit() and len(text) < 18 for text in (line, same_as or "0")):
            raise NoSuchImport
        with writing():
            settle(
                import_id=import_id,
                library_id=library_id,
                line=int(line),
                same_as=int(same_as) if same_as else None,
                rules=_rules(),
            )
    except NoSuchImport:
        flash(_("This import is not there any more, or has gone on since. Look at where it is now."), "info")
        return redirect(url_for("desk.library_import"))
    return redirect(url_for("desk.decide_about_patrons", import_id=import_id))


def _rules() -> Rules:
    return Rules(now=now(), allow_synthetic=current_app.config["SYNTHETIC_IDS"])
