"""Web Push as others understand it: the example of RFC 8291, decryption by http-ece, the signature of RFC 8292."""

import json
import socket
import ssl
import threading
from base64 import urlsafe_b64decode
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.messages.push import (
    NotAPushAddress,
    Outcome,
    PushPost,
    check_endpoint,
    check_keys,
    encrypt,
    encrypt_with,
    is_public,
)
from tests.certificates import make_certificate
from tests.push_service import serve_push

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
AUTH = b"sixteen bytes of"


def read(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def test_the_example_of_the_rfc_is_encrypted_as_there():
    text = b"When I grow up, I want to be a watermelon"
    theirs = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    own = int.from_bytes(read("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    body = encrypt_with(
        text,
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), read(theirs)),
        auth=read("BTBZMqHH6r4Tts7J_aSIgg"),
        own=ec.derive_private_key(own, ec.SECP256R1()),
        salt=read("DGv6ra1nlYgDCS1FRnbzlw"),
        size=len(text),
    )
    assert body == read(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize("text", [b"", b'{"kind": "due"}', b"x" * 256])
def test_another_library_decrypts_what_is_encrypted_and_its_size_tells_nothing(text):
    key = ec.generate_private_key(ec.SECP256R1())
    body = encrypt(text, p256dh=point_of(key), auth=AUTH)
    assert http_ece.decrypt(body, private_key=key, auth_secret=AUTH, version="aes128gcm") == text
    assert len(body) == len(encrypt(b"another", p256dh=point_of(key), auth=AUTH))


def test_what_is_too_long_for_one_size_is_refused():
    with pytest.raises(ValueError, match="longer"):
        encrypt(b"x" * 257, p256dh=point_of(ec.generate_private_key(ec.SECP256R1())), auth=AUTH)


def test_a_push_service_knows_the_portal_by_its_signature(tmp_path):
    with serve_push(tmp_path) as service:
        post = PushPost(
            b"\x07" * 32, contact="mailto:it@example.org", admits=lambda _: True, tls=service.trusted_by(tmp_path)
        )
        assert post.send(b"body", endpoint=f"{service.address}/a/b", now=NOW) == Outcome("sent")
    (got,) = service.received
    assert (got.path, got.body) == ("/a/b", b"body")
    assert (got.headers["content-encoding"], got.headers["urgency"]) == ("aes128gcm", "normal")
    assert 0 < int(got.headers["ttl"]) <= 24 * 3600
    assert "topic" not in got.headers
    scheme, token, key = got.headers["authorization"].split(" ")
    assert (scheme, key) == ("vapid", f"k={post.public_key}")
    signed, _, signature = token.removeprefix("t=").rstrip(",").rpartition(".")
    raw = read(signature)
    number = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), read(post.public_key))
    public.verify(number, signed.encode(), ec.ECDSA(SHA256()))
    claims = json.loads(read(signed.partition(".")[2]))
    assert claims["aud"] == service.address
    assert claims["sub"] == "mailto:it@example.org"
    assert NOW < datetime.fromtimestamp(claims["exp"], UTC) <= NOW + timedelta(hours=24)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((200, {}), Outcome("sent")),
        ((404, {}), Outcome("gone")),
        ((410, {}), Outcome("gone")),
        ((403, {}), Outcome("refused")),
        ((302, {"Location": "https://127.0.0.1/"}), Outcome("refused")),
        ((429, {"Retry-After": "120"}), Outcome("later", timedelta(seconds=120))),
        ((503, {}), Outcome("later")),
    ],
)
def test_each_answer_is_understood_and_no_redirect_is_followed(tmp_path, answer, outcome):
    with serve_push(tmp_path) as service:
        service.answer = answer
        post = PushPost(
            b"\x07" * 32, contact="mailto:it@example.org", admits=lambda _: True, tls=service.trusted_by(tmp_path)
        )
        assert post.send(b"", endpoint=f"{service.address}/a", now=NOW) == outcome
    assert len(service.received) == 1


def test_a_service_that_answers_a_byte_at_a_time_holds_nobody(tmp_path):
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    called_off = threading.Event()

    def trickle(server: socket.socket) -> None:
        with suppress(OSError):
            connection = context.wrap_socket(server.accept()[0], server_side=True)
            connection.sendall(b"HTTP/1.1 201 Created\r\nX-Slow: ")
            for _ in range(400):
                connection.sendall(b"a")
                called_off.wait(0.05)
            connection.sendall(b"\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=trickle, args=(server,), daemon=True).start()
        tls = ssl.create_default_context(cafile=str(certificate))
        post = PushPost(b"\x07" * 32, contact="mailto:it@example.org", admits=lambda _: True, tls=tls, seconds=2)
        endpoint = f"https://127.0.0.1:{server.getsockname()[1]}/a"
        assert post.send(b"", endpoint=endpoint, now=NOW) == Outcome("later")
        called_off.set()


def test_nobody_has_the_portal_call_an_address_of_its_own_network(tmp_path):
    with serve_push(tmp_path) as service:
        post = PushPost(b"\x07" * 32, contact="mailto:it@example.org", tls=service.trusted_by(tmp_path))
        assert post.send(b"", endpoint=f"{service.address}/a", now=NOW) == Outcome("later")
        assert post.send(b"", endpoint=service.address.replace("127.0.0.1", "localhost"), now=NOW) == Outcome("later")
    assert service.received == []


OWN = "127.0.0.1 10.0.0.8 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 ::1 fe80::1 fd00::1 ::ffff:10.0.0.8"
HIDDEN = "::7f00:1 ::10.0.0.8 64:ff9b::10.0.0.8 64:ff9b:1::10.0.0.8 2002:a00:8::1 ::ffff:0:10.0.0.8 fec0::8 5f00::1"
"""Addresses of one's own within one of IPv6 (RFC 4291, 6052, 8215, 3056, 2765), and one of no internet."""


@pytest.mark.parametrize("address", f"{OWN} {HIDDEN}".split())
def test_an_address_of_ones_own_is_not_public(address):
    assert not is_public(ip_address(address))


def test_an_address_of_the_internet_is_public():
    assert is_public(ip_address("142.250.74.110"))
    assert is_public(ip_address("2a00:1450:400f:80d::200e"))
    # What a machine without IPv4 is told to call (RFC 6147).
    assert is_public(ip_address("64:ff9b::142.250.74.110"))


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.org/a",
        "https://",
        "https://a:b@push.example.org/",
        "https://push.example.org/#a",
        "https://push.example.org/ a",
        "https://pushæ.example.org/",
        "ftp://x",
        "",
        "https://x:99999/",
        "https://x/" + "a" * 1000,
    ],
)
def test_what_is_no_address_of_a_push_service_is_refused(endpoint):
    with pytest.raises(NotAPushAddress):
        check_endpoint(endpoint)


def test_what_are_no_keys_of_a_browser_are_refused():
    with pytest.raises(NotAPushAddress):
        check_keys(p256dh=b"\x04" + b"\x01" * 64, auth=AUTH)
    with pytest.raises(NotAPushAddress):
        check_keys(p256dh=point_of(ec.generate_private_key(ec.SECP256R1())), auth=b"short")
