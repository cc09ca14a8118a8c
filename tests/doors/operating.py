"""A process that serves the operator's page, and what its operator reads and presses there."""

from collections.abc import Callable

from apiflask import APIFlask
from flask import Flask
from flask.testing import FlaskClient

from app.operator.entry import Entry
from app.operator.serving import open_operators_page
from tests.doors.visits import csrf_token, read_page

HERE = "2023500"
_PORT = 8071
Opened = tuple[Flask, Entry, Callable[[], FlaskClient]]


def open_page(app: APIFlask) -> Opened:
    """Give an app the page, its way in, and new browsers on its machine."""
    page, entry = open_operators_page(app, port=_PORT)

    def browser() -> FlaskClient:
        client = app.test_client()
        client.environ_base |= {"HTTP_HOST": f"127.0.0.1:{_PORT}", "HTTP_ACCEPT_LANGUAGE": "en"}
        return client

    app.extensions["operators_wsgi"] = page
    return app, entry, browser


def come_in(opened: Opened) -> FlaskClient:
    """Come in with the link in a new browser."""
    _app, entry, browser = opened
    client = browser()
    path = f"/operator/enter/{entry.draw_link()}"
    assert client.post(path, data={"csrf_token": csrf_token(client, path)}).location == "/operator"
    return client


def text(client: FlaskClient, path: str = "/operator") -> str:
    """Return the words of a page."""
    return read_page(client.get(path)).get_text(" ", strip=True)


def send(client: FlaskClient, path: str, **fields: object) -> str:
    """Send a form of the library's page, and return the page that comes of it."""
    token = csrf_token(client, f"/operator/libraries/{HERE}")
    answer = client.post(f"/operator{path}", data={"csrf_token": token, **fields}, follow_redirects=True)
    return read_page(answer).get_text(" ", strip=True)
