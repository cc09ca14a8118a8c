"""The way in: a link that the command shows, which opens once, and a cookie of this process's own."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from app.rules.errors import RuleBroken

LASTS: Final = timedelta(hours=8)


class NotTheLink(RuleBroken):
    """The link is not the newest one, or was used."""


class Entry:
    """Who may look at the page of one process. Nothing is stored: with the process all of it ends."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._link = ""
        self._sessions: dict[str, datetime] = {}

    def draw_link(self) -> str:
        """Return the token of a new link; one that was drawn before opens nothing any more."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._link = _hash(token)
        return token

    def enter(self, token: str, *, now: datetime) -> str:
        """Return the cookie's value for whoever has the link. It opens once. Raises NotTheLink."""
        with self._lock:
            if not self._link or not hmac.compare_digest(self._link, _hash(token)):
                raise NotTheLink
            self._link = ""
            cookie = secrets.token_urlsafe(32)
            self._sessions[_hash(cookie)] = now + LASTS
        return cookie

    def is_in(self, cookie: str, *, now: datetime) -> bool:
        """Tell whether a cookie is of somebody who came in within eight hours."""
        ends = self._sessions.get(_hash(cookie))
        return ends is not None and now < ends

    def leave(self, cookie: str) -> None:
        """End what a cookie opens."""
        with self._lock:
            self._sessions.pop(_hash(cookie), None)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
