"""nginx as deploy/nginx/ sets it up, on free ports and in a folder of its own, and a client that speaks to it."""

import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.ports import own_port

HOME = Path(__file__).parents[2]
NAME = "card.example.org"
_FILES = HOME / "deploy" / "nginx"
_DEBIANS = Path("/etc/nginx/nginx.conf")
_SECONDS = 60
# Without a file's own times, and what belongs to one connection.
PER_CONNECTION = {"connection", "date", "keep-alive", "server", "transfer-encoding", "x-request-id"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `headers` are pairs in small letters, sorted, without those of the connection."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Return the header's value, or nothing."""
        return dict(self.headers).get(name, "")


class Proxy:
    """A running nginx. `https` and `http` are its ports; `logs` the folder of everything it writes down."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.logs = folder, folder / "log"
        self.https, self.http = own_port(), own_port()
        for name in ("snippets", "tls", "modules-enabled", "conf.d", "sites-enabled", "log", "lib"):
            (folder / name).mkdir()
        _write_certificate(folder / "tls")
        self.trust = ssl.create_default_context(cafile=str(folder / "tls" / "fullchain.pem"))
        (folder / "sites-enabled" / "lanekort.conf").write_text(self._adapt((_FILES / "lanekort.conf").read_text()))
        (folder / "nginx.conf").write_text(self._adapt((_FILES / "nginx.conf").read_text()))
        self._process: subprocess.Popen[bytes] | None = None

    def lead_to(self, *ports: int) -> None:
        """Set the portals that it passes requests on to; where it runs, it goes on with these."""
        upstream = (_FILES / "lanekort-upstream.conf").read_text()
        line = "    server 127.0.0.1:8000 max_fails=2 fail_timeout=5s;\n"
        if upstream.count(line) != 1:
            raise ValueError("lanekort-upstream.conf has another line for its server")
        servers = "".join(line.replace("8000", str(port)) for port in ports)
        (self.folder / "snippets" / "lanekort-upstream.conf").write_text(upstream.replace(line, servers))
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)
            # The former processes go on with what they have; the new ones answer from about now on.
            time.sleep(0.5)

    def check(self, main: Path) -> str:
        """Return what `nginx -t` says against a main file, or nothing."""
        copy = self.folder / f"checked-{main.parent.name}.conf"
        copy.write_text(self._adapt(main.read_text()))
        done = subprocess.run(
            [_program(), "-t", "-c", copy], capture_output=True, text=True, check=False, timeout=_SECONDS
        )
        return "" if done.returncode == 0 else done.stderr

    def main_files(self) -> list[Path]:
        """Return ours, and Debian's where it is installed."""
        return [_FILES / "nginx.conf", *([_DEBIANS] if _DEBIANS.exists() else [])]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it until the block ends."""
        command: list[str | Path] = [_program(), "-c", self.folder / "nginx.conf", "-g", "daemon off;"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(self.https)
            yield
        finally:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(_SECONDS)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        source: str = "127.0.0.1",
        clear: bool = False,
    ) -> Answer:
        """Send one request, by HTTPS unless `clear`, from an address of this machine."""
        connection = (
            HTTPConnection("127.0.0.1", self.http, timeout=_SECONDS, source_address=(source, 0))
            if clear
            else HTTPSConnection(
                "127.0.0.1", self.https, timeout=_SECONDS, context=self.trust, source_address=(source, 0)
            )
        )
        return ask_over(connection, method, path, body=body, headers=headers)

    def connect(self, source: str = "127.0.0.1", *, trust: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        """Open a connection whose bytes are one's own affair."""
        plain = socket.create_connection(("127.0.0.1", self.https), timeout=_SECONDS, source_address=(source, 0))
        return (trust or self.trust).wrap_socket(plain, server_hostname=NAME)

    def say(self, raw: bytes, *, source: str = "127.0.0.1", seconds: float = _SECONDS) -> bytes:
        """Send bytes, well formed or not; return what comes back until the end, or until it is silent for so long."""
        said, unsent = bytearray(), memoryview(raw)
        # One thread does both: OpenSSL has no connection that two may use at once.
        with self.connect(source) as connection, DefaultSelector() as ready, suppress(OSError):
            connection.setblocking(False)
            ready.register(connection, EVENT_READ | EVENT_WRITE)
            while ready.select(seconds):
                if unsent:
                    unsent = unsent[_send(connection, unsent) :]
                    ready.modify(connection, EVENT_READ | (EVENT_WRITE if unsent else 0))
                with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    while more := connection.recv(65536):
                        said += more
                    break
        return bytes(said)

    def written(self) -> str:
        """Return everything that it wrote into any log."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.logs.iterdir()))

    def _adapt(self, text: str) -> str:
        """Return a file of deploy/nginx/ or Debian's with this folder's places and ports."""
        folder = str(self.folder)
        text = re.sub(r"/etc/nginx/(snippets|conf\.d|sites-enabled|modules-enabled)", rf"{folder}/\1", text)
        for place, here in (
            ("/etc/lanekort/tls", "tls"),
            ("/var/log/nginx", "log"),
            ("/var/lib/nginx", "lib"),
            ("/run/nginx.pid", "pid"),
        ):
            text = text.replace(place, f"{folder}/{here}")
        text = re.sub(r"(listen (?:\[::\]:)?)80;", rf"\g<1>{self.http};", text)
        return re.sub(r"(listen (?:\[::\]:)?)443 ", rf"\g<1>{self.https} ", text)


def read_answers(raw: bytes) -> Iterator[Answer]:
    """Read the answers that came one behind the other over one connection, each with its length."""
    while raw:
        head, _, raw = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = sorted((name.lower(), value) for name, _, value in (line.partition(": ") for line in lines))
        length = int(dict(pairs).get("content-length", "0"))
        yield Answer(int(first.split(" ")[1]), tuple(p for p in pairs if p[0] not in PER_CONNECTION), raw[:length])
        raw = raw[length:]


def ask_over(
    connection: HTTPConnection,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request over a connection that is closed afterwards."""
    try:
        connection.request(method, path, body=body, headers={"Host": NAME, "Connection": "close", **(headers or {})})
        response = connection.getresponse()
        pairs = sorted((name.lower(), value) for name, value in response.getheaders())
        return Answer(response.status, tuple(p for p in pairs if p[0] not in PER_CONNECTION), response.read())
    finally:
        connection.close()


def _send(connection: ssl.SSLSocket, raw: memoryview) -> int:
    """Send what the connection takes now. Returns how much; all, where the other end takes no more."""
    try:
        return connection.send(raw)
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return 0
    except OSError:
        return len(raw)


def _program() -> str:
    return shutil.which("nginx") or "/usr/sbin/nginx"


def _wait_for(port: int) -> None:
    until = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    names = x509.SubjectAlternativeName([x509.DNSName(NAME), x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
