"""Ten megabytes over a real socket: the sender gets the answer, not a broken line, and the server goes on."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.web.faults.errors import API_PREFIX
from tests.conftest import VAULT_KEYS
from tests.doors.visits import KIOSK_1

pytestmark = pytest.mark.usefixtures("programs")

TEN_MEGABYTES = 10_000_000
_ROOT = Path(__file__).parent.parent.parent
_SAY_WHEN_READY = "import sys\ndef when_ready(server):\n    sys.stdout.write('ready\\n')\n    sys.stdout.flush()\n"


class OverSocketFile(http.client.HTTPConnection):
    """HTTP over a socket in a folder, so that no port has to be found."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=300)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self._path)


@pytest.fixture
def gunicorn(tmp_path: Path, database_url: str) -> Iterator[Path]:
    """Serve the portal as in production, as `wsgi.py` has it. Gives the path of its socket."""
    (tmp_path / "gunicorn.conf.py").write_text((_ROOT / "gunicorn.conf.py").read_text() + _SAY_WHEN_READY)
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "SECRET_KEY": "a secret key for tests that is long enough",
        "VAULT_KEYS": f"1:{VAULT_KEYS[1].hex()}",
        "SMTP_URL": "smtp://localhost",
        "MAIL_FROM": "library@example.org",
        "PUBLIC_URL": "https://card.example.org",
    }
    command = [sys.executable, "-m", "gunicorn", "-c", str(tmp_path / "gunicorn.conf.py")]
    command += ["--bind", f"unix:{tmp_path / 's'}", "--workers", "1", "wsgi:app"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n", (tmp_path / "log").read_text()
        yield tmp_path / "s"
    finally:
        process.terminate()
        process.wait(timeout=300)
        process.stdout.close()


@pytest.mark.parametrize("chunked", [False, True])
def test_somebody_who_sends_ten_megabytes_gets_an_answer(gunicorn: Path, chunked: bool) -> None:
    form, basic = "application/x-www-form-urlencoded", {"Authorization": KIOSK_1.to_header()}
    for path, content_type, more, status in (
        ("/login", form, {}, 413),
        ("/login", "multipart/form-data; boundary=b", {}, 413),
        ("/desk/login", form, {}, 413),
        ("/desk", form, {}, 413),
        ("/logout", "text/plain", {}, 413),
        ("/nowhere", form, {}, 404),
        ("/", form, {}, 405),
        ("/api/v1/scan", "application/json", basic, 413),
        ("/api/v1/scan", "application/json", {}, 401),
        ("/api/v1/nowhere", "application/json", basic, 404),
    ):
        connection = OverSocketFile(gunicorn)
        body = iter([b"x" * (TEN_MEGABYTES // 10)] * 10) if chunked else b"x" * TEN_MEGABYTES
        headers = {"Content-Type": content_type, "X-Forwarded-Proto": "https"} | more
        connection.request("POST", path, body=body, headers=headers, encode_chunked=chunked)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        # Without a declared length no more than the limit is read; that much is no form and no JSON.
        assert answer.status in ((status, 302, 400) if chunked and status == 413 else (status,)), (path, content_type)
        if path.startswith(API_PREFIX):
            assert json.loads(text)["status"] == answer.status
        else:
            assert text.startswith(("<!DOCTYPE html>", "<!doctype html>"))
    connection = OverSocketFile(gunicorn)
    connection.request("GET", "/readyz")
    assert connection.getresponse().status == 200
    connection.close()
