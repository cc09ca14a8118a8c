"""How the gate signs in to a Koha: Basic, or OAuth 2 client credentials (RFC 6749, section 4.4)."""

import base64
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

import httpx

from app.ils.budget import Budget
from app.ils.json_call import call_json
from app.ils.port import Unavailable
from app.ils.reading import Number, Text


@dataclass(frozen=True, slots=True)
class _Token:
    access_token: Text = field(repr=False)
    expires_in: Number


class BasicLogin:
    """User name and password with every call. Koha's setting RESTBasicAuth must be on."""

    def __init__(self, *, user: str, password: str) -> None:
        self._header = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")

    def header(self, client: httpx.Client, url: str, budget: Budget) -> str:
        """Return the Authorization header."""
        return self._header

    def forget(self) -> None:
        """Nothing is kept."""


class OAuthLogin:
    """A token, fetched with client id and secret and cached until it expires. Koha's RESTOAuth2ClientCredentials."""

    def __init__(self, *, client_id: str, client_secret: str) -> None:
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        self._lock = Lock()
        self._token = ""
        self._expires = 0.0

    def header(self, client: httpx.Client, url: str, budget: Budget) -> str:
        """Return the Authorization header, with a new token where the old one is about to expire."""
        with self._lock:
            token, fresh = self._token, monotonic() < self._expires
        if not fresh:
            # Not under the lock: a slow Koha would block every thread. Two tokens at a time do no harm.
            token, seconds = self._fetch(client, url, budget)
            with self._lock:
                self._token, self._expires = token, monotonic() + seconds
        return f"Bearer {token}"

    def forget(self) -> None:
        """Fetch a new token next time."""
        with self._lock:
            self._expires = 0.0

    def _fetch(self, client: httpx.Client, url: str, budget: Budget) -> tuple[str, float]:
        reply = call_json(budget, client=client, method="POST", url=f"{url}/oauth/token", form=self._form)
        if reply.status in (400, 401, 403):
            raise Unavailable("not_admitted")
        if reply.status != 200 or reply.media_type != "application/json":
            raise Unavailable("bad_answer")
        answer = reply.read(_Token)
        token = answer.access_token
        if not token or not token.isascii() or " " in token:
            raise Unavailable("bad_answer")
        # Half a minute early, so that it does not expire on its way.
        return token, answer.expires_in - 30.0
