"""The background worker: each periodic duty is one row of `DUTIES`.

Sending messages and notifying libraries have threads of their own, so that a slow peer delays no duty.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from flask import Flask, current_app
from prometheus_client import Counter, Gauge, Summary

from app.register.card.families import advise_older_children
from app.register.change.coming_of_age import come_of_age
from app.register.desk.showings import count_showings
from app.register.journal.journal import JournalDamaged
from app.register.journal.journaling import RegisterIsBehind, write_waiting
from app.register.journal.stores import JournalUnreachable
from app.register.leaving.due_erasures import erase_due
from app.register.leaving.overwriting import cut_off_log
from app.register.leaving.retention import purge_registrations
from app.register.messages.clocks import bring_forward
from app.register.moving.known import Rules
from app.register.moving.taking import work_on_imports
from app.register.sign_in.pin_orders import handle_pin_order
from app.web.clock import now
from app.web.faults.journal_watch import check_watch
from app.web.gate import channels_served
from app.work.clean_up import empty_demo_inbox
from app.work.log_keeping import keep_roots, seal_access_log
from app.work.notifying import Notifier, notify_one_library
from app.work.pushing import Pusher, send_one_push
from app.work.senders import Senders
from app.work.sending import send_one, send_registration_code, send_staff_link
from app.work.telling_hours import HoursTeller, tell_hours_due

_SECOND, _MINUTE, _HOUR = 1, 60, 3600
_SEAL_SECONDS = 5
_ERASED_PER_BATCH = 20

_BY_DUTY = ("duty",)

_log = structlog.get_logger()
_ended = Gauge("lanekort_duty_last_end_timestamp_seconds", "When a duty was last done without a failure", _BY_DUTY)
_every = Gauge("lanekort_duty_interval_seconds", "How often it is due", _BY_DUTY)
_seconds = Summary("lanekort_duty_seconds", "How long it took", _BY_DUTY)
_failures = Counter("lanekort_duty_failures", "How often it failed", _BY_DUTY)


@dataclass(frozen=True, slots=True)
class Duty:
    """Work that is done every so many seconds. `do` returns True where there is more of it to do immediately."""

    name: str
    do: Callable[[], object]
    every: int


def work(app: Flask, *, go_on: Callable[[], bool] = lambda: True) -> None:
    """Do each duty when it is due, while `go_on` returns true."""
    senders = Senders(app, may_send=lambda: _may_work(app))
    with senders, Notifier(app) as notifier, Pusher(app) as pusher, HoursTeller(app) as teller:
        duties = (
            *DUTIES,
            Duty("notify libraries", notifier.begin, every=_SECOND),
            Duty("push notifications", pusher.begin, every=_SECOND),
            Duty("tell opening hours", teller.begin, every=_MINUTE // 4),
        )
        done_at = dict.fromkeys(duties, float("-inf"))
        for duty in duties:
            _every.labels(duty.name).set(duty.every)
            _failures.labels(duty.name)
        while go_on():
            if not _may_work(app):
                time.sleep(_SECOND)
                continue
            due = [duty for duty in duties if time.monotonic() - done_at[duty] >= duty.every]
            done_at |= dict.fromkeys(due, time.monotonic())
            more = [duty for duty in due if do_duty(app, duty)]
            done_at |= dict.fromkeys(more, float("-inf"))
            if not more:
                time.sleep(_SECOND / 4)


def _may_work(app: Flask) -> bool:
    """Return False if the register is older than its journal of erasures: it would write to erased patrons."""
    with app.app_context():
        try:
            check_watch()
        except (RegisterIsBehind, JournalDamaged, JournalUnreachable):
            return False
    return True


def do_duty(app: Flask, duty: Duty) -> bool:
    """Do one duty. A failure is logged, and the duty is retried when it is next due; the others go on."""
    with app.app_context():
        try:
            with _seconds.labels(duty.name).time():
                has_more = duty.do() is True
        except Exception as error:
            _failures.labels(duty.name).inc()
            # The kind of the error alone: its text may hold somebody's data.
            _log.error("duty failed", duty=duty.name, kind=type(error).__name__)
            return False
    _ended.labels(duty.name).set_to_current_time()
    return has_more


def work_once() -> bool:
    """Do what is due every second, send a message, a notification, a code and a link, notify a library, tell of
    opening hours.

    Returns whether there may be more.
    """
    sending = (send_one, send_one_push, send_registration_code, send_staff_link)
    more = [act() is True for act in (write_waiting, handle_orders, *sending, notify_one_library)]
    tell_hours_due()
    return any(more)


def erase_due_patrons() -> bool:
    """Erase patrons whose death was reported a day ago, or who were warned. Returns whether there may be more."""
    erased = erase_due(now=now(), limit=_ERASED_PER_BATCH)
    if erased:
        cut_off_log()
    return erased == _ERASED_PER_BATCH


def grow_up() -> None:
    """Tell of, and end, what ends when a young patron becomes an adult or decides alone."""
    come_of_age(adult_age=current_app.config["ADULT_AGE"], now=now())


def handle_orders() -> bool:
    """Turn one order of a new PIN into a message. Returns whether there was one."""
    return handle_pin_order(channels=channels_served(), now=now())


def import_patrons() -> bool:
    """Work on one batch of a library's file of patrons. Returns whether there may be more."""
    return work_on_imports(Rules(now=now(), allow_synthetic=current_app.config["SYNTHETIC_IDS"]))


DUTIES = (
    # What a killed process or a full disk left unwritten.
    Duty("write journal", write_waiting, every=_SECOND),
    Duty("handle PIN orders", handle_orders, every=_SECOND),
    Duty("import patrons", import_patrons, every=_SECOND),
    Duty("bring messages forward", lambda: bring_forward(now=now()), every=_MINUTE // 2),
    Duty("count showings", lambda: count_showings(now=now()), every=_HOUR // 2),
    Duty("advise families", lambda: advise_older_children(now=now()), every=_HOUR),
    Duty("come of age", grow_up, every=_HOUR),
    Duty("erase due patrons", erase_due_patrons, every=_MINUTE),
    Duty("seal access log", seal_access_log, every=_SEAL_SECONDS),
    Duty("keep roots", keep_roots, every=_HOUR),
    Duty("empty demo inbox", empty_demo_inbox, every=_HOUR),
    Duty("purge registrations", lambda: purge_registrations(now=now()), every=_HOUR),
)
