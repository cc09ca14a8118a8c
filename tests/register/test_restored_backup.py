"""A backup is put back after people were erased: nobody is let in until they are erased again; then none is back."""

import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import date

import pytest
from sqlalchemy import delete, select, update

from app.register.card.cards import replace_card
from app.register.change.deaths import report_death
from app.register.journal.journaling import (
    RegisterIsBehind,
    check_journal,
    current_journal,
)
from app.register.leaving.due_erasures import erase_due
from app.register.leaving.erasure import erase_patron
from app.register.leaving.receipts import read_receipt
from app.register.leaving.replay import replay
from app.register.library.feed import CursorPassed, acknowledge, read_changes
from app.register.patron.numbers import NumberWasIssued, is_gone, note_number
from app.register.patron.patrons import activate_card, register_patron
from app.register.sign_in.pins import set_pin
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice
from app.register.tables.log import Erasure, JournalPlace
from app.register.tables.patrons import Patron
from app.rules.people.contact import Contact
from tests.conftest import VAULT_KEYS, Databases
from tests.postgres import find_programs
from tests.register.counting import statements_sent
from tests.register.people import HIDDEN, MULLSJO, ULLENSAKER, erase

PEOPLE = 40


@pytest.fixture
def back_up(database_url: str, databases: Databases, engine: str, tmp_path) -> Callable[[], str]:
    """Make a backup as an operator does while the portal runs, and give the function that puts it into a database."""

    def copy() -> str:
        db.session.remove()
        if engine == "sqlite":
            copied = tmp_path / "backup.sqlite"
            path = database_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path)) as origin, closing(sqlite3.connect(copied)) as target:
                origin.backup(target)
            return f"sqlite:///{copied}"
        dump = tmp_path / "backup.dump"
        restored = databases.empty("postgresql")
        plain = database_url.replace("+psycopg", "")
        run(find_programs() / "pg_dump", "-Fc", "-f", dump, plain)
        run(find_programs() / "pg_restore", "-d", restored.replace("+psycopg", ""), dump)
        return restored

    return copy


def run(*command: object) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def enrol_people(now) -> list[int]:
    ids = []
    for number in range(PEOPLE):
        patron = register_patron(
            card_number=f"N0002000{number:02d}",
            name=f"Somebody {number}",
            birth_date=date(1980, 1, 1),
            gender="unknown",
            home_library_id=ULLENSAKER,
            contact=Contact(email=f"box{number}@example.org"),
            national_id=None,
            now=now,
        )
        activate_card(patron_id=patron.id, library_id=MULLSJO, now=now)
        ids.append(patron.id)
    set_pin(patron_id=ids[0], pin="4719", now=now)
    db.session.commit()
    return ids


def left_of(patron_ids: list[int]) -> int:
    found = len(db.session.scalars(select(Patron.id).where(Patron.id.in_(patron_ids))).all())
    db.session.rollback()
    return found


def run_replay(now, *, batch: int = 1000) -> int:
    *_, last = replay(now=now, batch=batch)
    return last.erased


def test_none_of_forty_is_back_after_a_backup_was_restored(clock, back_up, open_restored):
    people = enrol_people(clock())
    restored_url = back_up()
    # One got a new number meanwhile, and somebody came who was in no backup.
    replace_card(patron_id=people[1], now=clock())
    for patron_id_ in people[2:4]:
        report_death(patron_id=patron_id_, library_id=ULLENSAKER, now=clock())
    db.session.commit()
    codes = {}
    for patron_id_ in (people[0], people[1], *people[4:]):
        codes[patron_id_] = erase_patron(patron_id=patron_id_, reason="asked", now=clock())
        db.session.commit()
    clock.turn(days=2)
    assert erase_due(now=clock()) == 2
    assert left_of(people) == 0
    restored = open_restored(restored_url)

    with restored.app_context():
        assert left_of(people) == PEOPLE
    client = restored.test_client()
    ready = client.get("/readyz")
    assert (ready.status_code, "older than its journal" in ready.json["status"]) == (503, True)
    assert client.get("/healthz").status_code == 200
    for answer in (
        client.get("/"),
        client.get("/card"),
        client.post("/login", data={"card_number": "N000200000", "pin": "4719"}),
        client.post("/api/v1/pin-checks", json={"card_number": "N000200000", "pin": "4719"}),
    ):
        assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "60")
    assert client.get("/api/v1/changes").mimetype == "application/problem+json"

    with restored.app_context():
        runner = restored.test_cli_runner()
        refused = runner.invoke(args=["retention", "run"])
        assert refused.exit_code == 1
        assert "flask erasures replay" in refused.output
        done = runner.invoke(args=["erasures", "replay"])
        assert done.exit_code == 0, done.output
        assert "40 of those in the journal were still in the register" in done.output
        assert left_of(people) == 0
        again = runner.invoke(args=["erasures", "replay"])
        assert "\n0 of those" in again.output
        told = select(LibraryNotice.id).where(LibraryNotice.kind == "erased", LibraryNotice.library_id == MULLSJO)
        assert len(db.session.scalars(told).all()) == PEOPLE
        reasons = db.session.scalars(select(Erasure.reason)).all()
        assert (len(reasons), reasons.count("death")) == (PEOPLE, 2)
        db.session.rollback()
        receipt = read_receipt(code=codes[people[1]], address="192.0.2.1", now=clock())
        assert (receipt.reason, len(receipt.answers)) == ("asked", 2)
        assert is_gone("N000200000")
        db.session.rollback()
    assert client.get("/readyz").json == {"status": "ok"}
    assert open_restored(restored_url).test_client().get("/").status_code == 200


def test_somebody_who_came_after_the_backup_keeps_receipt_and_number(clock, back_up, open_restored):
    restored_url = back_up()
    people = enrol_people(clock())
    code = erase_patron(patron_id=people[0], reason="asked", now=clock())
    db.session.commit()
    with open_restored(restored_url).app_context():
        assert run_replay(clock()) == 0
        assert read_receipt(code=code, address="192.0.2.1", now=clock()).answers == []
        with pytest.raises(NumberWasIssued):
            note_number("N000200000")
        check_journal()


def test_a_replay_notes_many_erasures_with_few_statements(clock, back_up, open_restored):
    restored_url = back_up()
    for person in enrol_people(clock()):
        erase_patron(patron_id=person, reason="asked", now=clock())
        db.session.commit()
    with open_restored(restored_url).app_context():
        with statements_sent(db.engine) as sent:
            assert run_replay(clock()) == 0
        assert len(sent) < PEOPLE
        assert all(is_gone(f"N0002000{number:02d}") for number in range(PEOPLE))
        check_journal()


def test_nobody_else_is_erased_though_they_have_an_erased_ones_id(clock, back_up, open_restored):
    restored_url = back_up()
    gone = enrol_people(clock())
    for each in gone[:3]:
        erase_patron(patron_id=each, reason="asked", now=clock())
        db.session.commit()
    with open_restored(restored_url).app_context():
        assert run_replay(clock()) == 0
        clock.turn(seconds=5)
        db.session.execute(update(Patron).values(card_state="active"))
        others = [
            register_patron(
                card_number=f"N0003000{number:02d}",
                name="Somebody else",
                birth_date=date(1980, 1, 1),
                gender="unknown",
                home_library_id=ULLENSAKER,
                contact=Contact(),
                national_id=None,
                now=clock(),
            ).id
            for number in range(3)
        ]
        db.session.commit()
        assert set(others) & set(gone)
        assert run_replay(clock()) == 0
        assert left_of(others) == 3


def test_a_library_that_knew_more_than_the_backup_fetches_everybody_anew(clock, back_up, open_restored):
    people = enrol_people(clock())
    restored_url = back_up()
    for person in people[:3]:
        replace_card(patron_id=person, now=clock())
        erase_patron(patron_id=person, reason="asked", now=clock())
        db.session.commit()
    known = read_changes(library_id=MULLSJO, after=None, limit=500).next
    db.session.rollback()
    with open_restored(restored_url).app_context():
        run_replay(clock())
        # The register gives the same numbers once more, for other changes.
        for person in people[3:9]:
            replace_card(patron_id=person, now=clock())
        db.session.commit()
        with pytest.raises(CursorPassed):
            read_changes(library_id=MULLSJO, after=known, limit=500)
        kinds, after, more = [], None, True
        while more:
            page = read_changes(library_id=MULLSJO, after=after, limit=2)
            kinds += [notice.kind for notice in page.notices]
            after, more = page.next, page.more
        assert kinds == ["erased"] * 3 + ["renumbered"] * 6
        assert acknowledge(library_id=MULLSJO, up_to=after, kept={}, now=clock()) > len(kinds)


def test_a_replay_that_is_stopped_goes_on(clock, back_up, open_restored):
    people = enrol_people(clock())
    restored_url = back_up()
    for each in people:
        erase_patron(patron_id=each, reason="asked", now=clock())
        db.session.commit()
    with open_restored(restored_url).app_context():
        stopped = replay(now=clock(), batch=10)
        done = [next(stopped) for _ in range(3)][-1]
        stopped.close()
        db.session.rollback()
        assert left_of(people) == PEOPLE - done.erased < PEOPLE
        with pytest.raises(RegisterIsBehind):
            check_journal()
        assert run_replay(clock(), batch=7) == PEOPLE - done.erased
        assert left_of(people) == 0
        check_journal()


def test_a_register_from_before_a_change_of_keys_finds_them_all(clock, back_up, open_restored):
    people = enrol_people(clock())
    restored_url = back_up()
    erase_patron(patron_id=people[0], reason="asked", now=clock())
    db.session.commit()
    keys = {**VAULT_KEYS, 2: bytes(range(1, 33))}
    with open_restored(restored_url, vault_keys=keys).app_context():
        assert run_replay(clock()) == 1
        erase_patron(patron_id=people[1], reason="asked", now=clock())
        db.session.commit()
        check_journal()
        assert [entry.key_id for entry in current_journal().read()] == [1, 2]


def test_a_register_without_a_place_is_compared_from_the_first_entry(clock, back_up, open_restored):
    restored_url = back_up()
    erase(HIDDEN, now=clock())
    with open_restored(restored_url).app_context():
        assert db.session.scalars(select(JournalPlace)).all() == []
        db.session.execute(delete(JournalPlace))
        db.session.commit()
        with pytest.raises(RegisterIsBehind, match="1 are missing"):
            check_journal()
