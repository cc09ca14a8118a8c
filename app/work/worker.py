"""The work that no page waits for: each kind of it is one line in `DUTIES`.

Sending messages and telling libraries have threads of their own: what hangs there keeps no duty from being done.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from flask import Flask

from app.register.card.families import advise_older_children
from app.register.journal.journal import JournalDamaged, JournalUnreachable
from app.register.journal.journaling import RegisterIsBehind, write_waiting
from app.register.leaving.due_erasures import erase_due
from app.register.leaving.overwriting import cut_off_log
from app.register.leaving.retention import purge_registrations
from app.register.messages.clocks import bring_forward
from app.register.sign_in.pin_orders import handle_pin_order
from app.web.clock import now
from app.web.faults.journal_watch import check_watch
from app.web.gate import channels_served
from app.work.clean_up import empty_demo_inbox
from app.work.log_keeping import keep_roots, seal_access_log
from app.work.notifying import Notifier, notify_one_library
from app.work.senders import Senders
from app.work.sending import send_one, send_registration_code

_SECOND, _MINUTE, _HOUR = 1, 60, 3600
_SEAL_SECONDS = 5
_ERASED_AT_A_TIME = 20

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Duty:
    """A piece of work, done every so many seconds. It returns True where there may be more of it at once."""

    do: Callable[[], object]
    every: int


def work(app: Flask, *, go_on: Callable[[], bool] = lambda: True) -> None:
    """Do each duty in its time, while `go_on` says so."""
    with Senders(app, may_send=lambda: _may_work(app)), Notifier(app) as telling:
        duties = (*DUTIES, Duty(telling.begin, every=_SECOND))
        done_at = dict.fromkeys(duties, float("-inf"))
        while go_on():
            if not _may_work(app):
                time.sleep(_SECOND)
                continue
            due = [duty for duty in duties if time.monotonic() - done_at[duty] >= duty.every]
            done_at |= dict.fromkeys(due, time.monotonic())
            more = [duty for duty in due if _do(app, duty)]
            done_at |= dict.fromkeys(more, float("-inf"))
            if not more:
                time.sleep(_SECOND / 4)


def _may_work(app: Flask) -> bool:
    """Tell whether the register is no older than its journal of erasures: an older one writes to those who are gone."""
    with app.app_context():
        try:
            check_watch()
        except (RegisterIsBehind, JournalDamaged, JournalUnreachable):
            return False
    return True


def _do(app: Flask, duty: Duty) -> bool:
    """Do one duty. One that fails is logged and tried again in its time, and keeps no other from being done."""
    with app.app_context():
        try:
            more = duty.do() is True
        except Exception as error:
            # The kind of the error alone: its text may hold somebody's data.
            _log.error("duty failed", duty=duty.do.__name__, kind=type(error).__name__)
            return False
        return more


def work_once() -> bool:
    """Do what is done every second, send a message and a code, and tell one library.

    Returns whether there may be more to do.
    """
    more = False
    for do in (write_journal, handle_orders, send_one, send_registration_code):
        more |= do() is True
    return notify_one_library() or more


def advise_families() -> None:
    """Advise children who have grown older, and their guardians."""
    advise_older_children(now=now())


def erase_due_patrons() -> bool:
    """Erase those of whom a death was reported a day ago, or who were warned. Returns whether there may be more."""
    erased = erase_due(now=now(), limit=_ERASED_AT_A_TIME)
    if erased:
        cut_off_log()
    return erased == _ERASED_AT_A_TIME


def handle_orders() -> bool:
    """Turn one order of a new PIN into a message. Returns whether there was one."""
    return handle_pin_order(channels=channels_served(), now=now())


def forget_registrations() -> None:
    """Delete what nobody finished in time: that does not wait for the daily clean-up."""
    purge_registrations(now=now())


def write_journal() -> None:
    """Add to the journal of erasures what a process that was killed, or a full disk, left unwritten."""
    write_waiting()


def bring_messages_forward() -> None:
    """Let wait no longer what was put off by a clock that was ahead."""
    bring_forward(now=now())


DUTIES = (
    Duty(write_journal, every=_SECOND),
    Duty(handle_orders, every=_SECOND),
    Duty(bring_messages_forward, every=_MINUTE // 2),
    Duty(advise_families, every=_HOUR),
    Duty(erase_due_patrons, every=_MINUTE),
    Duty(seal_access_log, every=_SEAL_SECONDS),
    Duty(keep_roots, every=_HOUR),
    Duty(empty_demo_inbox, every=_HOUR),
    Duty(forget_registrations, every=_HOUR),
)
