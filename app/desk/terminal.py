"""This desk: its workplace, its terminal, and its open visit."""

from collections.abc import Mapping

from flask import request, session
from flask_login import current_user

from app.register.desk.visits import NoOpenVisit, OpenVisit, find_card_number, use_visit
from app.register.keys.vault import vault
from app.register.log.access_log import Terminal, Viewer, log_access_in_transaction
from app.register.patron.proven import PAPERS
from app.register.staff.staff import Workplace, get_workplace
from app.web.clock import now

OF_VISIT = "of_visit"
"""The field of a form with the mark of the visit in which it was shown."""
_VISIT = "visit"
_RECENT = "recent"
# More than are shown: a patron may have come twice.
_MOST_RECENT = 10
_MARK_LENGTH = 16


class AnotherVisit(NoOpenVisit):
    """The form was shown in another visit than the one that is open at this desk now."""


def this_workplace() -> Workplace:
    """Return the library and staff member of this desk."""
    return get_workplace(staff_id=current_user.staff_id)


def this_terminal(workplace: Workplace) -> Terminal:
    """Return this desk as the owner of what is scanned here: each by itself, unless its library lets desks share."""
    viewer = Viewer(role="staff", actor=workplace.username, library_id=workplace.library_id)
    scope = f"desks:{workplace.library_id}" if workplace.desks_share_scans else f"desk:{current_user.session.id}"
    return Terminal(scope=scope, viewer=viewer, library_id=workplace.library_id)


def start_visit(scan_session: str | None) -> None:
    """Keep the session of a visit in this desk's own cookie; None ends the visit. The one before is a recent one."""
    before = open_session()
    if before is not None and before != scan_session:
        keep_recent_visits({before: False} | {each: was for each, was in recent_visits().items() if each != before})
    if scan_session is None:
        session.pop(_VISIT, None)
    else:
        session[_VISIT] = scan_session


def open_session() -> str | None:
    """Return the session of this desk's visit, as its cookie has it."""
    found = session.get(_VISIT)
    return found if isinstance(found, str) else None


def recent_visits() -> dict[str, bool]:
    """Return the sessions of this desk's last visits, newest first, and whether it is logged that each is listed."""
    return dict(session.get(_RECENT, ()))


def keep_recent_visits(visits: Mapping[str, bool]) -> None:
    """Keep these sessions of visits in this desk's cookie, and forget others."""
    kept = list(visits.items())[:_MOST_RECENT]
    if kept != [tuple(each) for each in session.get(_RECENT, ())]:
        session[_RECENT] = kept


def current_visit(workplace: Workplace, *, fields: str, extend: bool, minimum: str | None = None) -> OpenVisit:
    """Return the open visit of this desk; access to `fields`, or to no more than the `minimum`, is logged.

    Raises NoOpenVisit, and AnotherVisit where a form is sent that was shown for somebody else, in another window say.
    """
    scan_session = open_session()
    if scan_session is None:
        raise NoOpenVisit
    if request.form.get(OF_VISIT, visit_mark()) != visit_mark():
        raise AnotherVisit
    terminal = this_terminal(workplace)
    return use_visit(session=scan_session, terminal=terminal, fields=fields, minimum=minimum, extend=extend, now=now())


def served_card(workplace: Workplace) -> str | None:
    """Return the card number of this desk's open visit, to be compared with another and shown to nobody."""
    scan_session = session.get(_VISIT)
    if not isinstance(scan_session, str):
        return None
    return find_card_number(session=scan_session, terminal=this_terminal(workplace), now=now())


def note_papers(patron_id: int, workplace: Workplace, *, fields: str) -> None:
    """Log, in the transaction of the act, that papers were seen. `fields` is what they were seen for."""
    viewer = this_terminal(workplace).viewer
    log_access_in_transaction(patron_id=patron_id, viewer=viewer, purpose=PAPERS, fields=fields, now=now())


def visit_mark() -> str:
    """Return what a page knows this desk's visit by, without being able to use it; empty where there is none."""
    scan_session = open_session()
    return mark_of(scan_session) if scan_session is not None else ""


def mark_of(scan_session: str) -> str:
    """Return what a page knows a visit by."""
    return vault.subject(f"visit:{scan_session}")[:_MARK_LENGTH]
