"""The whole interface against its OpenAPI document: thousands of requests that a program thinks up from it.

Schemathesis sends what the document allows, and what it forbids, and follows the links from patrons that it made
itself. All its checks are on: no fault of ours, no answer that the document does not name, none of another shape.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from apiflask import APIFlask
from flask import Response, request
from sqlalchemy.exc import NoResultFound
from werkzeug.serving import WSGIRequestHandler, make_server

from app.messages.push import PushPost
from tests.conftest import Clock, MakeApp
from tests.doors.reminding import get_notifications
from tests.doors.visits import GUARDIAN

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

pytestmark = pytest.mark.usefixtures("programs")

CONFIG = Path(__file__).with_name("schemathesis.toml")
LOGIN = "2023500:demo-system-ullensaker"
# A request every ten minutes is slow enough for every budget; only guessed PINs still run into one.
BETWEEN = 600

Answer = tuple[str, str, int]


class QuietHandler(WSGIRequestHandler):
    """Thousands of lines on what was sent help nobody."""

    def log(self, *_line: object) -> None:
        pass


@pytest.fixture
def app(make_app: MakeApp, clock: Clock) -> APIFlask:
    made = make_app(own=True)
    made.extensions["push"] = PushPost(b"\x01" * 32, contact="mailto:it@example.org")
    answer = made.wsgi_app

    def answer_with_notifications(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        # Somebody gets them, so that they can be asked for; a death that was reported, and taken back, ends them.
        if environ["PATH_INFO"].endswith("/push"):
            with made.app_context(), suppress(NoResultFound):
                get_notifications(GUARDIAN[0], now=clock())
        return answer(environ, start_response)

    made.wsgi_app = answer_with_notifications  # type: ignore[method-assign]
    return made


@pytest.fixture
def answered(app: APIFlask, clock: Clock) -> set[Answer]:
    """Which answers were given: method, address as documented, status."""
    seen: set[Answer] = set()

    def note(response: Response) -> Response:
        if request.url_rule is not None:
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", request.url_rule.rule)
            seen.add((request.method, path, response.status_code))
        return response

    app.before_request(lambda: clock.turn(seconds=BETWEEN) and None)
    app.after_request(note)
    return seen


@pytest.fixture
def url(app: APIFlask, answered: set[Answer]) -> Iterator[str]:
    """Serve the portal over HTTP."""
    app.testing = False
    server = make_server("127.0.0.1", 0, app, request_handler=QuietHandler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("engine", "examples"), [("postgresql", 15), ("sqlite", 5)])
def test_no_generated_request_gets_an_answer_that_is_not_documented(
    app: APIFlask, url: str, answered: set[Answer], tmp_path: Path, examples: int
) -> None:
    program = Path(sys.executable).with_name("st")
    ran = subprocess.run(
        [
            *(program, "--config-file", CONFIG, "run", f"{url}/api/openapi.json", "--auth", LOGIN),
            *("--checks", "all", "--seed", "2026", "--max-examples", str(examples), "--no-color"),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "LANEKORT_LOGIN": LOGIN,
            "LANEKORT_URL": url,
            "PYTHONPATH": str(CONFIG.parent),
            "SCHEMATHESIS_HOOKS": "generated_requests",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert not {answer for answer in answered if answer[2] >= 500}
    # What is tried in vain is not tried: each operation has done what it is for.
    assert done(app) <= answered, done(app) - answered


def done(app: APIFlask) -> set[Answer]:
    """Return the answers of success that the document names."""
    return {
        (method.upper(), path, int(status))
        for path, operations in app.spec["paths"].items()
        for method, operation in operations.items()
        for status in operation["responses"]
        if status.startswith("2")
    }
