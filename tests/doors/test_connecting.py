"""What docs/libraries.md tells a technician is true: the signature's check, and the way to be told at once."""

import re
import time
from itertools import count
from pathlib import Path

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from app.ils.port import Refused
from app.ils.webhook import sign, write_key
from app.register.library.notices import lease_queue
from app.register.store.transaction import db
from app.register.tables.library import LibraryQueue
from app.work.notifying import deliver_queue
from tests.conftest import Clock
from tests.doors.test_operator_commands import run

PAGE = Path(__file__).parents[2] / "docs" / "libraries.md"


def test_the_check_of_a_signature_on_the_page_works() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, object] = {}
    exec(program, names)
    key, body, now = bytes(range(32)), b'{"id": 1}', int(time.time())

    def told(**changed: object) -> bool:
        sent = {"id": "7", "at": now, "body": body, "key": key} | changed
        signature = sign(key=key, message_id="7", timestamp=int(str(sent["at"])), body=body)
        headers = {"webhook-id": sent["id"], "webhook-timestamp": str(sent["at"]), "webhook-signature": signature}
        return names["is_from_the_register"](headers, sent["body"], write_key(sent["key"]))  # type: ignore[operator]

    assert told()
    assert not told(id="8")
    assert not told(at=now - 400)
    assert not told(body=b'{"id": 2}')
    assert not told(key=bytes(32))


def line(app: APIFlask, library_id: str) -> tuple[str | None, bool]:
    with app.app_context():
        found = db.session.scalars(select(LibraryQueue).where(LibraryQueue.library_id == library_id)).one()
        db.session.rollback()
        return found.webhook_url, found.sealed_webhook_key is not None


def test_a_library_that_listens_is_told_with_the_key_that_was_shown(app: APIFlask, clock: Clock) -> None:
    url = "https://ils.example.org/lanekort"
    shown = run(app, "webhooks", "listen", "Mull", url)
    assert shown.exit_code == 0, shown.output
    with app.app_context():
        lines = {}
        while (due := lease_queue(now=clock())) is not None:
            lines[due.library_id] = due
    assert lines["Mull"].webhook_url == url
    assert lines["Mull"].webhook_key is not None
    assert write_key(lines["Mull"].webhook_key) in shown.output
    assert line(app, "Mull") == (url, True)
    again = run(app, "webhooks", "listen", "Mull", url)
    assert again.output != shown.output


def test_a_library_that_stops_listening_is_told_nothing_and_its_key_is_gone(app: APIFlask) -> None:
    run(app, "webhooks", "listen", "Mull", "https://ils.example.org/lanekort")
    assert run(app, "webhooks", "stop", "Mull").exit_code == 0
    assert line(app, "Mull") == (None, False)
    assert run(app, "webhooks", "stop", "Mull").exit_code == 1


@pytest.mark.parametrize(
    ("library_id", "url"),
    [
        ("Mull", "http://ils.example.org/"),
        ("Mull", "https://user:word@ils.example.org/"),
        ("Nope", "https://x.example"),
    ],
)
def test_what_cannot_be_told_is_refused(app: APIFlask, library_id: str, url: str) -> None:
    refused = run(app, "webhooks", "listen", library_id, url)
    assert refused.exit_code == 1
    assert "whsec_" not in refused.output


def test_what_is_refused_and_due_again_waits_for_the_next_turn_of_the_line(
    app: APIFlask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(app, "webhooks", "listen", "Mull", "https://ils.example.org/lanekort")

    def refuse(*_notice: object) -> None:
        clock.turn(seconds=10)
        raise Refused("status-400")

    monkeypatch.setattr("app.work.notifying.deliver_notice", refuse)
    turns = count()
    with app.app_context():
        while (due := lease_queue(now=clock())) is not None and due.library_id != "Mull":
            pass
        assert due is not None
        deliver_queue(due, go_on=lambda: next(turns) < 100)
    assert next(turns) < 20
