"""The gateway: it listens for each library's kiosks, serves them all in one process, and shuts down gracefully."""

import asyncio
import resource
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import structlog
from flask import Flask

from app.sip2.checks import Checks
from app.sip2.figures import Figures
from app.sip2.kiosk_connection import KioskConnection
from app.sip2.settings import GatewaySettings
from app.sip2.station import Station
from app.sip2.status import serve_status
from app.sip2.words import write_sentences

_HANDSHAKE_SECONDS = 10.0
_STOP_SECONDS = 15.0
_TIDY_SECONDS = 30.0
_BACKLOG = 512
_OTHER_SOCKETS = 128
_SWITCH_SECONDS = 0.0005

_log = structlog.get_logger()


@dataclass(slots=True)
class Gateway:
    """A running gateway. `ports` are those for each library's kiosks, `status_port` that of the status page."""

    stations: list[Station]
    figures: Figures
    ports: dict[str, int] = field(default_factory=dict)
    status_port: int | None = None
    connections: set[KioskConnection] = field(default_factory=set)


@asynccontextmanager
async def running(app: Flask, settings: GatewaySettings) -> AsyncIterator[Gateway]:
    """Run a gateway; on leaving, every message that was begun is answered. Raises OSError for a port in use."""
    checks, figures = Checks(app), Figures()
    stations = [
        Station(library, checks, write_sentences(app, encoding=library.encoding), figures, app.config["CLOCK"])
        for library in settings.libraries
    ]
    gateway = Gateway(stations, figures)
    async with AsyncExitStack() as stack:
        stack.callback(checks.close)
        stack.push_async_callback(_end_connections, gateway)
        for station in stations:
            server = await _listen(gateway, station, settings.connections)
            stack.callback(server.close)
            gateway.ports[station.settings.library_id] = server.sockets[0].getsockname()[1]
        if settings.status_port is not None:
            gateway.status_port = stack.enter_context(serve_status(stations, figures, port=settings.status_port))
        tidying = asyncio.create_task(_tidy(stations))
        stack.callback(tidying.cancel)
        yield gateway


async def run_until_stopped(app: Flask, settings: GatewaySettings) -> None:
    """Run until SIGTERM or SIGINT. Raises OSError for a port in use."""
    # At every step of a message the event loop waits until a thread releases the interpreter lock.
    sys.setswitchinterval(_SWITCH_SECONDS)
    allow_sockets(2 * settings.connections + _OTHER_SOCKETS)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    async with running(app, settings) as gateway:
        _log.info("sip2 gateway runs", ports=gateway.ports, status=gateway.status_port)
        await stopped.wait()
        _log.info("sip2 gateway stops", connections=len(gateway.connections))


def allow_sockets(most: int) -> None:
    """Raise this process's limit of open sockets to `most`, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if wanted < most:
        _log.warning("too few sockets are allowed", allowed=wanted, wanted=most)


async def _listen(gateway: Gateway, station: Station, most: int) -> asyncio.Server:
    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        library_id = station.settings.library_id
        if len(gateway.connections) >= most:
            writer.close()
            gateway.figures.closed.labels(library_id, "too-many").inc()
            return
        connection = KioskConnection(station=station, reader=reader, writer=writer)
        gateway.connections.add(connection)
        try:
            with gateway.figures.connections.labels(library_id).track_inprogress():
                await connection.serve()
        finally:
            gateway.connections.discard(connection)

    own, tls = station.settings, station.settings.kiosk_tls
    longest = _HANDSHAKE_SECONDS if tls else None
    return await asyncio.start_server(
        welcome, own.host, own.port, ssl=tls, ssl_handshake_timeout=longest, backlog=_BACKLOG
    )


async def _end_connections(gateway: Gateway) -> None:
    for connection in list(gateway.connections):
        connection.stop()
    with suppress(TimeoutError):
        async with asyncio.timeout(_STOP_SECONDS):
            while gateway.connections:
                await asyncio.sleep(0.01)


async def _tidy(stations: list[Station]) -> None:
    while True:
        await asyncio.sleep(_TIDY_SECONDS)
        for station in stations:
            station.aliases.tidy(now=station.clock())
