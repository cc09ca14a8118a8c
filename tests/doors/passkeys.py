"""What somebody with a passkey does at the doors, in words."""

import re
from collections.abc import Callable

from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.register.tables.messages import Message
from tests.authenticator import Authenticator
from tests.doors.visits import csrf_token, submit

Browsers = Callable[..., FlaskClient]
LOGIN, ADD, DEVICES = "/login/passkey", "/my/passkeys/add", "/card/devices"
REMOVE = re.compile(r'action="(/my/passkeys/\d+/remove)"')


def options(client: FlaskClient, path: str, *, page: str) -> dict:
    answer = client.post(path, headers={"X-CSRFToken": csrf_token(client, page)})
    assert answer.status_code == 200
    return answer.json


def add(client: FlaskClient, own: Authenticator, *, label: str = "") -> TestResponse:
    made = own.create(options(client, "/my/passkeys/options", page=ADD))
    return submit(client, ADD, answer=made, label=label)


def send(client: FlaskClient, answer: str, *, keep: bool = False) -> TestResponse:
    return submit(client, LOGIN, page="/login", answer=answer, keep="y" if keep else "")


def sign_in(client: FlaskClient, own: Authenticator, *, keep: bool = False, **said: object) -> TestResponse:
    return send(client, own.sign(options(client, f"{LOGIN}/options", page="/login"), **said), keep=keep)


def confirm(client: FlaskClient, own: Authenticator, path: str, *, page: str = "/my", **fields: str) -> TestResponse:
    answer = own.sign(options(client, "/my/confirm/passkey", page="/my"))
    return submit(client, path, page=page, confirm_passkey=answer, **fields)


def remove(client: FlaskClient, place: int = 0) -> TestResponse:
    return submit(client, REMOVE.findall(client.get(DEVICES).text)[place], page=DEVICES)


def count(app: APIFlask, table: type[Base]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def kinds(app: APIFlask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Message.kind).order_by(Message.id)))
