"""A database that is lost while an error is answered: the answer asks nothing of it, and says when to come again."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event

from app.register.journal.journaling import NotInJournal
from app.register.limits.budgets import TooManyAttempts
from app.register.store.transaction import db
from app.rules.errors import RuleBroken
from tests.conftest import Clock
from tests.wall.test_database_faults import opened


def lose(*_connecting: object) -> None:
    sqlite3.connect("/nowhere/register.sqlite")


@pytest.mark.parametrize("error", [NotInJournal(), RuleBroken(), TooManyAttempts(60), KeyError()], ids=repr)
def test_a_database_that_is_lost_while_an_error_is_answered_is_told(
    database_url: str, tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(database_url, tmp_path, Clock()) as portal:
        # Before anybody asked who is signed in, which the answer's page would do.
        def fail() -> None:
            db.engine.dispose()
            event.listen(db.engine, "do_connect", lose)
            raise error

        before = portal.app.before_request_funcs
        first = next(each for each in before[None] if each.__name__ == "start")
        monkeypatch.setitem(before, None, [first, fail, *before[None]])
        monkeypatch.setattr(portal.app, "testing", False)
        answer = portal.phone.get("/my")
        assert answer.status_code == (500 if isinstance(error, KeyError) else 503)
        assert "Nothing was lost." in answer.text or "We cannot confirm" in answer.text
