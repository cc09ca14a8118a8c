"""The work that no page waits for: messages to patrons, and word to libraries of new card numbers."""

import time
from collections.abc import Callable

import structlog
from flask import Flask

from app.ils.port import Refused, Unavailable
from app.register.changes import RENUMBERED
from app.register.families import advise_older_children
from app.register.notices import mark_not_told, mark_told, take_due_notice
from app.register.transaction import db
from app.web.clock import now
from app.web.gate import library_systems
from app.web.sending import send_one

_PAUSE_SECONDS = 1
_ADVICE_SECONDS = 3600

_log = structlog.get_logger()


def work(app: Flask, *, go_on: Callable[[], bool] = lambda: True) -> None:
    """Do what is due, and look again every second, while `go_on` says so."""
    advised_at = 0.0
    while go_on():
        with app.app_context():
            if time.monotonic() - advised_at >= _ADVICE_SECONDS or not advised_at:
                advised_at = time.monotonic()
                advise_older_children(now=now())
                db.session.commit()
            busy = work_once()
        if not busy:
            time.sleep(_PAUSE_SECONDS)


def work_once() -> bool:
    """Send one message and tell one library, if any is due. Returns whether there was anything to do."""
    sent = send_one()
    told = _tell_one()
    return sent or told


def _tell_one() -> bool:
    notice = take_due_notice(now=now())
    if notice is None:
        return False
    lending = library_systems().lending(notice.library_id)
    try:
        if lending is not None and notice.kind == RENUMBERED and notice.former_number and notice.card_number:
            lending.rename_card(old_card_number=notice.former_number, new_card_number=notice.card_number)
    except (Refused, Unavailable) as error:
        _log.warning("library not told", notice_id=notice.id, library_id=notice.library_id, code=error.code)
        mark_not_told(notice=notice, now=now())
    else:
        mark_told(notice_id=notice.id, now=now())
    return True
