"""The connections to libraries' webhooks, and a test of one.

An address that the operator set is trusted, and may be in the operator's own network. One that a library set itself
leads to public addresses alone, at the address that was looked up and checked, as for push services.
"""

import secrets
import ssl
from collections.abc import Callable
from functools import cache
from typing import cast

import httpcore
import httpx
from flask import current_app

from app.ils.json_call import make_client
from app.ils.webhook import send_notice
from app.messages.push import Admitted, IPAddress, is_public
from app.register.library.webhooks import WebhookKey
from app.web.clock import now


class _AdmittedAlone(httpx.HTTPTransport):
    def __init__(self, admits: Callable[[IPAddress], bool], tls: ssl.SSLContext) -> None:
        super().__init__()
        # httpx has no way to give its pool a network of one's own.
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls, network_backend=Admitted(admits), max_connections=None, max_keepalive_connections=0
        )


def make_public_client(
    *, admits: Callable[[IPAddress], bool] = is_public, tls: ssl.SSLContext | None = None
) -> httpx.Client:
    """Return a client that calls addresses that are admitted, and no others."""
    return make_client(transport=_AdmittedAlone(admits, tls or ssl.create_default_context()))


@cache
def _trusted_client() -> httpx.Client:
    return make_client()


def webhook_client(*, is_public: bool) -> httpx.Client:
    """Return the client for a webhook: where the library set it, one that calls public addresses alone."""
    return cast(httpx.Client, current_app.extensions["public_client"]) if is_public else _trusted_client()


def call_webhook(webhook: WebhookKey) -> None:
    """Send a notice of the kind `test` to a library's webhook: of no patron, with an id that no notice has.

    Ten seconds at most. Raises `ils.port.Unavailable` or `ils.port.Refused` as `send_notice` does.
    """
    notice_id = -secrets.randbelow(10**9) - 1
    send_notice(
        client=webhook_client(is_public=webhook.is_public),
        url=webhook.url,
        key=webhook.key,
        notice_id=notice_id,
        body={"id": notice_id, "kind": "test", "at": now().isoformat()},
        now=now(),
    )
