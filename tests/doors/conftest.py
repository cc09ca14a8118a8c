"""Browsers whose every answer is inspected, and a look at all that the database holds."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import text

from app.card.offers import Wallets
from app.demo.accounts import DemoDesk
from app.messages.channels import Channels, Inbox
from app.messages.smtp import Smtp
from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.register.tables.library import Machine
from tests.authenticator import Authenticator
from tests.conftest import Clock, MakeApp
from tests.doors.colleagues import GOOD, Browsers, Joined, id_of, invited, join, key_on, link_in, work
from tests.doors.inspection import InspectingClient
from tests.doors.operating import Opened, come_in, open_page
from tests.doors.passkeys import DEVICES, add
from tests.doors.reminding import BY_PUSH, Browser, choose, post_to, switch_on
from tests.doors.visits import ADMINISTRATOR, GUARDIAN, MULLSJO, desk_log_in, log_in
from tests.doors.wallets import allow
from tests.mail import MailServer, running_mail_server
from tests.push_service import PushService, serve_push
from tests.wallets import apple_issuer, google_issuer


class CompiledTemplates(BytecodeCache):
    """Templates compiled once for all the apps that the tests make, which is half of a test's time."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()


COMPILED_TEMPLATES = CompiledTemplates()
Contents = dict[str, list[tuple[object, ...]]]


@pytest.fixture
def app(app: APIFlask, tmp_path: Path) -> APIFlask:
    """The portal of the demonstration, with its inbox."""
    app.extensions["post"] = Inbox(tmp_path / "inbox")
    return app


@pytest.fixture
def new_browser(app: APIFlask) -> Callable[..., FlaskClient]:
    """Open another browser, with a jar of cookies of its own. `lang="en"`: the words tests read are the msgids."""
    app.test_client_class = InspectingClient
    app.jinja_env.bytecode_cache = COMPILED_TEMPLATES

    def open_browser(*, lang: str = "en") -> FlaskClient:
        client = app.test_client()
        client.set_cookie("lang", lang)
        return client

    return open_browser


@pytest.fixture
def client(new_browser: Callable[..., FlaskClient]) -> FlaskClient:
    """A browser of somebody who is not signed in."""
    return new_browser()


@pytest.fixture
def phone(new_browser: Callable[..., FlaskClient]) -> FlaskClient:
    """The guardian's own phone, signed in."""
    browser = new_browser()
    assert log_in(browser, *GUARDIAN, keep=True).status_code == 302
    return browser


@pytest.fixture
def both_wallets(app: APIFlask, tmp_path: Path) -> None:
    """Make it the portal of an operator that has both wallets, and of a home library that takes static codes."""
    app.extensions["wallets"] = Wallets(google=google_issuer(), apple=apple_issuer(tmp_path))
    allow(app)


@pytest.fixture
def mullsjo(new_browser: Callable[..., FlaskClient]) -> FlaskClient:
    """The desk of the other library, signed in."""
    browser = new_browser()
    assert desk_log_in(browser, MULLSJO).status_code == 302
    return browser


@pytest.fixture
def desk(new_browser: Callable[..., FlaskClient]) -> FlaskClient:
    """The computer at Ullensaker's desk, signed in."""
    browser = new_browser()
    assert desk_log_in(browser).status_code == 302
    return browser


@pytest.fixture
def administrator(new_browser: Callable[..., FlaskClient]) -> FlaskClient:
    """The browser of Ullensaker's administrator, signed in."""
    browser = new_browser()
    assert desk_log_in(browser, ADMINISTRATOR).status_code == 302
    return browser


@pytest.fixture
def mail(app: APIFlask) -> Iterator[MailServer]:
    with running_mail_server() as server:
        app.extensions["post"] = Channels({"email": Smtp(server.url, "lanekort@example.org")})
        yield server


@pytest.fixture
def colleague(
    app: APIFlask, administrator: FlaskClient, new_browser: Browsers, mail: MailServer, clock: Clock
) -> Joined:
    """Kari, whom the administrator has made an administrator too, signed in."""
    assert invited(administrator, role="administrator").status_code == 302
    work(app)
    browser, link = new_browser(), link_in(mail)
    key = key_on(browser.get(link))
    assert join(browser, link, clock).location == "/desk/sign-in"
    clock.turn(seconds=30)
    return Joined(id_of(app, "kari"), DemoDesk("2023500", "kari", "Kari Nordmann", GOOD, key), browser)


@pytest.fixture
def read_database(app: APIFlask) -> Callable[[], Contents]:
    """Read every row of the register, but for counters and when machines came, which are there to change."""
    machines = ", ".join(column.name for column in Machine.__table__.c if column.name != "last_seen_at")

    def read() -> Contents:
        with app.app_context(), db.engine.connect() as connection:
            return {
                table.name: sorted(map(tuple, connection.execute(text(f"SELECT {shown} FROM {table.name}"))), key=repr)
                for table in Base.metadata.sorted_tables
                for shown in (machines if table.name == "machines" else "*",)
                if table.name not in ("act_counts", "attempt_counts")
            }

    return read


@pytest.fixture
def own() -> Authenticator:
    """The authenticator of somebody's phone."""
    return Authenticator()


@pytest.fixture
def has_passkey(client: FlaskClient, own: Authenticator) -> FlaskClient:
    """The guardian's phone, signed in, with a passkey."""
    log_in(client, *GUARDIAN, keep=True)
    assert add(client, own).location == f"{DEVICES}#passkey-1"
    return client


@pytest.fixture
def service(app: APIFlask, tmp_path: Path) -> Iterator[PushService]:
    with serve_push(tmp_path) as served:
        app.extensions["push"] = post_to(served, tmp_path)
        yield served


@pytest.fixture
def browser(service: PushService, phone: FlaskClient) -> Browser:
    """The guardian's browser, with notifications on, and everything chosen by notification."""
    known = Browser(f"{service.address}/sent/anna")
    assert switch_on(phone, known).status_code == 302
    choose(phone, **BY_PUSH)
    return known


@pytest.fixture
def opened(make_app: MakeApp) -> Opened:
    """A process that serves the operator's page, its way in, and new browsers on its machine."""
    return open_page(make_app(own=True))


@pytest.fixture
def operator(opened: Opened) -> FlaskClient:
    """The operator's browser, which has come in."""
    return come_in(opened)
