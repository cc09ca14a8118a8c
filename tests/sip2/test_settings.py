"""The gateway's file: what may stand in it, and every fault at once."""

from pathlib import Path

import pytest

from app.sip2.settings import BadGateway, read_gateway

WHOLE = """
connections = 300
[status]
port = 9102
[libraries."2023500"]
listen = "10.0.0.5"
port = 6001
language = "nn"
encoding = "cp850"
ils_host = "ils.example.org"
ils_port = 6002
ils_tls = false
ils_line_end = "CR"
ils_user = "lånekort"
ils_password_env = "ULLENSAKER_SIP2"
seconds = 5
[libraries."2023500".kiosks]
"2023500-kiosk1" = { address = "10.0.0.11" }
"2023500-kiosk2" = { login = "selvbetjening" }
[libraries.Mull]
port = 6003
ils_host = "ils.mullsjo.example"
ils_port = 6001
"""
ENVIRON = {"ULLENSAKER_SIP2": "secret"}


def test_a_file_is_read() -> None:
    settings = read_gateway(WHOLE, environ=ENVIRON)
    ullensaker, mull = settings.libraries
    assert (settings.connections, settings.status_port) == (300, 9102)
    assert (ullensaker.host, ullensaker.port, ullensaker.language) == ("10.0.0.5", 6001, "nn")
    assert (ullensaker.ils_user, ullensaker.ils_password) == ("lånekort".encode("cp850"), b"secret")
    assert (ullensaker.always_cr, ullensaker.ils_tls, ullensaker.seconds) == (True, None, 5)
    assert ullensaker.kiosks_by_address == {"10.0.0.11": "2023500-kiosk1"}
    assert ullensaker.kiosks_by_login == {b"selvbetjening": "2023500-kiosk2"}
    # What is not said: this machine alone, TLS to the system, and no login there.
    assert (mull.host, mull.ils_user, mull.always_cr, mull.encoding) == ("127.0.0.1", b"", False, "utf-8")
    assert mull.ils_tls is not None
    assert "secret" not in repr(settings)


def test_every_fault_is_told_at_once_and_no_secret_with_them(tmp_path: Path) -> None:
    text = f"""
        surprise = 1
        connections = 0
        [status]
        port = 0
        [libraries."not an id"]
        [libraries.A]
        port = 70000
        ils_port = 6001
        language = "da"
        encoding = "ascii"
        certificate = "{tmp_path}/none.pem"
        ils_authority = "{tmp_path}/none.pem"
        ils_line_end = "LF"
        ils_user = "user"
        seconds = 0
        password = "hunter2"
        [libraries.A.kiosks]
        one = {{ address = "kiosk.local" }}
        two = {{ address = "10.0.0.1" }}
        three = {{ address = "10.0.0.1" }}
        four = {{ login = "x|COy" }}
        five = {{ login = "x", address = "10.0.0.2" }}
        [libraries.B]
        port = 6001
        ils_host = "ils.example.org"
        ils_port = 6001
        ils_user = "☺"
        ils_password = "hunter2"
        encoding = "cp850"
        [libraries.C]
        port = 6001
        ils_host = "ils.example.org"
        ils_port = 6001
    """
    with pytest.raises(BadGateway) as bad:
        read_gateway(text, environ={})
    faults = str(bad.value).splitlines()
    for place in (
        "surprise",
        "connections",
        "status.port",
        "libraries.not an id",
        "libraries.A.port",
        "libraries.A.ils_host",
        "libraries.A.language",
        "libraries.A.encoding",
        "libraries.A.certificate",
        "libraries.A.ils_authority",
        "libraries.A.ils_line_end",
        "libraries.A.ils_password",
        "libraries.A.seconds",
        "libraries.A.password",
        "libraries.A.kiosks.one",
        "libraries.A.kiosks.three",
        "libraries.A.kiosks.four",
        "libraries.A.kiosks.five",
        "libraries.B.ils_user",
        "127.0.0.1:6001",
    ):
        assert [fault for fault in faults if fault.startswith(f"{place}:")], place
    assert len(faults) == 20
    assert "hunter2" not in str(bad.value)


@pytest.mark.parametrize("text", ["", "[libraries]", "x = ", "libraries = 1", "libraries.A = 1", "status = 1"])
def test_a_file_without_libraries_is_no_file(text: str) -> None:
    with pytest.raises(BadGateway):
        read_gateway(text, environ={})
