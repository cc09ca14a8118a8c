"""Web Push: a notification is encrypted for one browser (RFC 8291) and handed to its push service (RFC 8030), which is
not shown whose it is, and knows the portal by its key (RFC 8292).

The address comes from a browser, so it may be anybody's: only public https addresses are called, at the address that
was looked up and checked, and no redirect is followed. Every notification has the same size.
"""

import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

import httpcore
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64encode

from app.rules.errors import RuleBroken

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
PLAIN_BYTES: Final = 256
"""Every notification is filled up to this, so that its size tells nothing."""
AUTH_BYTES: Final = 16
LONGEST_ENDPOINT: Final = 1000
_RECORD_BYTES: Final = 4096
_PADDING_BEGINS: Final = b"\x02"
_LASTS: Final = timedelta(hours=12)
"""So long a push service keeps a notification for a phone that is off."""
_CLAIM_LASTS: Final = timedelta(hours=1)
_SECONDS: Final = 10.0
_MOST_ADDRESSES: Final = 2
_GONE: Final = (404, 410)
_BUSY: Final = (408, 425, 429)
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""What the internet has of IPv6 (RFC 4291, 2.4, as IANA gives it out)."""
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses for machines without IPv4 (RFC 6052)."""
_POINT = (Encoding.X962, PublicFormat.UncompressedPoint)


class NotAPushAddress(RuleBroken):
    """What a browser sent is no address and keys of a push service."""


class Outcome(NamedTuple):
    """What became of a notification: sent, `gone` (the browser wants none any more), refused, or to be tried `later`,
    after `pause` if the service named one."""

    kind: Literal["sent", "gone", "refused", "later"]
    pause: timedelta | None = None


def encrypt(plain: bytes, *, p256dh: bytes, auth: bytes) -> bytes:
    """Return a notification encrypted for a browser, as RFC 8291 says, in one record (RFC 8188) of constant size.

    `p256dh` is the browser's point of P-256, uncompressed, `auth` its secret. ValueError: no point, or too long a text.
    """
    if len(plain) > PLAIN_BYTES:
        raise ValueError("longer than a notification may be")
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    return encrypt_with(plain, theirs, auth=auth, own=ec.generate_private_key(ec.SECP256R1()), salt=os.urandom(16))


def encrypt_with(
    plain: bytes,
    theirs: ec.EllipticCurvePublicKey,
    *,
    auth: bytes,
    own: ec.EllipticCurvePrivateKey,
    salt: bytes,
    size: int = PLAIN_BYTES,
) -> bytes:
    """Return what `encrypt` does, with a key of ours and a salt of 16 bytes that are used once, filled up to `size`."""
    public = own.public_key().public_bytes(*_POINT)
    info = b"WebPush: info\x00" + theirs.public_bytes(*_POINT) + public
    secret = _derive(own.exchange(ec.ECDH(), theirs), salt=auth, info=info, length=32)
    key = _derive(secret, salt=salt, info=b"Content-Encoding: aes128gcm\x00", length=16)
    nonce = _derive(secret, salt=salt, info=b"Content-Encoding: nonce\x00", length=12)
    record = (plain + _PADDING_BEGINS).ljust(size + 1, b"\x00")
    header = salt + _RECORD_BYTES.to_bytes(4, "big") + bytes([len(public)]) + public
    return header + AESGCM(key).encrypt(nonce, record, None)


def _derive(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def is_public(address: IPAddress) -> bool:
    """Return whether an address is out in the internet: no machine, network or service of one's own."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    if address.ipv4_mapped:
        return is_public(address.ipv4_mapped)
    if address in _TRANSLATED:
        return is_public(ipaddress.IPv4Address(address.packed[-4:]))
    # A tunnel leads to the IPv4 address in it.
    return address in _UNICAST and address.is_global and address.sixtofour is None


class PushPost:
    """Hands notifications to push services, under the portal's own `key` (32 bytes, a number of P-256).

    `contact` (mailto: or https:) is whom a push service asks if something is wrong. `admits` says which addresses may
    be called, `tls` by whom they are known, `seconds` how long all of a call may last.
    """

    def __init__(
        self,
        key: bytes,
        *,
        contact: str,
        admits: Callable[[IPAddress], bool] = is_public,
        tls: ssl.SSLContext | None = None,
        seconds: float = _SECONDS,
    ) -> None:
        private = ec.derive_private_key(int.from_bytes(key, "big"), ec.SECP256R1())
        self.public_key: str = urlsafe_b64encode(private.public_key().public_bytes(*_POINT)).decode()
        """What browsers subscribe with."""
        self._key = ECKey.import_key(private)
        self._contact = contact
        self._seconds = seconds
        self._exchange = _Exchange()
        network = Admitted(admits, left=self._exchange.left)
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls or ssl.create_default_context(), network_backend=network, max_connections=None
        )

    def send(self, body: bytes, *, endpoint: str, now: datetime) -> Outcome:
        """Hand an encrypted notification to its push service, within some ten seconds."""
        try:
            check_endpoint(endpoint)
        except NotAPushAddress:
            return Outcome("refused")
        headers: dict[bytes | str, bytes | str] = {
            "Authorization": self._authorization(endpoint, now=now),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(body)),
            "Host": urlsplit(endpoint).netloc,
            "TTL": str(int(_LASTS.total_seconds())),
            "Urgency": "normal",
        }
        limits = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), self._seconds / 2)}
        self._exchange.ends = monotonic() + self._seconds
        try:
            with self._pool.stream("POST", endpoint, headers=headers, content=body, extensions=limits) as answer:
                return _outcome(answer)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError):
            return Outcome("later")

    def _authorization(self, endpoint: str, *, now: datetime) -> str:
        parts = urlsplit(endpoint)
        until = int((now + _CLAIM_LASTS).timestamp())
        claims: dict[str, Any] = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": until, "sub": self._contact}
        token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, self._key)
        return f"vapid t={token}, k={self.public_key}"


def check_endpoint(endpoint: str) -> None:
    """Raise NotAPushAddress where a text is no https address without user name and fragment."""
    try:
        parts = urlsplit(endpoint)
        is_plain = not (parts.username or parts.password or parts.fragment) and parts.port != 0
    except ValueError:
        raise NotAPushAddress from None
    is_text = endpoint.isascii() and endpoint.isprintable() and " " not in endpoint
    if not (parts.scheme == "https" and parts.hostname and is_plain and is_text and len(endpoint) <= LONGEST_ENDPOINT):
        raise NotAPushAddress


def check_keys(*, p256dh: bytes, auth: bytes) -> None:
    """Raise NotAPushAddress where these are no keys of a browser."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    except ValueError:
        raise NotAPushAddress from None
    if len(auth) != AUTH_BYTES:
        raise NotAPushAddress


def _outcome(answer: httpcore.Response) -> Outcome:
    if 200 <= answer.status < 300:
        return Outcome("sent")
    if answer.status in _GONE:
        return Outcome("gone")
    if answer.status in _BUSY or answer.status >= 500:
        named = {name.lower(): value for name, value in answer.headers}
        asked = named.get(b"retry-after", b"").decode("latin-1")
        is_seconds = asked.isascii() and asked.isdigit() and len(asked) < 7
        return Outcome("later", timedelta(seconds=int(asked)) if is_seconds else None)
    # A redirect too: it might lead into one's own network.
    return Outcome("refused")


class _Exchange(threading.local):
    """When the call of this thread ends: time-outs of single reads end none that comes a byte at a time."""

    ends = float("inf")

    def left(self, timeout: float | None) -> float | None:
        """Return how long the next step may take. ReadTimeout: no time is left."""
        left = self.ends - monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left if timeout is None else min(left, timeout)


class _Hurried(httpcore.NetworkStream):
    """A connection of which each step takes no longer than is left."""

    def __init__(self, stream: httpcore.NetworkStream, left: Callable[[float | None], float | None]) -> None:
        self._stream, self._left = stream, left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Hurried(self._stream.start_tls(ssl_context, server_hostname, self._left(timeout)), self._left)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's
        return self._stream.get_extra_info(info)


class Admitted(httpcore.SyncBackend):
    """Connects to addresses that are admitted, and to the very ones that were checked: a name may change its mind.

    `left` returns how long a step may take that has this time-out.
    """

    def __init__(
        self,
        admits: Callable[[IPAddress], bool],
        *,
        left: Callable[[float | None], float | None] = lambda timeout: timeout,
    ) -> None:
        self._admits, self._left = admits, left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to a host. ConnectError: it has an address that is not admitted, or none."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("no address") from None
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        if not addresses or not all(map(self._admits, addresses)):
            raise httpcore.ConnectError("not admitted")
        fault: Exception = httpcore.ConnectError("no answer")
        for address in addresses[:_MOST_ADDRESSES]:
            try:
                left = self._left(timeout)
                return _Hurried(
                    super().connect_tcp(str(address), port, left, local_address, socket_options), self._left
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
        raise fault
