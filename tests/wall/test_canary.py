"""A title that nobody else has: it is lent, looked at from every side and returned, and the register never held it."""

import base64
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.web.access import Audience, audience_of
from app.work.worker import work_once
from tests.conftest import Clock
from tests.doors.visits import CHILD, GUARDIAN, desk_log_in, log_in, scan_at_desk, shown_code, submit
from tests.town import Town, build_town

TITLE = "Ærfuglens sjuogsøtti sokkelost"
BARCODE = "990077"


@pytest.fixture
def town(tmp_path: Path, clock: Clock) -> Iterator[Town]:
    built = build_town(tmp_path / "libraries", clock=clock)
    built.put_on_shelf("2023500", barcode=BARCODE, title=TITLE)
    yield built
    built.close()


@pytest.fixture
def app(app: APIFlask, town: Town) -> APIFlask:
    app.extensions["ils"] = town.systems
    return app


def disguises(text: str) -> set[bytes]:
    """Return the ways in which a text may lie in a file."""
    plain = [text, text.upper(), text.lower(), text.split()[1]]
    found = {word.encode(coding) for word in plain for coding in ("utf-8", "utf-16-le", "utf-16-be", "latin-1")}
    found |= {quote(word).encode() for word in plain}
    found |= {word.encode("unicode_escape") for word in plain}
    for shift in range(3):
        # Base64 of a text depends on where in its line it begins; the outermost letters mix with the neighbours.
        found.add(base64.b64encode(b"x" * shift + text.encode())[4:-4])
    return found


def walk(client: FlaskClient, audience: Audience) -> int:
    """Open every page that needs no further word, and return in how many the title stood."""
    app = client.application
    shown = 0
    for rule in app.url_map.iter_rules():
        if rule.arguments or "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        if audience_of(app, rule.endpoint) in (audience, Audience.ANYONE):
            response = client.get(rule.rule)
            assert response.status_code < 500, rule.rule
            shown += TITLE.encode() in response.data
    return shown


def everything_central(
    app: APIFlask, database_url: str, clients: list[FlaskClient], inbox: Path
) -> Iterator[tuple[str, bytes]]:
    """Yield whatever the portal keeps: rows, database files, cookies, messages."""
    with app.app_context():
        for table in Base.metadata.sorted_tables:
            for row in db.session.execute(table.select()):
                yield f"row of {table.name}", repr(tuple(row)).encode() + str(tuple(row)).encode("utf-16-le")
        db.session.remove()
    database = Path(database_url.removeprefix("sqlite:///"))
    for file in database.parent.glob(database.name + "*"):
        yield file.name, file.read_bytes()
    for client in clients:
        for cookie in client._cookies.values():
            payload = cookie.value.strip('"').lstrip(".").split(".")[0]
            yield cookie.key, cookie.value.encode() + base64.urlsafe_b64decode(payload + "===")
    for letter in inbox.glob("*"):
        yield letter.name, letter.read_bytes()


def test_a_borrowed_title_is_nowhere_in_the_portal(
    app: APIFlask,
    database_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
):
    caplog.set_level(logging.DEBUG)
    child, guardian, desk = (app.test_client() for _ in range(3))
    for client in (child, guardian, desk):
        client.set_cookie("lang", "en")
    log_in(child, *CHILD)
    submit(child, "/my/settings", guardian_card_number=GUARDIAN[0])
    log_in(guardian, *GUARDIAN)
    submit(guardian, "/my/settings/permissions/1/on", page="/my/settings")
    desk_log_in(desk)

    scan_at_desk(desk, shown_code(child))
    scan_at_desk(desk, BARCODE)
    pages = [walk(child, Audience.PATRON), walk(guardian, Audience.PATRON), walk(desk, Audience.STAFF)]
    assert all(pages), "child, guardian and staff see the loan while it lasts"
    submit(guardian, "/my/loans/renew", page="/my/loans", library_id="2023500", permission_id="1", loan_id="0" * 32)
    with app.app_context():
        while work_once():
            pass

    def search() -> list[str]:
        kept = everything_central(app, database_url, [child, guardian, desk], tmp_path / "inbox")
        return [where for where, content in kept for disguise in disguises(TITLE) if disguise in content]

    # The desk's page says once what it just lent, in the cookie that carries a word from one page to the next.
    walk(desk, Audience.STAFF)
    assert search() == []
    returned = submit(desk, "/desk", payload=BARCODE, place="return")
    assert TITLE in returned.text
    assert search() == []
    assert walk(child, Audience.PATRON) == 0
    assert walk(guardian, Audience.PATRON) == 0
    assert walk(desk, Audience.STAFF) == 0
    printed = capfd.readouterr()
    logged = (caplog.text + printed.out + printed.err).encode()
    assert not [disguise for disguise in disguises(TITLE) if disguise in logged]
