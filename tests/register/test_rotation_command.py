"""`flask keys rotate`, in a process of its own that is killed, and `flask keys new`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from app.config import read_settings
from app.demo.accounts import PATRONS
from app.messages.push import PushPost
from app.register.keys.vault import vault
from app.register.patron.numbers import NumberWasIssued, note_number
from app.register.store.transaction import db
from app.register.tables.patrons import IssuedNumber
from tests.conftest import VAULT_KEYS
from tests.register.people import reading
from tests.register.rotating import NEW_KEYS, left_behind, restart_with

pytestmark = pytest.mark.usefixtures("programs")

MANY = 3000
SECRET_KEY = "0123456789abcdef" * 4


def key_line(keys) -> str:
    return ",".join(f"{number}:{key.hex()}" for number, key in keys.items())


def rotate_in_a_process(database_url, *options):
    settings = {
        "DATABASE_URL": database_url,
        "SECRET_KEY": SECRET_KEY,
        "VAULT_KEYS": key_line(NEW_KEYS),
        "SMTP_URL": "smtp://localhost",
        "MAIL_FROM": "library@example.org",
        "PUBLIC_URL": "https://card.example.org",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "keys", "rotate", *options],
        env=os.environ | settings,
        cwd=Path(__file__).parent.parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def older_rows() -> int:
    with reading() as connection:
        return connection.execute(
            text(
                "SELECT (SELECT count(*) FROM issued_numbers WHERE key_id = 1)"
                " + (SELECT count(*) FROM national_id_tokens WHERE key_id = 1)"
                " + (SELECT count(*) FROM machines WHERE key_id = 1)"
            )
        ).scalar_one()


def test_a_rotation_that_is_killed_in_the_middle_loses_nothing_and_goes_on_from_there(app, database_url, kept):
    numbers = [f"N400{person:06d}" for person in range(MANY)]
    with db.engine.begin() as connection:
        connection.execute(
            insert(IssuedNumber),
            [{"token": vault.token(purpose="card number", text=number), "key_id": 1} for number in numbers],
        )
    all_of_them = older_rows()
    restart_with(NEW_KEYS, app)

    process = rotate_in_a_process(database_url, "--batch", "3")
    while older_rows() > all_of_them - MANY // 10:
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    left = older_rows()
    assert 0 < left < all_of_them
    assert kept()
    for number in numbers[:: MANY // 50]:
        with pytest.raises(NumberWasIssued):
            note_number(number)
        db.session.rollback()

    process = rotate_in_a_process(database_url)
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    assert older_rows() == 0
    assert left_behind() == {}
    assert f"PINs under older keys, each renewed when its owner next signs in: {len(PATRONS)}" in printed
    assert kept()
    with reading() as connection:
        held = set(connection.execute(select(IssuedNumber.token)).scalars())
    assert {vault.token(purpose="card number", text=number) for number in numbers} <= held


def test_a_key_that_is_drawn_can_be_put_into_the_settings_as_it_stands(app):
    lines = [app.test_cli_runner().invoke(args=["keys", "new"]).output.strip() for _ in range(2)]
    assert lines[0] != lines[1]
    settings = {
        "VAULT_KEYS": f"{key_line(VAULT_KEYS)},{lines[0]}",
        "DATABASE_URL": "sqlite:///x",
        "SECRET_KEY": SECRET_KEY,
    }
    doors = {
        "SMTP_URL": "smtp://localhost",
        "MAIL_FROM": "library@example.org",
        "PUBLIC_URL": "https://card.example.org",
    }
    keys = read_settings(settings | doors).vault_keys
    assert list(keys) == [1, 2]
    assert keys[1] == VAULT_KEYS[1]


def test_a_key_for_push_services_can_be_put_into_the_settings_as_it_stands(app):
    lines = [app.test_cli_runner().invoke(args=["keys", "new-push"]).output.strip() for _ in range(2)]
    assert lines[0] != lines[1]
    key = bytes.fromhex(lines[0])
    assert len(PushPost(key, contact="mailto:it@example.org").public_key) == 87
