"""A journal of erasures that is missing, another one, cut off, full or out of reach."""

from pathlib import Path

import pytest

from app.register.journal.journal import Journal
from app.register.journal.journaling import (
    NotInJournal,
    RegisterIsBehind,
    check_written,
    current_journal,
    write_waiting,
)
from app.register.journal.stores import JournalUnreachable
from app.register.leaving.erasure import erase_patron
from app.register.leaving.receipts import read_receipt
from app.register.store.transaction import db
from tests.conftest import journal_for
from tests.register.people import CHILD, GUARDIAN, LOST, erase, patron_id


def test_a_journal_that_is_missing_or_anothers_lets_nobody_in(clock, database_url, open_restored, tmp_path):
    erase(GUARDIAN, now=clock())
    other = str(tmp_path / "another.journal")
    app = open_restored(database_url, erasure_journal=other)
    client = app.test_client()
    assert client.get("/").status_code == 503
    assert "missing" in client.get("/readyz").json["status"]
    with app.app_context():
        refused = app.test_cli_runner().invoke(args=["erasures", "replay"])
        assert (refused.exit_code, "missing" in refused.output) == (1, True)
        with pytest.raises(RegisterIsBehind):
            erase_patron(patron_id=patron_id(CHILD), reason="asked", now=clock())
        db.session.rollback()
        lost = app.test_cli_runner().invoke(args=["erasures", "replay", "--journal-is-lost"])
        assert lost.exit_code == 0
        erase(CHILD, now=clock())
        assert len(current_journal().read()) == 1
    assert client.get("/readyz").status_code == 200
    first = open_restored(database_url).test_client()
    assert "another" in first.get("/readyz").json["status"]


def test_a_journal_that_lost_its_end_lets_nobody_in(clock, app, database_url, engine):
    for number in (GUARDIAN, CHILD, LOST):
        erase(number, now=clock())
    if engine == "sqlite":
        path = Path(journal_for(database_url))
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    else:
        db.session.connection().exec_driver_sql("DELETE FROM erasure_journal WHERE seq = 3")
        db.session.commit()
    assert "lost its end" in app.test_client().get("/readyz").json["status"]


def test_an_erasure_is_not_acknowledged_before_the_journal_has_it(clock, app, database_url, engine, monkeypatch):
    def full(_journal, _entries):
        raise JournalUnreachable("OSError")

    with monkeypatch.context() as disk:
        disk.setattr(Journal, "append", full)
        code = erase(GUARDIAN, now=clock())
        with pytest.raises(NotInJournal):
            check_written()
        with pytest.raises(NotInJournal):
            read_receipt(code=code, address="192.0.2.1", now=clock())
        db.session.rollback()
        answer = app.test_client().get(f"/receipt/{code}")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert write_waiting() == 1
    assert app.test_client().get(f"/receipt/{code}").status_code == 200
    assert len(current_journal().read()) == 1


def test_a_register_that_was_never_compared_is_not_opened_while_its_journal_is_away(
    clock, database_url, open_restored, tmp_path
):
    (tmp_path / "a file").touch()
    app = open_restored(database_url, erasure_journal=str(tmp_path / "a file" / "journal"))
    assert app.test_client().get("/login").status_code == 503
