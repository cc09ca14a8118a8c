"""Health checks for operators: does the process live, and can it work?"""

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from app.register.journal.journal import JournalDamaged
from app.register.journal.journaling import RegisterIsBehind, check_journal
from app.register.journal.stores import JournalUnreachable
from app.register.store.database_faults import DATABASE_ERRORS, Cause
from app.register.store.readiness import find_database_fault
from app.register.store.transaction import db
from app.web.access import Audience, open_to
from app.web.faults.unavailable import RETRY_SECONDS, was_full

health = Blueprint("health", __name__)


@health.get("/healthz")
@open_to(Audience.ANYONE)
def healthz() -> ResponseReturnValue:
    """Answer that the process lives."""
    return jsonify(status="ok")


@health.get("/readyz")
@open_to(Audience.ANYONE)
def readyz() -> ResponseReturnValue:
    """Answer whether the database is reached and can be written to, its migrations are current, and it is not older
    than its journal; if not, why not."""
    if (ailing := find_fault()) is None:
        return jsonify(status="ok")
    return jsonify(status=ailing), 503, {"Retry-After": str(RETRY_SECONDS)}


def find_fault() -> str | None:
    """Return why the portal cannot work now, for the operator; None where it can."""
    try:
        if not _migrations_are_current():
            return "migrations not current"
        if ailing := find_database_fault() or (Cause.FULL if was_full() else None):
            return ailing
        check_journal()
    except DATABASE_ERRORS:
        return find_database_fault() or Cause.NOT_REACHED
    except (RegisterIsBehind, JournalDamaged) as error:
        return str(error)
    except JournalUnreachable:
        return "journal of erasures not reached"
    return None


def _migrations_are_current() -> bool:
    with db.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_heads()
    wanted = ScriptDirectory(current_app.extensions["migrate"].directory).get_heads()
    return set(found) == set(wanted)
