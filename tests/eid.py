"""A sign-in service for tests, over real HTTP, which does what the standards say, or one thing that they do not.

Where the real provider is needed, tests/journeys/ runs it. This one can answer wrongly on demand.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from app.eid.identity import ALGORITHMS
from app.eid.settings import EidSettings

CLIENT_ID, CLIENT_SECRET = "lanekort-test", "a secret of the tests alone"
ANNE = {"pid": "14859030085", "name": "Anne Dahl", "birthdate": "1990-05-14", "gender": "female"}
LARS = {"pid": "22898431049", "name": "Lars Dahl", "birthdate": "1984-09-22", "gender": "male"}
MINA = {"pid": "17831272090", "name": "Mina Berg", "birthdate": "2012-03-17", "gender": "female"}
GUARDIAN = {"pid": "12848430062", "name": "Ingrid Solvang", "birthdate": "1984-08-14", "gender": "female"}
LOST = {"pid": "23917920044", "name": "Per Bråten", "birthdate": "1979-08-14", "gender": "male"}
LOCAL = {"pid": "28876940029", "name": "Erik Lund", "birthdate": "1969-08-14", "gender": "male"}

_KEY = RSAKey.generate_key(2048, parameters={"kid": "of-the-service", "use": "sig", "alg": "RS256"})
_OTHER_KEY = RSAKey.generate_key(2048, parameters={"kid": "of-the-service", "use": "sig", "alg": "RS256"})
_NEW_KEY = RSAKey.generate_key(2048, parameters={"kid": "of-today", "use": "sig", "alg": "RS256"})
_HIGH = "idporten-loa-high"


@dataclass
class Manners:
    """How the service answers. As it stands, rightly."""

    changes: dict[str, Any] = field(default_factory=dict)
    """Claims of the token that are other than they should be; None leaves one out."""
    wrong_key: bool = False
    unsigned: bool = False
    told_issuer: str | None = None
    """What stands beside the code in the browser's address (RFC 9207), if not the issuer."""
    described_issuer: str | None = None
    says_that_it_tells: bool = True
    """Whether it says of itself that its issuer stands there, each time."""
    token_status: int = 200
    token_body: bytes | None = None
    userinfo: dict[str, Any] | None = None
    acr: str = _HIGH
    new_key: bool = False
    """It signs with a key that it has only just got, and lists that one alone."""
    own_key: Any = None
    """The key with which it signs, in place of its RSA key, and the algorithm."""
    algorithm: str = "RS256"
    auth_methods: list[str] | None = None
    listed_beside: list[dict[str, Any]] = field(default_factory=list)
    """What else stands in its list of keys, before its own."""
    token_drips: bool = False
    """Its tokens come byte by byte, and never to an end."""
    client_key: Any = None
    """What proves who asks, in place of the secret (private_key_jwt)."""


class InventedService:
    """The service. `url` is its issuer, `calls` the paths that were asked for."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.manners = Manners()
        self.calls: list[str] = []
        self.assertions: list[dict[str, str]] = []
        self.lives: list[int] = []
        self._clock = clock
        self._codes: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service._get(self)

            def do_POST(self) -> None:
                service._post(self)

            def log_message(self, *_words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def settings(self, **changes: Any) -> EidSettings:
        settings = EidSettings(issuer=self.url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, needs_tls=False)
        return replace(settings, **changes)

    def sign_in(self, address: str, person: dict[str, str]) -> dict[str, str]:
        """Do what the person does at the service, and return what the browser comes back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(24)
        self._codes[code] = (asked, person)
        return {"state": asked["state"], "code": code, "iss": self.manners.told_issuer or self.url}

    def _get(self, request: BaseHTTPRequestHandler) -> None:
        self.calls.append(request.path)
        match request.path:
            case "/.well-known/openid-configuration":
                self._send(
                    request,
                    {
                        "issuer": self.manners.described_issuer or self.url,
                        "authorization_endpoint": f"{self.url}/authorize",
                        "token_endpoint": f"{self.url}/token",
                        "jwks_uri": f"{self.url}/jwks",
                        "userinfo_endpoint": f"{self.url}/userinfo",
                        "authorization_response_iss_parameter_supported": self.manners.says_that_it_tells,
                    }
                    | (
                        {"token_endpoint_auth_methods_supported": self.manners.auth_methods}
                        if self.manners.auth_methods
                        else {}
                    ),
                )
            case "/jwks":
                self._send(request, {"keys": [*self.manners.listed_beside, self._own_key().as_dict(private=False)]})
            case "/userinfo":
                assert request.headers["Authorization"].startswith("Bearer ")
                self._send(request, self.manners.userinfo or {})
            case _:
                self._send(request, {}, status=404)

    def _post(self, request: BaseHTTPRequestHandler) -> None:
        self.calls.append(request.path)
        sent = parse_qs(request.rfile.read(int(request.headers["Content-Length"])).decode())
        form = {name: values[0] for name, values in sent.items()}
        known = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if self.manners.client_key is not None:
            proof = jwt.decode(form["client_assertion"], self.manners.client_key, algorithms=["RS256", "ES256"])
            told = {name: proof.claims[name] for name in ("iss", "sub", "aud")}
            self.lives.append(int(proof.claims["exp"] - proof.claims["iat"]))
            self.assertions.append(told | {"kid": proof.header["kid"]})
        elif self.manners.auth_methods == ["client_secret_post"]:
            if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
                return self._send(request, {"error": "invalid_client"}, status=401)
        elif request.headers.get("Authorization") != f"Basic {known}":
            return self._send(request, {"error": "invalid_client"}, status=401)
        asked, person = self._codes.pop(form["code"], (None, None))
        if asked is None or person is None or not _fits(asked, form):
            return self._send(request, {"error": "invalid_grant"}, status=400)
        if self.manners.token_drips:
            return _drip(request)
        if self.manners.token_body is not None or self.manners.token_status != 200:
            return self._send_bytes(request, self.manners.token_body or b"{}", status=self.manners.token_status)
        tokens = {"access_token": "for-userinfo", "token_type": "Bearer", "id_token": self._token(asked, person)}
        return self._send(request, tokens)

    def _token(self, asked: dict[str, str], person: dict[str, str]) -> str:
        instant = int(self._clock().timestamp())
        claims = {
            "iss": self.url,
            "sub": "sub-" + hashlib.sha256(person["pid"].encode()).hexdigest()[:12],
            "aud": CLIENT_ID,
            "iat": instant,
            "exp": instant + 120,
            "auth_time": instant,
            "nonce": asked["nonce"],
            "acr": self.manners.acr,
            **person,
            **self.manners.changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.manners.unsigned:
            head, body = (_encode(json.dumps(part).encode()) for part in ({"alg": "none"}, claims))
            return f"{head}.{body}."
        key = _OTHER_KEY if self.manners.wrong_key else self._own_key()
        header = {"alg": self.manners.algorithm} | ({"kid": str(key.kid)} if "kid" in key.as_dict() else {})
        return jwt.encode(header, claims, key, algorithms=ALGORITHMS)

    def _own_key(self) -> Any:
        if self.manners.own_key is not None:
            return self.manners.own_key
        return _NEW_KEY if self.manners.new_key else _KEY

    def _send(self, request: BaseHTTPRequestHandler, told: dict[str, Any], *, status: int = 200) -> None:
        self._send_bytes(request, json.dumps(told).encode(), status=status)

    def _send_bytes(self, request: BaseHTTPRequestHandler, body: bytes, *, status: int) -> None:
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def _drip(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    with suppress(OSError):
        for _fifth_of_a_second in range(300):
            request.wfile.write(b" ")
            time.sleep(0.2)


def _fits(asked: dict[str, str], form: dict[str, str]) -> bool:
    challenge = _encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
    return challenge == asked["code_challenge"] and form["redirect_uri"] == asked["redirect_uri"]


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@contextmanager
def invented_service(clock: Callable[[], datetime]) -> Iterator[InventedService]:
    """Run a service until the test is through with it."""
    service = InventedService(clock)
    try:
        yield service
    finally:
        service.stop()
