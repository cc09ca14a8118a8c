"""What a library or a driver says of a fault gets into no log: it may hold addresses, user names or data."""

import logging
import runpy
import sys
from pathlib import Path

import psycopg
import pytest
from apiflask import APIFlask

from circulation.cli import without_words_of_others
from circulation.database import Database
from circulation.errors import Refused

HOUSE = Path(__file__).parents[2]
SAID = 'connection to server at "10.9.8.7" failed: password authentication failed for user "secret-role"'
WORDS = ("10.9.8.7", "secret-role", "Traceback", "N123456789")


def warn(name: str) -> None:
    try:
        raise psycopg.OperationalError(SAID)
    except psycopg.OperationalError:
        logging.getLogger(name).exception("Exception terminating connection %r", "<10.9.8.7 N123456789>")


@pytest.mark.parametrize("name", ["sqlalchemy.pool.impl.QueuePool", "psycopg", "asyncio", "urllib3.connectionpool"])
def test_a_library_s_warning_is_a_line_of_ours(
    name: str, app: APIFlask, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert app.name == "app"
    # Others silence some of them for the rest of the process.
    monkeypatch.setattr(logging.getLogger(name), "disabled", False)
    monkeypatch.setattr(logging.getLogger(name), "level", logging.WARNING)
    warn(name)
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert len(lines) == 1
    assert f'"library": "{name}"' in lines[0]
    assert '"kind": "OperationalError"' in lines[0]
    assert [word for word in WORDS if word in told.out + told.err] == []


def test_our_own_warning_keeps_its_words(app: APIFlask, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.name == "app"
    logging.getLogger("app.ils.overview").warning("library unavailable: %s (%s)", "Mull", "down")
    assert "library unavailable: Mull (down)" in capsys.readouterr().out


def test_gunicorn_s_log_names_kind_and_place_of_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    settings = runpy.run_path(str(HOUSE / "gunicorn.conf.py"))
    record = record_of("gunicorn.error", "Error handling request /")
    assert settings["_WithoutSecrets"]().filter(record)
    said = logging.Formatter().format(record)
    assert "OperationalError at " in said
    assert [word for word in WORDS if word in said] == []


def test_the_loans_system_s_log_keeps_only_its_own_words() -> None:
    record = record_of("sqlalchemy.pool.impl.QueuePool")
    assert without_words_of_others(record)
    said = logging.Formatter().format(record)
    assert said.startswith("OperationalError test_words_of_others.py:")
    assert [word for word in WORDS if word in said] == []
    own = record_of("circulation", "call=lend outcome=ok")
    own.exc_info = None
    assert without_words_of_others(own)
    assert logging.Formatter().format(own) == "call=lend outcome=ok"


def record_of(name: str, said: str = "Exception terminating connection <10.9.8.7 N123456789>") -> logging.LogRecord:
    try:
        raise psycopg.OperationalError(SAID)
    except psycopg.OperationalError:
        return logging.LogRecord(name, logging.ERROR, __file__, 1, said, (), sys.exc_info())


def test_a_loans_database_that_is_away_is_busy_and_nothing_else() -> None:
    database = Database(library="Mull", url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    for begin in (database.reading, database.writing):
        with pytest.raises(Refused) as told, begin() as session:
            session.connection()
        assert told.value.code == "busy"
    database.close()
