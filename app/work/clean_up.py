"""What `flask retention run` does. The order matters: uses and scans are counted before their rows are deleted."""

from collections.abc import Callable
from datetime import timedelta

from flask import current_app

from app.messages.channels import Inbox
from app.register.desk.showings import count_showings
from app.register.figures.runs import RETENTION, last_run, note_run
from app.register.journal.journaling import check_journal, forget_entries
from app.register.leaving.due_erasures import erase_due
from app.register.leaving.inactivity import gather_uses, warn_inactive
from app.register.leaving.overwriting import cut_off_log, rewrite_tables
from app.register.leaving.retention import purge
from app.register.store.transaction import autonomous
from app.register.totals.active import note_active
from app.web.clock import now

_SHOWN_IN_DEMO = timedelta(hours=24)


def empty_demo_inbox() -> None:
    """Delete the demonstration's messages that are older than a day."""
    post = current_app.extensions["post"]
    if isinstance(post, Inbox):
        post.throw_away(until=now() - _SHOWN_IN_DEMO)


def clean_up(
    *,
    rewrite: bool,
    tell: Callable[[str], object] = lambda _: None,
    progress: Callable[[int, int], object] = lambda _done, _of: None,
) -> dict[str, int]:
    """Do it in small transactions, and return how many uses, warnings, erasures and rows of each table there were.

    `tell` is called with what became of each table that is written anew, `progress` with how many steps are done.
    Idempotent; safe to stop and start again, and to run beside the portal, the worker and another run. Raises as
    `check_journal` does, before anything is changed.
    """
    check_journal()
    notice = timedelta(days=current_app.config["INACTIVE_NOTICE_DAYS"])
    with autonomous() as connection:
        before = last_run(connection, name=RETENTION)
    done: dict[str, int] = {}

    def erase() -> None:
        done["erased"] = 0
        while erased := erase_due(now=now()):
            done["erased"] += erased

    def write_anew() -> None:
        cut_off_log()
        if rewrite:
            done["tables left"] = len(rewrite_tables(url=current_app.config["REWRITE_DATABASE_URL"], tell=tell))

    steps: tuple[Callable[[], object], ...] = (
        lambda: done.update(uses=gather_uses(now=now(), last_run=before)),
        lambda: done.update(warned=warn_inactive(notice=notice, now=now())),
        erase,
        lambda: count_showings(now=now()),
        lambda: note_active(now=now()),
        lambda: done.update(purge(now=now())),
        lambda: done.update({"journal entries": forget_entries(now=now())}),
        empty_demo_inbox,
        write_anew,
    )
    for number, step in enumerate(steps, start=1):
        step()
        progress(number, len(steps))
    note_run(name=RETENTION, now=now())
    return done
