"""A client of the sign-in service: begins a sign-in there, and reads the answer.

OpenID Connect Core 1.0 (authorization code flow), PKCE (RFC 7636), the issuer in the answer (RFC 9207). Authlib writes
the requests and checks the token; only the service's addresses and public keys are cached.
"""

import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, KeySet

from app.eid.identity import Identity, check_token, is_signed_by, read_identity, read_key_id
from app.eid.refusals import EidRefused, Why
from app.eid.settings import EidSettings, signing_key
from app.rules.json_text import TooLarge, parse_json, read_bounded

LONGEST_SECONDS: Final = 5.0
_LARGEST: Final = 256 * 1024
_PROOF_SECONDS: Final = 120
"""ID-porten takes no proof that holds longer."""
_KEPT_SECONDS: Final = 3600
_NO_SOONER_SECONDS: Final = 60
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun, to be stored in the browser that began it until the answer comes."""

    state: str
    nonce: str
    verifier: str
    anew: bool


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """The parameters with which the service sent the browser back; empty where one is missing."""

    state: str = ""
    code: str = ""
    issuer: str = ""
    error: str = ""


class Provider:
    """The sign-in service."""

    def __init__(self, settings: EidSettings, *, verify: str | bool = True) -> None:
        self.settings = settings
        self._client = httpx.Client(
            timeout=LONGEST_SECONDS,
            follow_redirects=False,
            verify=verify,
            trust_env=False,
            headers={"User-Agent": "Lanekort", "Accept": "application/json", "Accept-Encoding": "identity"},
        )
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._asked_anew: dict[str, float] = {}

    def close(self) -> None:
        """End the connections to the service."""
        self._client.close()

    def begin(self, *, redirect_uri: str, language: str, anew: bool) -> tuple[str, Begun]:
        """Begin a sign-in. Returns the address for the browser, and what to store in it. With `anew` the person is to
        sign in again, also if the service still knows them. Raises EidRefused."""
        state, nonce, verifier = (secrets.token_urlsafe(size) for size in (32, 32, 48))
        begun = Begun(state=state, nonce=nonce, verifier=verifier, anew=anew)
        asked: dict[str, str] = {"prompt": "login", "max_age": "0"} if anew else {}
        if self.settings.acr:
            asked["acr_values"] = self.settings.acr[0]
        address = prepare_grant_uri(
            self._describe()["authorization_endpoint"],
            client_id=self.settings.client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope=self.settings.scope,
            state=begun.state,
            nonce=begun.nonce,
            code_challenge=create_s256_code_challenge(begun.verifier),
            code_challenge_method="S256",
            ui_locales=language,
            **asked,
        )
        return str(address), begun

    def finish(self, answer: Answer, *, begun: Begun, redirect_uri: str, now: datetime) -> Identity:
        """Return who signed in. Raises EidRefused."""
        if not hmac.compare_digest(answer.state.encode(), begun.state.encode()):
            raise EidRefused(Why.NOT_BEGUN)
        described = self._describe()
        says_issuer = described.get("authorization_response_iss_parameter_supported") is True
        if (answer.issuer or says_issuer) and answer.issuer != self.settings.issuer:
            raise EidRefused(Why.NOT_OURS)
        if answer.error or not answer.code:
            raise EidRefused(Why.CANCELLED)
        tokens = self._exchange(answer.code, begun=begun, redirect_uri=redirect_uri)
        token = tokens.get("id_token")
        if not isinstance(token, str):
            raise EidRefused(Why.SILENT)
        claims = check_token(
            token, keys=self._find_keys(token), settings=self.settings, nonce=begun.nonce, anew=begun.anew, now=now
        )
        more: dict[str, Any] = {}
        if "userinfo_endpoint" in described and not ("name" in claims and "birthdate" in claims):
            more = self._ask_userinfo(str(tokens.get("access_token", "")), sub=claims["sub"])
        return read_identity(claims, settings=self.settings, more=more)

    def _exchange(self, code: str, *, begun: Begun, redirect_uri: str) -> dict[str, Any]:
        address, own = self._describe()["token_endpoint"], self.settings
        body = prepare_token_request(
            "authorization_code", "", code=code, redirect_uri=redirect_uri, code_verifier=begun.verifier
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        methods = self._describe().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = "client_secret_basic" in methods or "client_secret_post" not in methods
        proof = ClientAuth(own.client_id, own.client_secret, "client_secret_basic" if basic else "client_secret_post")
        if own.private_key:
            key = signing_key(own.private_key)
            # The audience is the issuer, so that no other service could use the proof. ID-porten takes that; a service
            # that takes its token endpoint alone (OpenID Connect Core 1.0, 9) must be set to take it.
            named = {"kid": own.key_id} if own.key_id else None
            signed = PrivateKeyJWT(
                own.issuer,
                claims={"exp": int(time.time()) + _PROOF_SECONDS},
                headers=named,
                alg="ES256" if isinstance(key, ECKey) else "RS256",
            )
            proof = ClientAuth(own.client_id, key, signed)
        address, headers, body = proof.prepare("POST", address, headers, body)
        response = self._ask("POST", address, headers=headers, content=body)
        if response.status in (400, 401):
            # A code that was used before, or is too old. That we are not known there ends in the same words.
            raise EidRefused(Why.EXPIRED)
        return _read(response)

    def _ask_userinfo(self, access_token: str, *, sub: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {access_token}"}
        answer = _read(self._ask("GET", self._describe()["userinfo_endpoint"], headers=headers))
        # OpenID Connect Core 1.0, 5.3.2: without the same subject it may be about somebody else.
        if answer.get("sub") != sub:
            raise EidRefused(Why.NOT_OURS)
        return answer

    def _describe(self) -> dict[str, Any]:
        """Return the service's metadata (OpenID Connect Discovery 1.0), fetched once an hour."""
        if self._metadata is not None and time.monotonic() - self._metadata[0] < _KEPT_SECONDS:
            return self._metadata[1]
        address = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        metadata = _read(self._ask("GET", address))
        if metadata.get("issuer") != self.settings.issuer:
            raise EidRefused(Why.NOT_OURS)
        for name in (*_ENDPOINTS, "userinfo_endpoint"):
            if (name in metadata or name in _ENDPOINTS) and not self._is_address(metadata.get(name)):
                raise EidRefused(Why.SILENT)
        self._metadata = (time.monotonic(), metadata)
        return metadata

    def _is_address(self, text: object) -> bool:
        schemes = ("https",) if self.settings.needs_tls else ("https", "http")
        return isinstance(text, str) and urlsplit(text).scheme in schemes and bool(urlsplit(text).hostname)

    def _find_keys(self, token: str) -> KeySet:
        """Return the service's public keys. Where none of them signed the token they are fetched again, for each key id
        once a minute at most: the service may change them at any moment."""
        if self._keys is None or time.monotonic() - self._keys[0] >= _KEPT_SECONDS:
            self._fetch_keys()
        elif not is_signed_by(token, keys=self._keys[1]):
            key_id, instant = read_key_id(token), time.monotonic()
            since = {kid: at for kid, at in self._asked_anew.items() if instant - at < _NO_SOONER_SECONDS}
            if not key_id or key_id not in since:
                self._asked_anew = {**since, key_id: instant}
                self._fetch_keys()
        assert self._keys is not None
        return self._keys[1]

    def _fetch_keys(self) -> None:
        self._keys = (time.monotonic(), _read_keys(_read(self._ask("GET", self._describe()["jwks_uri"]))))

    def _ask(
        self, method: str, address: str, *, headers: dict[str, str] | None = None, content: str | None = None
    ) -> "_Response":
        ends = time.monotonic() + LONGEST_SECONDS

        def check() -> None:
            if time.monotonic() > ends:
                raise EidRefused(Why.SILENT)

        try:
            with self._client.stream(method, address, headers=headers, content=content) as response:
                # Never unpacked, so that none can grow.
                return _Response(response.status_code, read_bounded(response.iter_raw(), most=_LARGEST, check=check))
        except (TooLarge, httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError):
            # The exception's text quotes the address.
            raise EidRefused(Why.SILENT) from None


class _Response(NamedTuple):
    status: int
    body: bytes


def _read(response: _Response) -> dict[str, Any]:
    try:
        answer = parse_json(response.body) if response.status == 200 else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise EidRefused(Why.SILENT)
    return answer


def _read_keys(listed: dict[str, Any]) -> KeySet:
    rows = listed.get("keys")
    if not isinstance(rows, list):
        raise EidRefused(Why.SILENT)
    keys = []
    for row in rows:
        try:
            if row.get("use", "sig") == "sig":
                keys.append(JWKRegistry.import_key(row))
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue  # RFC 7517, 5: a key that is not understood takes nothing from the others
    return KeySet(keys)
