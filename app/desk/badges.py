"""What waits today, beside the names of the desk's tabs.

Letters and notices are counted in the register with each page. Interlibrary requests are the library's own: they are
asked for by the page's script when the page stands, once a minute at most, so that no page waits for that system.
"""

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from flask import current_app, jsonify, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from app.desk.routes import desk
from app.desk.terminal import this_workplace
from app.ils.lending import InterlibraryWork
from app.ils.port import Unavailable
from app.register.library.waiting import count_waiting
from app.register.messages.letters import count_post
from app.register.staff.staff import Workplace
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems

KEPT: Final = timedelta(minutes=1)
_MOST: Final = 99
_KEPT_COUNTS: Final = "desk_interlibrary_counts"


@dataclass(frozen=True, slots=True)
class Badge:
    """A count as it is shown, and as a screen reader says it."""

    shown: str
    words: str


@dataclass(frozen=True, slots=True)
class _Count:
    asked_at: datetime
    count: int


def badges_of(workplace: Workplace) -> dict[str, Badge]:
    """Return what waits for a workplace's library by the tab's endpoint, without asking the library's system."""
    counts = {
        "desk.post": count_post(library_id=workplace.library_id, most=_MOST, now=now()),
        "desk.notices": count_waiting(library_id=workplace.library_id, most=_MOST),
    }
    if kept := _kept().get(workplace.library_id):
        counts["desk.interlibrary"] = kept.count
    return {endpoint: _badge(count) for endpoint, count in counts.items() if count}


def is_fresh(workplace: Workplace) -> bool:
    """Tell whether the library's system need not be asked now: it was within the last minute, or is another's."""
    kept = _kept().get(workplace.library_id)
    recently = kept is not None and now() - kept.asked_at < KEPT
    return recently or library_systems().lending(workplace.library_id) is None


def _badge(count: int) -> Badge:
    if count > _MOST:
        return Badge(f"{_MOST}+", _("more than %(num)s wait", num=_MOST))
    return Badge(str(count), ngettext("%(num)s waits", "%(num)s wait", count))


def _kept() -> dict[str, _Count]:
    kept: dict[str, _Count] = current_app.extensions.setdefault(_KEPT_COUNTS, {})
    return kept


def keep_interlibrary(workplace: Workplace, work: InterlibraryWork) -> None:
    """Keep how many requests wait to be ordered, as the library's system has just told."""
    _kept()[workplace.library_id] = _Count(now(), sum(request.state == "asked" for request in work.requests))


@desk.get("/badges")
@open_to(Audience.STAFF)
def badges() -> ResponseReturnValue:
    """Answer what waits, by the tab's address, as JSON: for the page's script, when the page stands."""
    workplace = this_workplace()
    if not is_fresh(workplace):
        _ask(workplace)
    return jsonify({url_for(endpoint): asdict(badge) for endpoint, badge in badges_of(workplace).items()})


def _ask(workplace: Workplace) -> None:
    system, library_id = library_systems().lending(workplace.library_id), workplace.library_id
    before = _kept().get(library_id)
    # Noted first, so that one request asks, also of a system that is slow or silent.
    _kept()[library_id] = _Count(now(), before.count if before else 0)
    if system is None:
        return
    with suppress(Unavailable):
        keep_interlibrary(workplace, system.list_interlibrary(staff=workplace.username))
