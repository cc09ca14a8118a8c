"""What every page at the desk has around it, and where a desk goes on whose visit is over."""

from collections.abc import Callable
from typing import Any

from flask import current_app, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.desk.badges import badges_of, is_fresh
from app.desk.lending.forms import ScanForm
from app.desk.routes import desk
from app.desk.scanning.lines import owed_words
from app.desk.terminal import AnotherVisit, mark_of, start_visit, visit_mark
from app.desk.words import age_words
from app.register.desk.visits import NoOpenVisit
from app.register.staff.staff import Workplace
from app.rules.card.number import group_card_number
from app.rules.library.staff import StaffRole
from app.web.gate import library_systems

# The way between the desk's pages, by endpoint. A tab is shown where its page exists.
_TABS = (
    ("desk.scan", _l("Lending")),
    ("desk.returns", _l("Returns")),
    ("desk.find", _l("Find patron")),
    ("desk.enrol", _l("New patron")),
    ("desk.interlibrary", _l("Interlibrary loans")),
    ("desk.door", _l("Unstaffed hours")),
    ("desk.lists", _l("Lists")),
    ("desk.post", _l("Post")),
    ("desk.notices", _l("Notices")),
    ("desk.number_series", _l("Card numbers")),
    ("desk.library", _l("The library")),
)
# A library with a system of its own does these there.
_OF_OUR_CIRCULATION = ("desk.returns", "desk.interlibrary", "desk.door")
_OF_ADMINISTRATORS = ("desk.library",)


@desk.context_processor
def frame() -> dict[str, Callable[..., Any]]:
    """Give every template the tabs of a workplace, and the desk's words."""

    def desk_tabs(workplace: Workplace) -> list[tuple[str, object]]:
        absent: set[str] = set() if library_systems().lending(workplace.library_id) else set(_OF_OUR_CIRCULATION)
        if workplace.role != StaffRole.ADMINISTRATOR:
            absent.update(_OF_ADMINISTRATORS)
        return [(page, label) for page, label in _TABS if page in current_app.view_functions and page not in absent]

    return {
        "badges_are_fresh": is_fresh,
        "desk_badges": badges_of,
        "desk_tabs": desk_tabs,
        "age_words": age_words,
        "owed_words": owed_words,
        "group_card_number": group_card_number,
        "scan_form": lambda: ScanForm(formdata=None),
        "mark_of": mark_of,
    }


# A macro of the whole portal's writes it into forms.
desk.add_app_template_global(visit_mark)


@desk.errorhandler(AnotherVisit)
def keep_visit(_error: AnotherVisit) -> ResponseReturnValue:
    """Lead back to the patron who is served now: what was sent was about another one."""
    flash(_("Another visit has begun since. Nothing was changed."), "danger")
    return redirect(url_for("desk.scan"))


@desk.errorhandler(NoOpenVisit)
def ask_for_card(_error: NoOpenVisit) -> ResponseReturnValue:
    """Lead back to the scan: no visit is open at this desk any more."""
    start_visit(None)
    flash(_("Scan the card again: nobody is being served now."), "info")
    return redirect(url_for("desk.scan"))
