"""Health checks for operators: does the process live, and can it work?"""

from pathlib import Path
from typing import Final

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from app.register.journal.journal import JournalDamaged
from app.register.journal.journaling import RegisterIsBehind, check_journal
from app.register.journal.stores import JournalUnreachable
from app.register.keys.recognition import WrongKeys, check_keys
from app.register.store.database_faults import DATABASE_ERRORS, Cause
from app.register.store.readiness import are_migrations_pending, find_database_fault
from app.rules.errors import RuleBroken
from app.web.access import Audience, open_to
from app.web.faults.unavailable import RETRY_SECONDS, was_full

FRONT_END: Final = (
    "designsystemet/theme.css",
    "designsystemet/designsystemet.css",
    "inter/wght.css",
    "lean-qr/index.mjs",
    "barcode-detector/ponyfill.js",
    "barcode-detector/zxing_reader.wasm",
)
"""Files that are fetched: one at least of each package that pages are made with."""

health = Blueprint("health", __name__)


@health.get("/healthz")
@open_to(Audience.ANYONE)
def healthz() -> ResponseReturnValue:
    """Answer that the process lives."""
    return jsonify(status="ok")


@health.get("/readyz")
@open_to(Audience.ANYONE)
def readyz() -> ResponseReturnValue:
    """Answer whether front end and texts are there, the database is reached and can be written to, its migrations are
    current, its keys are ours, and it is not older than its journal; if not, why not."""
    if (ailing := find_fault()) is None:
        return jsonify(status="ok")
    return jsonify(status=ailing), 503, {"Retry-After": str(RETRY_SECONDS)}


class NotReady(RuleBroken):
    """The program cannot serve. `status` is what /readyz answers, the text a sentence for the operator."""

    def __init__(self, status: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def check_made() -> None:
    """Raise NotReady where front end or texts were not made."""
    vendor = Path(str(current_app.static_folder)) / "vendor"
    if not all((vendor / name).is_file() for name in FRONT_END):
        raise NotReady(
            "front end missing", "The pages' style sheets and scripts are missing: `./manage install` fetches them."
        )
    if not all(path.with_suffix(".mo").is_file() for path in Path(current_app.root_path).glob("translations/*/*/*.po")):
        raise NotReady("texts missing", "The pages' texts are not compiled: `./manage install` does it.")


def check_register() -> None:
    """Raise NotReady where migrations are pending or VAULT_KEYS are wrong. Raises DATABASE_ERRORS."""
    if are_migrations_pending():
        raise NotReady(
            "migrations not current", "The database lacks tables of this program: run `lanekort db upgrade` first."
        )
    try:
        check_keys()
    except WrongKeys as error:
        raise NotReady("wrong keys", str(error)) from None


def find_fault() -> str | None:
    """Return why the portal cannot work now, for the operator; None where it can."""
    try:
        check_made()
        check_register()
        if ailing := find_database_fault() or (Cause.FULL if was_full() else None):
            return ailing
        check_journal()
    except DATABASE_ERRORS:
        return find_database_fault() or Cause.NOT_REACHED
    except NotReady as error:
        return error.status
    except (RegisterIsBehind, JournalDamaged) as error:
        return str(error)
    except JournalUnreachable:
        return "journal of erasures not reached"
    return None
