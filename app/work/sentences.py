"""What an operator can do about an error: sentences that quote no driver and no library, which may name data."""

from typing import Final

from app.config import BadSettings
from app.ils.systems import BadSystems
from app.register.journal.journal import JournalDamaged
from app.register.journal.journaling import RegisterIsBehind
from app.register.journal.stores import JournalUnreachable
from app.register.store.database_faults import DATABASE_ERRORS, Cause, cause_of
from app.rules.errors import RuleBroken
from app.web.faults.errors import where_raised

_DATABASE_SENTENCES: Final = {
    Cause.NOT_REACHED: "The register's database is not reached or takes no connection: is it running, is DATABASE_URL"
    " right (address, name, user, password), and may this user open it?",
    Cause.NO_CONNECTIONS: "The register's database has no connection left: let it take more, or run fewer processes.",
    Cause.READ_ONLY: "The register's database cannot be written to: is it a standby, or a file of another user?",
    Cause.FULL: "The register's database cannot be written to: is its disk full?",
    Cause.BUSY: "The register's database is locked by somebody else: try again.",
}
_NOT_ALLOWED: Final = "42501"


def sentence_of(error: Exception) -> str:
    """Return what an operator can do about an error; where it was raised, for one of ours."""
    if isinstance(error, JournalUnreachable):
        return "The journal of erasures is not reached: is ERASURE_JOURNAL right, and may this user write to it?"
    if isinstance(error, BadSettings | BadSystems | RegisterIsBehind | JournalDamaged | RuleBroken) and str(error):
        return str(error)
    if isinstance(error, DATABASE_ERRORS):
        if cause := cause_of(error):
            return _DATABASE_SENTENCES[cause]
        if getattr(getattr(error, "orig", error), "sqlstate", None) == _NOT_ALLOWED:
            return "The role in DATABASE_URL may not do that: it must own the database and its tables."
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}."
    return f"A fault of the program: {type(error).__name__} at {where_raised(error)}"
