"""The gateway before the demonstration's register, with real kiosks and systems on both sides."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from apiflask import APIFlask

from app.register.store.transaction import db
from app.sip2.gateway import Gateway, running
from app.sip2.settings import GatewaySettings, LibraryGateway
from tests.doors.visits import GUARDIAN, log_in, shown_code
from tests.sip2.kiosks import KIOSK_1

LIBRARY = "2023500"
BY_ADDRESS = {"127.0.0.1": KIOSK_1}

OpenGateway = Callable[..., Gateway]


@pytest.fixture
def open_gateway(app: APIFlask) -> Iterator[OpenGateway]:
    """Run a gateway before a library's system; `port_of` gives where its kiosks come in."""
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())

        def open_one(ils_port: int, *, connections: int = 1000, **chosen: Any) -> Gateway:
            where = {"library_id": LIBRARY, "host": "127.0.0.1", "port": 0, "ils_host": "127.0.0.1", "seconds": 30.0}
            library = LibraryGateway(**(where | {"ils_port": ils_port} | chosen))
            settings = GatewaySettings(libraries=(library,), status_port=0, connections=connections)
            return stack.enter_context(portal.wrap_async_context_manager(running(app, settings)))

        yield open_one
    with app.app_context():
        db.engine.dispose()


def port_of(gateway: Gateway) -> int:
    return gateway.ports[LIBRARY]


@pytest.fixture
def show_code(app: APIFlask) -> Callable[[], str]:
    """Return what the guardian's phone shows now."""
    phone = app.test_client()
    assert log_in(phone, *GUARDIAN, keep=True).status_code == 302
    return lambda: shown_code(phone)
