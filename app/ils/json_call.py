"""One JSON call over HTTP: a strict budget, a bound on the answer's size, and nothing of it in a log."""

import json
import logging
from datetime import UTC
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, NamedTuple, NoReturn

import httpx

from app.ils.budget import CONNECT_SECONDS, Budget, utc_now
from app.ils.port import T, Unavailable, read
from app.rules.json_text import TooLarge, parse_json, read_bounded

MAX_ANSWER: Final = 1024 * 1024


class _HostOnly(logging.Filter):
    """Cuts the addresses in httpx's log lines to scheme and host."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            shown = (f"{part.scheme}://{part.host}" if isinstance(part, httpx.URL) else part for part in record.args)
            record.args = tuple(shown)
        return True


logging.getLogger("httpx").addFilter(_HostOnly())
# Below this level httpcore logs headers, and one of Koha's has the number of a checkout.
logging.getLogger("httpcore").setLevel(logging.INFO)


class Reply(NamedTuple):
    """An answer. `media_type` without its parameters; `total` is the header X-Total-Count; `retry_after` is in seconds
    (RFC 9110, 10.2.3)."""

    status: int
    media_type: str
    body: bytes
    total: int | None
    retry_after: int | None = None

    def json(self) -> object:
        """Return the JSON value in the body; numbers with a fraction as Decimal. Raises Unavailable."""
        try:
            return parse_json(self.body, parse_constant=_refuse, parse_float=Decimal)
        except (ValueError, InvalidOperation):
            raise Unavailable("bad_answer") from None

    def read(self, kind: type[T]) -> T:
        """Return what the JSON in the body says, as `port.read` does. Raises Unavailable."""
        return read(kind, self.json())


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def make_client(*, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Return a client that keeps no cookies and follows no redirects. `transport` is for systems in this process."""
    # Connections are not limited: libraries share them, and none may use up what another one needs.
    return httpx.Client(
        transport=transport,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        headers={"User-Agent": "Lanekort"},
    )


def call_json(
    budget: Budget,
    *,
    client: httpx.Client,
    method: str,
    url: str,
    body: object = None,
    content: bytes | None = None,
    form: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    auth: httpx.BasicAuth | None = None,
) -> Reply:
    """Send `body` as JSON, `content` that is JSON already, or a `form`; return the answer, whatever its status.

    Unavailable: no connection within a second, no end within the budget, an answer too large. Bodies are not unpacked.
    """
    sent = {"Accept": "application/json, application/problem+json", "Accept-Encoding": "identity", **(headers or {})}
    if body is not None:
        content = json.dumps(body).encode("ascii")
    if content is not None:
        sent["Content-Type"] = "application/json"
    left = budget.left()
    limits = httpx.Timeout(left, connect=min(CONNECT_SECONDS, left))
    try:
        request = client.build_request(method, url, content=content, data=form, headers=sent, timeout=limits)
        response = client.send(request, auth=auth, stream=True)
        try:
            return _read(response, budget)
        finally:
            response.close()
    except httpx.TimeoutException:
        raise Unavailable("too_slow") from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError):
        # The exception's text quotes the address.
        raise Unavailable("no_answer") from None


def _read(response: httpx.Response, budget: Budget) -> Reply:
    try:
        content = read_bounded(response.iter_raw(), most=MAX_ANSWER, check=budget.left)
    except TooLarge:
        raise Unavailable("bad_answer") from None
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    total = response.headers.get("X-Total-Count", "")
    known = int(total) if total.isascii() and total.isdecimal() and len(total) < 10 else None
    later = _seconds_until(response.headers.get("Retry-After", ""))
    return Reply(response.status_code, media_type, content, known, later)


def _seconds_until(header: str) -> int | None:
    """Read Retry-After: a number of seconds, or a date."""
    if header.isascii() and header.isdecimal() and len(header) < 10:
        return int(header)
    try:
        instant = parsedate_to_datetime(header)
    except ValueError:
        return None
    left = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)) - utc_now()
    return max(0, int(left.total_seconds()))
