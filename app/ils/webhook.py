"""Send one notice to a library's system, at its address, signed as Standard Webhooks says.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: the headers webhook-id,
webhook-timestamp and webhook-signature, an HMAC-SHA-256 over `id.timestamp.body`, and a key that is written as
`whsec_` and its base64.

The caller's client decides which addresses may be called (work/calling.py). Redirects are not followed, and of the
answer only the kinds of what is kept are read.
"""

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final

import httpx

from app.ils.budget import call_within
from app.ils.json_call import Reply, call_json
from app.ils.port import Refused, Unavailable
from app.rules.errors import RuleBroken
from app.rules.json_text import parse_json
from app.rules.web_address import UnsafeAddress, check_address

KEY_BYTES: Final = 32
_SECONDS: Final = 10.0
_MOST_KINDS: Final = 20
_LONGEST_URL: Final = 500
# These are about the address, our signature or the moment, and would be the same for every notice.
_NOT_ADMITTED: Final = frozenset({401, 403, 407})
_BUSY: Final = frozenset({408, 425, 429, 503})


class NotAWebhook(RuleBroken):
    """The address is none at which notices may be sent: https, or http to this machine, without a user name."""


def check_url(url: str) -> str:
    """Return the address as it is kept. Raises NotAWebhook."""
    if not (url.isascii() and url.isprintable() and len(url) <= _LONGEST_URL):
        raise NotAWebhook
    try:
        return check_address(url)
    except UnsafeAddress:
        raise NotAWebhook from None


def draw_key() -> bytes:
    """Return a new key to sign with."""
    return secrets.token_bytes(KEY_BYTES)


def write_key(key: bytes) -> str:
    """Return a key as a library's technician gets it."""
    return f"whsec_{base64.b64encode(key).decode()}"


def sign(*, key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of the header webhook-signature. `timestamp` is in seconds since 1970."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"


def send_notice(
    *, client: httpx.Client, url: str, key: bytes, notice_id: int, body: Mapping[str, object], now: datetime
) -> list[str]:
    """Send a notice and return what the library says it keeps, by kind. A retry has the same id.

    Ten seconds at most. Unavailable: no answer, busy (with Retry-After), signature refused. Refused: this notice is.
    """
    content = json.dumps(body).encode("ascii")
    timestamp = int(now.timestamp())
    headers = {
        "webhook-id": str(notice_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(key=key, message_id=str(notice_id), timestamp=timestamp, body=content),
    }
    send = partial(call_json, client=client, method="POST", url=url, content=content, headers=headers)
    reply = call_within(_SECONDS, send)
    if 200 <= reply.status < 300:
        return _kept(reply)
    if reply.status in _BUSY:
        raise Unavailable("busy", retry_after=reply.retry_after)
    if reply.status in _NOT_ADMITTED:
        raise Unavailable("not_admitted")
    if 400 <= reply.status < 500:
        raise Refused(f"status-{reply.status}")
    raise Unavailable("bad_answer", retry_after=reply.retry_after)


def _kept(reply: Reply) -> list[str]:
    """Read {"kept": [{"kind": …}]}. Everything else in an answer is ignored."""
    try:
        answer = parse_json(reply.body)
    except ValueError:
        return []
    kept = answer.get("kept") if isinstance(answer, dict) else None
    kinds = [each.get("kind") for each in kept if isinstance(each, dict)] if isinstance(kept, list) else []
    return [kind for kind in kinds if isinstance(kind, str)][:_MOST_KINDS]
