"""Whatever secret is sent to whatever door, right or wrong, no log holds it, however loud the logs are set."""

import io
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pyotp
import pytest
from apiflask import APIFlask
from sqlalchemy import delete
from werkzeug.datastructures import Authorization

from app.card.offers import Wallets
from app.messages.channels import Channels
from app.messages.smtp import Smtp
from app.register.store.transaction import db
from app.register.tables.patrons import AttemptCount
from app.web.access import MACHINES, Audience
from app.work.worker import work_once
from tests.conftest import VAULT_KEYS, Clock, MakeApp
from tests.doors.visits import (
    GUARDIAN,
    KIOSK_1,
    NOBODYS_CODE,
    SYSTEM,
    ULLENSAKER,
    desk_log_in,
    log_in,
    read_page,
    scan_at_kiosk,
    shown_code,
    submit,
)
from tests.mail import MailServer, running_mail_server
from tests.searching import stands_in
from tests.wall.callers import Caller, Route, make_callers, make_victim, routes_of
from tests.wallets import SAVE, google_issuer, google_object_of

pytestmark = pytest.mark.usefixtures("programs")

_ROOT = Path(__file__).parent.parent.parent
_LOUD = (
    "sqlalchemy.engine",
    "sqlalchemy.pool",
    "werkzeug",
    "httpx",
    "httpcore",
    "gunicorn.error",
    "app",
    "flask_babel",
)

# By field: first what no check lets through, then what looks right and is nobody's.
CANARIES = {
    "pin": ("canary-pin-5d1c", "8261"),
    "new_pin": ("canary-new-pin-5d1c", "8261"),
    "confirm_pin": ("canary-confirm-pin-5d1c", "8261"),
    "code": ("canary-code-5d1c", "918273"),
    "confirm_code": ("canary-confirm-code-5d1c", "918273"),
    "username": ("canary-user-5d1c", "canary-user-5d1d"),
    "password": ("canary-password-5d1c", "canary-password-5d1d"),
    "new_password": ("canary-new-password-5d1c", "canary-new-password-5d1d"),
    "confirm_password": ("canary-confirm-password-5d1c", "canary-confirm-password-5d1d"),
    "email": ("canary-email-5d1c", "canary-5d1c@example.org"),
    "card_number": ("canary-card-5d1c", "N918273645"),
    "guardian_card_number": ("canary-guardian-5d1c", "N918273645"),
    "payload": ("canary-payload-5d1c", NOBODYS_CODE),
    "national_id": ("canary-national-id-5d1c", "19878320098"),
    "token": ("canary-token-5d1c", "7K3M-9QXZ-7K3M-9QXZ-7K3M"),
    "receipt": ("canary-receipt-5d1c", "7K3M-9QXZ-7K3M-9QXZ"),
}
# What names an object in an address, and is no secret.
NAMES = {"library_id": "2023500", "filename": "favicon.svg"}

Logged = Callable[[], str]


@pytest.fixture
def logged(capfd: pytest.CaptureFixture[str]) -> Iterator[Logged]:
    """Set every logger there is as loud as it goes, and give what has been written anywhere."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setLevel(logging.DEBUG)
    loggers = [logging.getLogger(name) for name in (*logging.root.manager.loggerDict, *_LOUD)]
    before = [(logger, logger.level, logger.propagate, logger.disabled) for logger in (logging.root, *loggers)]
    for logger, *_ in before:
        logger.setLevel(logging.DEBUG)
        logger.propagate, logger.disabled = True, False
    logging.root.addHandler(handler)

    def read() -> str:
        out, err = capfd.readouterr()
        written.write(out + err)
        return written.getvalue()

    yield read
    logging.root.removeHandler(handler)
    for logger, level, propagate, disabled in before:
        logger.setLevel(level)
        logger.propagate, logger.disabled = propagate, disabled


def found_in(log: str, secrets: set[str]) -> set[str]:
    """Return which secrets stand in a log, beside the numbers of processes, which may be any four digits."""
    without_processes = re.sub(r"\[\d+\]|pid:? \d+", "", log)
    return {secret for secret in secrets if stands_in(secret, without_processes)}


def all_canaries() -> set[str]:
    return {value for pair in CANARIES.values() for value in pair}


def call(caller: Caller, route: Route, values: dict[str, str]) -> None:
    with caller.client.application.app_context():
        # Past a budget nothing is looked at any more.
        db.session.execute(delete(AttemptCount))
        db.session.commit()
    caller.call(route.method, route.address(dict.fromkeys(route.parameters, "1") | values | NAMES), dict(values))


def test_no_route_writes_what_it_is_sent_into_a_log(app: APIFlask, logged: Logged) -> None:
    app.testing = False
    make_victim(app)
    callers = make_callers(app)
    for route in routes_of(app):
        if route.path in ("/logout", "/desk/logout"):
            continue
        for values in ({name: pair[which] for name, pair in CANARIES.items()} for which in (0, 1)):
            for caller in callers.values():
                if route.audience in (caller.audience, Audience.ANYONE):
                    call(caller, route, values)
            if route.audience in MACHINES:
                login = Authorization("basic", {"username": values["username"], "password": values["password"]})
                call(Caller("a thief", Audience.MACHINE, app.test_client(), login), route, values)
    log = logged()
    # Otherwise nothing would have been listened to.
    assert "INSERT INTO" in log
    assert "/new-pin/<token>" in log
    assert found_in(log, all_canaries()) == set()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with running_mail_server() as server:
        yield server


@pytest.fixture
def production(make_app: MakeApp, mail: MailServer) -> APIFlask:
    """The portal that asks for codes and sends real mail."""
    made = make_app(new_device="code")
    made.testing = False
    made.extensions["post"] = Channels({"email": Smtp(mail.url, "lanekort@example.org")})
    return made


def deliver(app: APIFlask, mail: MailServer, pattern: str) -> str:
    """Let the worker do what is due, and return what stands in the newest mail that has it."""
    with app.app_context():
        while work_once():
            pass
        db.session.remove()
    # Links and codes go first, and what else is to be told comes after them.
    bodies = [message.get_content() for message in reversed(mail.received)]
    found = next((match for body in bodies if (match := re.search(pattern, body, re.M))), None)
    assert found is not None
    return found[1]


def test_no_secret_that_opens_something_is_written_into_a_log(
    production: APIFlask, mail: MailServer, clock: Clock, logged: Logged
) -> None:
    phone, desk = production.test_client(), production.test_client()
    assert log_in(phone, *GUARDIAN, keep=True).location == "/login/code"
    code = deliver(production, mail, r"^(\d{6})\r?$")
    assert submit(phone, "/login/code", code=code).location == "/my"
    payload = shown_code(phone)
    assert scan_at_kiosk(phone, payload).json["result"] == "accepted"
    device = phone.get_cookie("lanekort_device")
    assert device is not None
    shown = read_page(submit(phone, "/my/pin", draw="1")).select_one(".drawn-pin")
    assert shown is not None
    drawn = shown.get_text(strip=True)
    submit(phone, "/new-pin", page="/login", card_number=GUARDIAN[0])
    token = deliver(production, mail, r"/new-pin/(\S+)")
    assert submit(phone, f"/new-pin/{token}", new_pin="6037").location == "/login"
    assert desk_log_in(desk).location == "/desk"
    totp = pyotp.TOTP(ULLENSAKER.totp_secret).at(clock())
    assert phone.get(f"/api/v1/patrons/{GUARDIAN[0]}", auth=SYSTEM).status_code == 200
    secrets = {GUARDIAN[1], code, payload, device.value, drawn, token, token.replace("-", ""), "6037", totp}
    secrets |= {ULLENSAKER.password, ULLENSAKER.totp_secret, str(SYSTEM.password), SYSTEM.to_header().split()[1]}
    secrets |= {str(KIOSK_1.password), KIOSK_1.to_header().split()[1]}
    log = logged()
    assert "INSERT INTO" in log
    assert found_in(log, secrets) == set()


def test_no_log_holds_the_link_or_the_key_of_a_pass_in_a_wallet(app: APIFlask, logged: Logged) -> None:
    app.extensions["wallets"] = Wallets(google=google_issuer(), apple=None)
    phone = app.test_client()
    log_in(phone, *GUARDIAN, keep=True)
    answer = submit(phone, "/card/wallet/google", page="/card")
    link = read_page(answer).select_one(f"a[href^='{SAVE}']")
    assert link is not None
    made = google_object_of(str(link["href"]))
    key = made["rotatingBarcode"]["totpDetails"]["parameters"][0]["key"]
    log = logged()
    assert "INSERT INTO" in log
    for secret in (str(link["href"]).removeprefix(SAVE)[:100], key, repr(bytes.fromhex(key)), "PRIVATE KEY"):
        assert secret not in log


def test_gunicorn_at_its_loudest_writes_no_secret_that_is_sent_to_it(database_url: str, tmp_path: Path) -> None:
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "SECRET_KEY": "a secret key for tests that is long enough",
        "VAULT_KEYS": ",".join(f"{number}:{key.hex()}" for number, key in VAULT_KEYS.items()),
        "PUBLIC_URL": "https://card.example.org",
        "SMTP_URL": "smtp://127.0.0.1:9",
        "MAIL_FROM": "lanekort@example.org",
    }
    gunicorn = [
        sys.executable,
        "-m",
        "gunicorn",
        "wsgi:app",
        "--log-level",
        "debug",
        "--access-logfile",
        "-",
        "--bind",
        "127.0.0.1:0",
    ]
    log = tmp_path / "log"
    with log.open("w") as written:
        command = [*gunicorn, "--no-control-socket"]
        process = subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=written, stderr=written)
    try:
        url = wait_for_address(process, log)
        with httpx.Client(base_url=url, headers={"X-Forwarded-Proto": "https"}, timeout=300) as client:
            for which in (0, 1):
                values = {name: pair[which] for name, pair in CANARIES.items()}
                for place in ("new-pin", "undo", "calendar", "desk/join"):
                    assert client.get(f"/{place}/{values['token']}").status_code == 404
                for path in ("/login", "/login/code", "/new-pin/code", f"/new-pin/{values['token']}", "/desk/login"):
                    assert client.post(path, data=values).status_code == 400
                basic = (values["username"], values["password"])
                assert client.post("/api/v1/scan", json=values, auth=basic).status_code == 401
                for number in (values["card_number"], "N918273645", "n918273645", "%4E918273645"):
                    assert client.get(f"/api/v1/patrons/{number}?N918273645=1", auth=basic).status_code == 401
                    assert client.delete(f"/api/v1/deaths/{number}", auth=basic).status_code == 401
                    assert client.post(f"/api/v1/patrons/{number}/activation", auth=basic).status_code == 401
    finally:
        process.terminate()
        process.wait(timeout=300)
    assert "/new-pin/<token>" in log.read_text()
    for place in ("new-pin", "undo", "calendar", "desk/join"):
        assert f"GET /{place}/<secret> HTTP/1.1" in log.read_text()
    assert "POST /api/v1/patrons/<card number>/activation HTTP/1.1" in log.read_text()
    assert "918273645" not in log.read_text()
    # An access log names who came, and a machine's user name is no secret.
    assert found_in(log.read_text(), all_canaries() - set(CANARIES["username"])) == set()


def wait_for_address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    while process.poll() is None:
        found = re.search(r"Listening at: (http://\S+)", log.read_text())
        if found is not None:
            return found[1]
    pytest.fail(log.read_text())
