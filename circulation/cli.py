"""The command line: `python -m circulation [--library ID] COMMAND`. Without --library, all of the settings' libraries.

Settings come from the environment (settings.py). Each of the daily commands may be run as often as one likes.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from flask import Flask
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from circulation.database import NotMigrated, WrongLibrary
from circulation.demo import seed_demo
from circulation.errors import PROBLEMS, Refused
from circulation.factory import create_circulation, utc_now
from circulation.lending.claims import run_claims
from circulation.lending.holds import expire_holds, resume_holds
from circulation.lending.patrons import drop_keys, drop_settled, drop_totals
from circulation.lending.reminders import run_reminders
from circulation.lending.self_service import drop_entries
from circulation.lending.transaction import Transaction
from circulation.libraries import Library, open_libraries
from circulation.notices import Post, send_notices
from circulation.policy.toml_file import PolicyError
from circulation.rulebook import changing
from circulation.settings import Settings, SettingsError

log = logging.getLogger("circulation")

_NOT_ALLOWED: Final = "42501"
# Who wrote a draft that came from a file on the server: no user name of staff has these letters.
_OPERATOR: Final = "(operator)"
# To gunicorn it means that another worker would not get further either.
_NO_APP: Final = 4
Job = Callable[[Library, datetime], str]


def _counted(run: Callable[..., int], what: str) -> Job:
    return lambda library, now: f"{run(database=library.database, policy=library.policy_at(now), now=now)} {what}"


_CLAIMS: Final = _counted(run_claims, "claims made")
_REMINDERS: Final = _counted(run_reminders, "reminders made")
_HOLDS: Final = _counted(expire_holds, "holds expired")
_PAUSES: Final = _counted(resume_holds, "pauses of holds ended")


def _holds(library: Library, now: datetime) -> str:
    return f"{_HOLDS(library, now)}, {_PAUSES(library, now)}"


def _retention(library: Library, now: datetime) -> str:
    policy = library.policy_at(now)
    dropped = drop_settled(database=library.database, policy=policy, now=now)
    entries = drop_entries(database=library.database, policy=policy, now=now)
    keys = drop_keys(database=library.database, policy=policy, now=now)
    drop_totals(database=library.database, policy=policy, now=now)
    library.database.vacuum()
    return f"{dropped} settled rows lost their card number, {entries} door entries and {keys} keys of acts forgotten"


def _daily(library: Library, now: datetime) -> str:
    return ", ".join(job(library, now) for job in (_HOLDS, _CLAIMS, _REMINDERS, _PAUSES, _retention))


def _migrate(library: Library, _now: datetime) -> str:
    library.database.migrate()
    return "tables are the newest"


def _notices(library: Library, now: datetime) -> str:
    post = Post.from_environment(os.environ)
    done = send_notices(
        database=library.database,
        policy=library.policy_at(now),
        sender=post.sender,
        address_of=post.address_of,
        send=post.send,
        phone_of=post.phone_of,
        text=post.text,
        push=post.push,
        now=now,
    )
    return (
        f"{done.sent} letters sent, {done.without_address} cards without an address, {done.failed} to try again,"
        f" {done.quiet} in quiet hours"
    )


JOBS: Final[dict[tuple[str, ...], tuple[Job, str]]] = {
    ("claims", "run"): (_CLAIMS, "make the claims that are due"),
    ("reminders", "run"): (_REMINDERS, "make the reminders that are due"),
    ("holds", "run"): (
        _holds,
        "give copies that nobody fetched to the next, and free ones to those whose pause is over",
    ),
    ("retention", "run"): (_retention, "forget the card numbers of old settled debts, old door entries and totals"),
    ("daily",): (_daily, "all of the above: what a timer runs, before notices send"),
    ("notices", "send"): (_notices, "send the outbox by e-mail, SMS and notifications"),
    ("migrate",): (_migrate, "bring the tables to the newest revision"),
}


def application() -> Flask:
    """For a WSGI server: gunicorn 'circulation.cli:application()'. Ends with a sentence where it cannot serve.

    A database that is away is only named: until it is back, answers are errors.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(without_words_of_others)
    try:
        app = create_circulation(Settings.from_environment(os.environ))
        for name, library in app.extensions["circulation"].items():
            try:
                library.database.check()
                if library.ignores_its_file():
                    log.warning("policy_file_has_no_effect library=%s", name)
            except (DBAPIError, PoolTimeout) as error:
                sys.stderr.write(f"{_sentence_of(error)}\n")
    except Exception as error:
        sys.stderr.write(f"{_sentence_of(error)}\n")
        sys.exit(_NO_APP)
    return app


def _export_rules(library: Library, now: datetime, options: argparse.Namespace) -> None:
    with library.database.reading() as session:
        tx = Transaction(session, library.rules(session), now)
        if options.draft:
            text = changing.read_draft(tx).toml
        elif options.number is None:
            text = tx.rules.toml
        else:
            text = changing.version_text(tx=tx, number=options.number)
    sys.stdout.buffer.write(text.encode())  # as it came in, also where its lines end otherwise than here
    sys.stdout.flush()


def _import_rules(library: Library, now: datetime, options: argparse.Namespace) -> None:
    text = options.file.read_bytes().decode("utf-8", "replace")
    with library.database.writing() as session:
        tx = Transaction(session, library.rules(session), now, _OPERATOR)
        there = changing.current_draft(tx)
        if there.toml is not None and not options.replace:
            raise _Refusal(f"{there.saved_by} saved a draft at {there.saved_at}. --replace drops it for the file.")
        try:
            changing.save_draft(tx=tx, revision=there.revision, toml=text)
        except Refused as error:
            if error.code != "bad_rules":
                raise
            raise _Refusal("\n".join(_faults(options.file, error.facts))) from None
    sys.stdout.write("The file is the draft now. An administrator publishes it under Loan rules at the desk.\n")


def _faults(file: Path, facts: Mapping[str, Any]) -> Iterator[str]:
    for each in (facts, *facts.get("others", ())):
        key = f"{each['key']}: " if each["key"] else ""
        yield f"{file}, line {each['line']}: {key}{each['fault']}"


class _Refusal(Exception):
    """Why a command did nothing, as a sentence."""


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run one command; 0 when done, 2 after a sentence that says what is wrong."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options, environ)
    except Exception as error:
        sys.stderr.write(f"{_sentence_of(error)}\n")
        return 2


def _run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = Settings.from_environment(environ)
    libraries = open_libraries(settings)
    if options.command == "seed-demo":
        if not settings.demo:
            sys.stderr.write("seed-demo: only with CIRCULATION_DEMO=1\n")
            return 2
        seed_demo(settings=settings, now=utc_now())
        return 0
    if options.command == "serve":
        server = [sys.executable, "-m", "gunicorn", "--workers", str(options.workers), "--bind", options.bind]
        os.execv(sys.executable, [*server, "circulation.cli:application()"])  # noqa: S606 no shell is wanted
    if options.library is not None and options.library not in libraries:
        sys.stderr.write(f"--library: the settings name {', '.join(libraries)}\n")
        return 2
    if options.command == "rules":
        if options.library is None and len(libraries) > 1:
            sys.stderr.write(f"rules: name one library with --library: {', '.join(libraries)}\n")
            return 2
        library = libraries[options.library or next(iter(libraries))]
        library.database.check()
        (_export_rules if options.action == "export" else _import_rules)(library, utc_now(), options)
        return 0
    action = getattr(options, "action", None)
    job, _ = JOBS[(options.command, action) if action else (options.command,)]
    for name, library in libraries.items():
        if options.library in (None, name):
            if options.command != "migrate":
                library.database.check()
            sys.stdout.write(f"{name}: {job(library, utc_now())}\n")
        library.database.close()
    return 0


def without_words_of_others(record: logging.LogRecord) -> bool:
    """Keep every record; of a library's only who warns and where. What a driver says may hold addresses or data."""
    if not record.name.startswith("circulation"):
        kind = record.exc_info[0] if record.exc_info else None
        record.msg, record.args = "%s %s:%s", (kind.__name__ if kind else "", record.filename, record.lineno)
        record.exc_info = record.exc_text = None
    return True


def _sentence_of(error: Exception) -> str:
    """What an operator can do about an error; never what a driver says, which may hold addresses or data."""
    if isinstance(error, SettingsError | PolicyError | NotMigrated | WrongLibrary | _Refusal):
        return str(error)
    if isinstance(error, PoolTimeout | OperationalError) or (isinstance(error, Refused) and error.code == "busy"):
        return (
            "The library's database is not reached, locked or not writable: is it running, is CIRCULATION_DATABASE_URL"
            " right (address, name, user, password), and may this user write to it?"
        )
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == _NOT_ALLOWED:
        return "The role in CIRCULATION_DATABASE_URL may not do that: it must own the database and its tables."
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}."
    if isinstance(error, Refused):
        return PROBLEMS[error.code][1]
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"A fault of the program: {type(error).__name__} at {frame.filename}:{frame.lineno}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m circulation", description="One library's own loans system.")
    parser.add_argument("--library", help="only this library (default: all)")
    commands = parser.add_subparsers(dest="command", required=True)
    for words, (_, what) in JOBS.items():
        command = commands.add_parser(words[0], help=what)
        if len(words) == 2:
            command.add_subparsers(dest="action", required=True).add_parser(words[1], help=what)
    rules = commands.add_parser("rules", help="one library's rules as a file").add_subparsers(
        dest="action", required=True
    )
    export = rules.add_parser("export", help="write the newest published rules to the standard output")
    which = export.add_mutually_exclusive_group()
    which.add_argument("--number", type=int, help="those with this number instead")
    which.add_argument("--draft", action="store_true", help="the draft instead")
    come_in = rules.add_parser("import", help="make a file the draft, checked like the form at the desk")
    come_in.add_argument("file", type=Path)
    come_in.add_argument("--replace", action="store_true", help="also where somebody has saved a draft")
    commands.add_parser("seed-demo", help="fill the demo's libraries")
    serve = commands.add_parser("serve", help="answer over HTTP")
    serve.add_argument("--bind", default="127.0.0.1:8001")
    serve.add_argument("--workers", type=int, default=2)
    return parser
