"""`flask sip2-gateway` as the operator runs it: a process of its own, TLS on both sides, and a stop in order."""

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.certificates import make_certificate
from tests.conftest import VAULT_KEYS
from tests.ports import own_port
from tests.sip2.kiosks import KIOSK_1, RawKiosk
from tests.sip2.systems import DATE, summed

pytestmark = pytest.mark.usefixtures("programs")

HOUSE = Path(__file__).parents[2]


def is_listened_at(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=300).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:
        return True  # it was about to be closed
    return True


@contextmanager
def run(database_url: str, text: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    file = folder / "gateway.toml"
    file.write_text(text, encoding="utf-8")
    environ = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "SECRET_KEY": "a secret key for tests that is long enough",
        "VAULT_KEYS": f"1:{VAULT_KEYS[1].hex()}",
        "PUBLIC_URL": "https://card.example.org",
        "SMTP_URL": "smtp://localhost",
        "MAIL_FROM": "card@example.org",
        "SIP2_GATEWAY_FILE": str(file),
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "sip2-gateway"]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "cwd": HOUSE}
    with subprocess.Popen(command, env=environ, **pipe) as process:
        try:
            yield process
        finally:
            process.kill()


def test_it_runs_with_tls_on_both_sides_and_answers_what_was_asked_before_it_stops(
    database_url: str, tmp_path: Path
) -> None:
    certificate, key = make_certificate(tmp_path)
    port, asked, go_on = own_port(), threading.Event(), threading.Event()
    as_system = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    as_system.load_cert_chain(certificate, key)
    answer = summed(b"24" + b" " * 14 + b"000" + DATE + b"AOULLE|AAN000100001|AE|BLY|", 0)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def be_slow() -> None:
            line, _ = server.accept()
            with as_system.wrap_socket(line, server_side=True) as secured:
                secured.recv(4096)
                asked.set()
                go_on.wait(300)
                secured.sendall(answer)

        threading.Thread(target=be_slow, daemon=True).start()
        text = f"""
            [libraries."2023500"]
            port = {port}
            certificate = "{certificate}"
            certificate_key = "{key}"
            ils_host = "127.0.0.1"
            ils_port = {server.getsockname()[1]}
            ils_authority = "{certificate}"
            seconds = 60
            [libraries."2023500".kiosks]
            "{KIOSK_1}" = {{ address = "127.0.0.1" }}
            "2023500-kiosk99" = {{ login = "nobody" }}
        """
        with run(database_url, text, tmp_path) as process:
            assert process.stdout is not None
            assert "kiosks.2023500-kiosk99: no such kiosk is connected" in process.stdout.readline()
            assert "sip2 gateway runs" in process.stdout.readline()
            as_kiosk = ssl.create_default_context(cafile=str(certificate))
            plain = socket.create_connection(("127.0.0.1", port), timeout=300)
            with as_kiosk.wrap_socket(plain, server_hostname="localhost") as line:
                kiosk = RawKiosk(line)
                kiosk.send(kiosk.write(b"23000" + DATE + b"AOULLE|AAN000100001|AC|AD|"))
                assert asked.wait(300)
                process.send_signal(signal.SIGTERM)
                while "sip2 gateway stops" not in process.stdout.readline():
                    pass
                while is_listened_at(port):
                    pass
                go_on.set()
                assert kiosk.read() == answer
                assert kiosk.is_hung_up_on()
            assert process.wait(300) == 0


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["SIP2_GATEWAY_FILE must be the path"]),
        ("[libraries.A]\nport = 0\nils_port = 0\n", ["A.port", "A.ils_port", "A.ils_host"]),
    ],
)
def test_it_does_not_start_with_faults_and_names_them_all(
    database_url: str, tmp_path: Path, text: str, faults: list[str]
) -> None:
    with run(database_url, text, tmp_path) as process:
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 1
    for fault in faults:
        assert fault in said
    assert not re.search("Traceback", said)


def test_a_port_in_use_is_named(database_url: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = f'[libraries.A]\nport = {taken.getsockname()[1]}\nils_host = "localhost"\nils_port = 6001\n'
        with run(database_url, text, tmp_path) as process:
            said, _ = process.communicate(timeout=300)
            assert process.returncode == 1
    assert "Error: A port cannot be listened at" in said
