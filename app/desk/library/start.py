"""The start page of Biblioteket, and what was done there."""

from typing import Final

from flask import render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.desk.routes import desk
from app.desk.terminal import this_workplace
from app.register.face.telling import is_told
from app.register.staff.acts import PAGE, ShownAct, list_library_acts
from app.rules.library.staff import ACTS
from app.web.access import Audience, open_to
from app.web.gate import library_systems

SECTIONS: Final = (
    ("desk.people", _l("People"), _l("Who works here, what they may do, and how they come in.")),
    (
        "desk.machines",
        _l("Machines"),
        _l("Kiosks, doors, your system and suppliers: connect them, and see how they do."),
    ),
    ("desk.library_face", _l("The library's page"), _l("Name, address, telephone, e-mail, website and branches.")),
    (
        "desk.library_hours",
        _l("Opening hours"),
        _l("When you are open, with staff or without, and when not."),
    ),
    ("desk.library_rules", _l("Loan rules"), _l("How long patrons can borrow, and what it costs to be late.")),
    ("desk.library_numbers", _l("Figures"), _l("How much happens at your library.")),
    ("desk.library_import", _l("Import"), _l("Move your patrons in from the system that you used before.")),
    ("desk.library_export", _l("Export"), _l("Take everything that is your library's out, as files.")),
    ("desk.library_acts", _l("What was done"), _l("What the administrators of your library changed here.")),
)
"""The sections of Biblioteket in their order: endpoint, label, and what one does there."""
_MOST_DIGITS: Final = 18


@desk.get("/library")
@open_to(Audience.ADMINISTRATOR)
def library() -> str:
    """Show the sections, and whether the loans system lacks the newest opening hours."""
    workplace = this_workplace()
    lends_here = library_systems().lending(workplace.library_id) is not None
    waits = lends_here and not is_told(library_id=workplace.library_id)
    return render_template("desk/library/start.html", workplace=workplace, sections=SECTIONS, hours_wait=waits)


@desk.get("/library/acts")
@open_to(Audience.ADMINISTRATOR)
def library_acts() -> str:
    """Show what was done, newest first, a page at a time."""
    workplace, given = this_workplace(), request.args.get("before", "")
    before = int(given) if given.isascii() and given.isdigit() and len(given) <= _MOST_DIGITS else None
    found = list_library_acts(library_id=workplace.library_id, before=before)
    acts = [(act, _words(act)) for act in found[:PAGE]]
    older = acts[-1][0].id if len(found) > PAGE else None
    return render_template(
        "desk/library/acts.html", workplace=workplace, acts=acts, older=older, is_first=before is None
    )


def _words(act: ShownAct) -> str:
    """Return an act in the reader's language; as it is written where this program does not know its kind."""
    says = ACTS.get(act.kind)
    return _(says, subject=act.subject) if says else f"{act.kind}: {act.subject}"
