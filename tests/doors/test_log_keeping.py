"""The operator's side of the access log: sealing by the worker, roots kept elsewhere, and `flask access-log verify`."""

import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import delete, select, update

from app.messages.channels import Channels
from app.messages.smtp import Smtp
from app.register.log.access_log import Viewer, log_access
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry, AccessLogLink, AccessLogRoot
from app.work.log_keeping import keep_roots, read_kept, seal_access_log
from tests.register.people import CHILD, patron_id
from tests.wall.outside import MailServer, serving

STAFF = Viewer(role="staff", actor="desk-2023500", library_id="2023500")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere"


@pytest.fixture
def keeping(make_app, folder):
    """The portal, with roots kept in a folder."""
    app = make_app()
    app.config["ACCESS_LOG_ROOTS"] = str(folder)
    with app.app_context():
        yield app


def look(clock, *, times: int = 3) -> None:
    for _ in range(times):
        log_access(patron_id=patron_id(CHILD), viewer=STAFF, purpose="counter", fields="name", now=clock())


def run(app, *arguments: str):
    return app.test_cli_runner().invoke(args=["access-log", *arguments])


def test_the_worker_seals_what_was_written(keeping, clock):
    look(clock)
    seal_access_log()
    assert len(db.session.scalars(select(AccessLogLink.seq)).all()) == 3


def test_a_root_is_kept_in_the_folder_once_and_can_be_checked_there(keeping, clock, folder):
    look(clock)
    keep_roots()
    keep_roots()
    (kept,) = folder.glob("*")
    assert kept.name == "2026-11-21.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    facts = json.loads(kept.read_text())
    signature = bytes.fromhex(facts.pop("signature"))
    number, _, key = run(keeping, "public-key").output.strip().partition(":")
    assert number == str(facts["key"])
    signed = json.dumps(facts, sort_keys=True).encode()
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, signed)
    assert facts["seq"] == 3


def test_a_root_that_cannot_be_put_there_is_put_there_later(keeping, clock, folder):
    folder.write_text("this is no folder")
    keep_roots()
    folder.unlink()
    clock.turn(days=1)
    keep_roots()
    assert len(read_kept(folder)) == 2


def test_a_root_that_was_kept_before_is_never_written_over(keeping, clock, folder):
    folder.mkdir()
    (folder / "2026-11-21.json").write_text("another")
    keep_roots()
    assert (folder / "2026-11-21.json").read_text() == "another"
    assert db.session.scalars(select(AccessLogRoot.sent_at)).all() == [None]


def test_a_root_is_sent_by_mail(make_app):
    with serving(MailServer()) as mail:
        app = make_app()
        app.config["ACCESS_LOG_ROOTS"] = "mailto:auditor@example.org"
        app.extensions["post"] = Channels(
            {"email": Smtp(f"smtp://127.0.0.1:{mail.server_address[1]}", "kort@example.org")}
        )
        with app.app_context():
            keep_roots()
            text = db.session.scalars(select(AccessLogRoot.text)).one()
        (received,) = mail.received
    assert "2026-11-21" in text
    assert "auditor@example.org" in str(received)


def test_verify_says_that_nothing_is_wrong(keeping, clock):
    look(clock)
    keep_roots()
    done = run(keeping, "verify")
    assert done.exit_code == 0, done.output
    assert "3 links, 3 lines, 0 removals, 1 roots here, 1 roots kept elsewhere." in done.output
    assert "Nothing is wrong" in done.output


def test_verify_names_what_is_wrong_and_fails(keeping, clock, folder):
    look(clock, times=4)
    keep_roots()
    db.session.execute(update(AccessLogEntry).where(AccessLogEntry.id == 2).values(actor="somebody"))
    db.session.execute(delete(AccessLogEntry).where(AccessLogEntry.id == 3))
    db.session.commit()
    done = run(keeping, "verify")
    assert done.exit_code == 1
    assert "Line 2 was not written by the register, or was changed" in done.output
    assert "Line 3 is missing, and nothing says why" in done.output
    assert "2 findings" in done.output


def test_verify_finds_that_a_root_is_missing_where_it_was_kept(keeping, clock, folder):
    keep_roots()
    (folder / "2026-11-21.json").unlink()
    done = run(keeping, "verify")
    assert (done.exit_code, "is missing there" in done.output) == (1, True)
    assert run(keeping, "verify", "--roots", str(folder)).exit_code == 0


def test_verify_says_where_no_root_is_kept_elsewhere(app, clock):
    with app.app_context():
        look(clock)
        done = run(app, "verify")
    assert (done.exit_code, "No root that was kept elsewhere" in done.output) == (0, True)
