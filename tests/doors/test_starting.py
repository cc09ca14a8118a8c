"""The portal, its commands and the loans system begin only where they can work, and say in a sentence why not."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest
from apiflask import APIFlask
from click.testing import Result
from sqlalchemy import select

from app import create_app
from app.cli.starting import check_start
from app.register.keys.recognition import WrongKeys, check_keys, note_keys
from app.register.keys.vault import Vault, use_vault
from app.register.store.transaction import db
from app.register.tables.log import KeyProof
from app.web.faults.health import FRONT_END
from circulation.cli import main as circulation
from scripts.vendor import SERVED
from tests.conftest import VAULT_KEYS, Databases, settings_for

HOUSE = Path(__file__).parents[2]
DEAD = "postgresql+psycopg://nobody:hidden-word@127.0.0.1:1/none"
NOT_REACHED = "database is not reached"
OTHER_KEYS = {1: bytes(range(32, 64))}
OTHERS = {"spec", "db"}
"""Commands of APIFlask and Flask-Migrate."""
SERVING = {"worker", "sip2-gateway", "operator-page"}


def app_at(url: str, **settings: object) -> APIFlask:
    return create_app(replace(settings_for(url), **settings))  # type: ignore[arg-type]


def commands_of(group: click.Group, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if name in OTHERS:
            continue
        if isinstance(command, click.Group):
            yield from commands_of(command, *words, name)
        else:
            yield (*words, name), command


def words_for(command: click.Command, folder: Path) -> list[str]:
    """Something for each argument and option that a command insists on."""
    file = folder / "file"
    file.write_text("name,type,id\n")
    words = []
    for each in command.params:
        if isinstance(each, click.Argument) or each.required:
            value = next(iter(getattr(each.type, "choices", [str(file) if isinstance(each.type, click.Path) else "x"])))
            words += [value] if isinstance(each, click.Argument) else [each.opts[0], str(value)]
    return words


def assert_one_sentence(done: Result, expected: str) -> None:
    assert done.exit_code == 1, done.output
    assert re.fullmatch(r"Error: [^\n]*\n", done.output), done.output
    assert expected in done.output
    assert not re.search(r"Traceback|SELECT|INSERT|hidden-word|127\.0\.0\.1|psycopg\.|sqlite3\.", done.output), (
        done.output
    )


def empty(databases: Databases, _folder: Path) -> APIFlask:
    return app_at(databases.empty("sqlite"))


def dead(_databases: Databases, _folder: Path) -> APIFlask:
    return app_at(DEAD)


def not_a_file(_databases: Databases, folder: Path) -> APIFlask:
    return app_at(f"sqlite:///{folder}")


def not_a_database(_databases: Databases, folder: Path) -> APIFlask:
    (folder / "letter.txt").write_text("Dear library, " * 1000)
    return app_at(f"sqlite:///{folder / 'letter.txt'}")


def read_only(databases: Databases, _folder: Path) -> APIFlask:
    return app_at(databases.copy("sqlite").replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true")


def noted(databases: Databases) -> str:
    url = databases.copy("sqlite")
    with app_at(url).app_context():
        note_keys()
    return url


def wrong_keys(databases: Databases, _folder: Path) -> APIFlask:
    return app_at(noted(databases), vault_keys=OTHER_KEYS)


def without_front_end(databases: Databases, folder: Path) -> APIFlask:
    app = app_at(databases.copy("sqlite"))
    app.static_folder = str(folder)
    return app


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (empty, "run `lanekort db upgrade` first"),
        (dead, NOT_REACHED),
        (not_a_file, NOT_REACHED),
        (not_a_database, NOT_REACHED),
        (read_only, "cannot be written to"),
        (wrong_keys, "Key 1 in VAULT_KEYS is not the one"),
    ],
)
def test_every_command_says_in_a_sentence_what_is_wrong(fault, sentence, databases: Databases, tmp_path: Path) -> None:
    app = fault(databases, tmp_path)
    tried = 0
    for words, command in commands_of(app.cli):
        done = app.test_cli_runner().invoke(args=[*words, *words_for(command, tmp_path)])
        assert_one_sentence(done, sentence)
        tried += 1
    assert tried >= 20


def test_what_serves_is_refused_without_front_end_or_texts(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for word in SERVING:
        done = without_front_end(databases, tmp_path).test_cli_runner().invoke(args=[word])
        assert_one_sentence(done, "style sheets and scripts are missing")
    (tmp_path / "translations/nb/LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "translations/nb/LC_MESSAGES/messages.po").touch()
    app = app_at(databases.copy("sqlite"))
    app.static_folder = str(app.static_folder)
    monkeypatch.setattr(app, "root_path", str(tmp_path))
    assert_one_sentence(app.test_cli_runner().invoke(args=["worker"]), "texts are not compiled")


def test_a_journal_that_cannot_be_read_is_told_in_a_sentence(databases: Databases, tmp_path: Path) -> None:
    app = app_at(databases.copy("sqlite"), erasure_journal=str(tmp_path))
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO journal_place (id, journal, seq) VALUES (1, 'x', 1)")
    for words in (["retention", "run"], ["sip2-gateway"]):
        assert_one_sentence(app.test_cli_runner().invoke(args=words), "is ERASURE_JOURNAL right")


def test_a_fresh_register_takes_the_first_keys_and_no_others(databases: Databases) -> None:
    url = databases.copy("sqlite")
    with app_at(url).app_context():
        check_start()
        assert db.session.scalars(select(KeyProof.key_id)).all() == list(VAULT_KEYS)
    with app_at(url, vault_keys=OTHER_KEYS).app_context(), pytest.raises(WrongKeys, match="Key 1 in VAULT_KEYS is not"):
        note_keys()


def test_a_new_key_is_noted_and_from_then_on_needed(app: APIFlask) -> None:
    with app.app_context():
        note_keys()
        use_vault(Vault(VAULT_KEYS | {2: b"2" * 32}))
        check_keys()
        note_keys()
        use_vault(Vault(VAULT_KEYS))
        with pytest.raises(WrongKeys, match="Key 2 is in use and not in VAULT_KEYS"):
            check_keys()
        use_vault(Vault(VAULT_KEYS | {2: b"3" * 32}))
        with pytest.raises(WrongKeys, match="Key 2 in VAULT_KEYS is not"):
            note_keys()


def test_a_portal_that_is_not_ready_says_which_part(databases: Databases, tmp_path: Path) -> None:
    for fault, status in ((empty, "migrations not current"), (wrong_keys, "wrong keys")):
        answer = fault(databases, tmp_path).test_client().get("/readyz")
        assert (answer.status_code, answer.json) == (503, {"status": status})
    answer = without_front_end(databases, tmp_path).test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"status": "front end missing"})


def test_tables_of_a_newer_program_are_ready_for_this_one(databases: Databases) -> None:
    app = app_at(databases.copy("sqlite"))
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert app.test_client().get("/readyz").json == {"status": "ok"}


def test_what_must_be_there_is_what_is_fetched() -> None:
    assert set(FRONT_END) <= {to for _, to in SERVED}
    assert {name.partition("/")[0] for name in FRONT_END} == {to.partition("/")[0] for _, to in SERVED}


# --- programs of their own ---


def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | environ
    return subprocess.run(command, cwd=HOUSE, env=given, capture_output=True, text=True, timeout=300, check=False)


def settings(url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "ERASURE_JOURNAL": "/proc/nowhere/journal",
        "SECRET_KEY": "a secret key for tests that is long enough",
        "VAULT_KEYS": f"1:{VAULT_KEYS[1].hex()}",
        "PUBLIC_URL": "https://card.example.org",
        "SMTP_URL": "smtp://localhost",
        "MAIL_FROM": "card@example.org",
    }


FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")
GUNICORN = (sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "1")


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize(
    ("command", "environ", "sentence"),
    [
        ((*FLASK, "--help"), {}, "DATABASE_URL must be"),
        ((*FLASK, "worker"), {}, "DATABASE_URL must be"),
        ((*FLASK, "db", "upgrade"), {}, "DATABASE_URL must be"),
        ((*FLASK, "db", "upgrade"), settings(DEAD), NOT_REACHED),
        ((*FLASK, "db", "upgrade"), settings("sqlite:////nonexistent/register.sqlite"), NOT_REACHED),
        ((*FLASK, "db", "upgrade"), settings("postgresql+psycopg://a:b@host:port/name"), "DATABASE_URL must be"),
        ((*FLASK, "sip2-gateway"), settings(DEAD), NOT_REACHED),
        ((*GUNICORN, "wsgi:app"), {}, "DATABASE_URL must be"),
        ((*GUNICORN, "circulation.cli:application()"), {}, "CIRCULATION_DATABASE_URL"),
    ],
)
def test_a_program_that_cannot_begin_ends_with_a_sentence(command, environ, sentence) -> None:
    done = run(*command, **environ)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert sentence in said
    assert not re.search(r"Traceback|hidden-word|psycopg\.Op|sqlite3\.", said), said


@pytest.mark.usefixtures("programs")
def test_gunicorn_refuses_a_register_without_tables_and_one_with_other_keys(databases: Databases) -> None:
    for url, keys, sentence in (
        (databases.empty("sqlite"), VAULT_KEYS, "db upgrade"),
        (noted(databases), OTHER_KEYS, "Key 1 in VAULT_KEYS is not the one"),
    ):
        done = run(*GUNICORN, "wsgi:app", **settings(url) | {"VAULT_KEYS": f"1:{keys[1].hex()}"})
        told = [line for line in done.stderr.splitlines() if not line.startswith("[")]
        assert (done.returncode, len(told)) == (4, 1), done.stderr
        assert sentence in told[0]


# --- the loans system ---

CIRCULATION_COMMANDS = ("claims run", "reminders run", "holds run", "retention run", "daily", "notices send", "migrate")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"CIRCULATION_DATABASE_URL": DEAD}, "not reached"),
        ({"CIRCULATION_DATABASE_URL": "postgresql+psycopg://a@b:port/x"}, "must be a database address"),
        ({"CIRCULATION_DATABASE_URL": "sqlite:////proc/nowhere/x.sqlite"}, "/proc/nowhere: No such file or directory."),
        ({"CIRCULATION_LIBRARIES": "Nowhere"}, "there is no such policy file"),
        ({"CIRCULATION_POLICIES": "/nonexistent"}, "must be a folder"),
        ({"CIRCULATION_API_PASSWORD": ""}, "at least 16 characters"),
    ],
)
@pytest.mark.parametrize("command", CIRCULATION_COMMANDS)
def test_every_command_of_the_loans_system_says_in_a_sentence_what_is_wrong(
    command: str, change: dict[str, str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert circulation(command.split(), lending(tmp_path) | change) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert told.count("\n") == 1, told
    assert "hidden-word" not in told


@pytest.mark.parametrize("command", CIRCULATION_COMMANDS[:-1])
def test_the_loans_system_asks_for_its_tables_first(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert circulation(command.split(), lending(tmp_path)) == 2
    assert capsys.readouterr().err == "the database of library Mull lacks tables: run `circulation migrate` first\n"


def lending(folder: Path) -> dict[str, str]:
    return {
        "CIRCULATION_LIBRARIES": "Mull",
        "CIRCULATION_DATABASE_URL": f"sqlite:///{folder}/x.sqlite",
        "CIRCULATION_API_USER": "portal",
        "CIRCULATION_API_PASSWORD": "sixteen letters!",
    }
