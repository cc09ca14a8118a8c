"""For whoever runs the servers: does the process live, and can it work?"""

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from app.register.erasure_journal import JournalDamaged, JournalUnreachable
from app.register.journaling import RegisterIsBehind, check_journal
from app.register.transaction import db
from app.web.access import Audience, open_to

health = Blueprint("health", __name__)


@health.get("/healthz")
@open_to(Audience.ANYONE)
def healthz() -> ResponseReturnValue:
    """Answer that the process lives."""
    return jsonify(status="ok")


@health.get("/readyz")
@open_to(Audience.ANYONE)
def readyz() -> ResponseReturnValue:
    """Answer whether the database is reached, its migrations are current, and it is not older than its journal."""
    try:
        with db.engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_heads()
    except SQLAlchemyError:
        return jsonify(status="database not reached"), 503
    migrate = current_app.extensions["migrate"]
    wanted = ScriptDirectory(migrate.directory).get_heads()
    if set(found) != set(wanted):
        return jsonify(status="migrations not current"), 503
    try:
        check_journal()
    except (RegisterIsBehind, JournalDamaged) as error:
        return jsonify(status=str(error)), 503
    except JournalUnreachable:
        return jsonify(status="journal of erasures not reached"), 503
    return jsonify(status="ok")
