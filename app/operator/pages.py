"""The operator's pages over all libraries: how each is now, and one found by its name."""

from collections import Counter
from datetime import UTC, datetime
from typing import Final

from flask import Flask, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.operator.country import State
from app.operator.door import kept, operator
from app.operator.watch import Round
from app.register.figures.backlog import read_backlog
from app.register.patron.libraries import has_libraries
from app.rules.typed import clean_text
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems

_PATIENCE_SECONDS: Final = 3.0
FAULTS: Final = {
    "no_answer": _l("No connection"),
    "too_slow": _l("No answer within three seconds"),
    "bad_answer": _l("An answer that cannot be read"),
    "not_admitted": _l("Our login is refused"),
    "busy": _l("Too busy"),
}
"""Why a library's system gives no usable answer; another code is the library's own."""
STATES: Final = {
    State.FAILING: _l("Fails"),
    State.SLOW: _l("Slow"),
    State.UNASKED: _l("Not asked yet"),
    State.FINE: _l("Answers"),
    State.UNCONNECTED: _l("Not connected"),
}


@operator.get("")
@open_to(Audience.OPERATOR)
def libraries() -> ResponseReturnValue:
    """Show all libraries, those that fail first, or those that were looked for; and begin to ask them all anew."""
    return _show(begin_round(), asked=False)


@operator.post("/ask")
@open_to(Audience.OPERATOR)
def ask() -> ResponseReturnValue:
    """Ask every library's system now, wait for three seconds at most, and show who does not answer."""
    begin_round(at_once=True)
    kept().watch.wait(_PATIENCE_SECONDS)
    return _show(kept().watch.seen()[1], asked=True)


def begin_round(*, at_once: bool = False) -> Round | None:
    """Ask all libraries that are connected in the background, unless it was done a moment ago."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def clock() -> datetime:
        return app.config["CLOCK"]().astimezone(UTC)

    systems = library_systems()
    return kept().watch.begin(systems, systems.ids(), clock=clock, at_once=at_once)


def _show(newest: Round | None, *, asked: bool) -> str:
    answers, seen = kept().watch.seen()
    words, moment = clean_text(request.args.get("find", ""))[:100], now()
    backlog = read_backlog(now=moment)
    patrons, counted_at = kept().country.count(now=moment)
    rows = kept().country.list_rows(
        words=words, systems=library_systems(), answers=answers, backlogs=backlog.libraries, now=moment
    )
    return render_template(
        "operator/libraries.html",
        rows=rows,
        words=words,
        states=STATES,
        counted=Counter(row.state for row in rows),
        faults=FAULTS,
        patrons=sum(patrons.values()),
        counted_at=counted_at,
        newest=seen or newest,
        asked=asked,
        silent=[row.library.name for row in rows if row.answer and row.answer.fault],
        is_empty=not has_libraries(),
        retention_ran_at=backlog.retention_ran_at,
    )
