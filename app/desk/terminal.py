"""This desk: its workplace, its terminal, and its open visit."""

from flask import session
from flask_login import current_user

from app.register.desk.visits import NoOpenVisit, OpenVisit, use_visit
from app.register.log.access_log import Terminal, Viewer, log_access_in_transaction
from app.register.patron.proven import PAPERS
from app.register.staff.staff import Workplace, get_workplace
from app.web.clock import now

_VISIT = "visit"


def this_workplace() -> Workplace:
    """Return the library and staff member of this desk."""
    return get_workplace(staff_id=current_user.staff_id)


def this_terminal(workplace: Workplace) -> Terminal:
    """Return this desk as the owner of what is scanned here: each by itself, unless its library lets desks share."""
    viewer = Viewer(role="staff", actor=workplace.username, library_id=workplace.library_id)
    scope = f"desks:{workplace.library_id}" if workplace.desks_share_scans else f"desk:{current_user.session.id}"
    return Terminal(scope=scope, viewer=viewer, library_id=workplace.library_id)


def start_visit(scan_session: str | None) -> None:
    """Keep the session of a visit in this desk's own cookie; None ends the visit here."""
    if scan_session is None:
        session.pop(_VISIT, None)
    else:
        session[_VISIT] = scan_session


def current_visit(workplace: Workplace, *, fields: str, extend: bool, minimum: str | None = None) -> OpenVisit:
    """Return the open visit of this desk; access to `fields`, or to no more than the `minimum`, is logged.

    Raises NoOpenVisit.
    """
    scan_session = session.get(_VISIT)
    if not isinstance(scan_session, str):
        raise NoOpenVisit
    terminal = this_terminal(workplace)
    return use_visit(session=scan_session, terminal=terminal, fields=fields, minimum=minimum, extend=extend, now=now())


def note_papers(patron_id: int, workplace: Workplace, *, fields: str) -> None:
    """Log, in the transaction of the act, that papers were seen. `fields` is what they were seen for."""
    viewer = this_terminal(workplace).viewer
    log_access_in_transaction(patron_id=patron_id, viewer=viewer, purpose=PAPERS, fields=fields, now=now())
