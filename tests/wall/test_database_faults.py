"""A database that does not work for a while: 503 and when to come again, never 500, and all is well when it is back."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import request_finished
from sqlalchemy import event, text

from app.register.store.transaction import db
from app.work.worker import DUTIES, do_duty
from tests.conftest import Clock, Databases
from tests.doors.visits import KIOSK_1, KIOSK_2, SCAN, shown_code
from tests.wall.faulty_database import WELL, Portal, Server, opened


@pytest.fixture(scope="module")
def server(databases: Databases, run_postgres: Callable[..., AbstractContextManager[str]]) -> Iterator[Server]:
    with run_postgres("max_connections=30", in_memory=True) as url:
        yield Server(url, databases)


@pytest.fixture
def portal(server: Server, tmp_path: Path) -> Iterator[Portal]:
    with opened(server.database_url, tmp_path, server.clock) as portal:
        yield portal


def test_a_server_that_was_started_anew_between_two_requests_is_not_noticed(portal: Portal, server: Server) -> None:
    for _ in range(3):
        server.control("restart", "-m", "fast")
        assert portal.ask() == WELL
    server.control("restart", "-m", "immediate")
    assert portal.scan()
    assert portal.ready() == (200, "ok")


def test_a_connection_that_is_lost_after_the_answer_was_made_does_not_take_it_back(
    portal: Portal, server: Server
) -> None:
    with request_finished.connected_to(server.end_connections, portal.app):
        assert portal.ask() == WELL
    portal.works()
    assert portal.connections_in_use() == 0


def test_a_connection_that_is_lost_after_a_duty_does_not_end_the_worker(portal: Portal, server: Server) -> None:
    def read() -> None:
        db.session.execute(text("SELECT 1"))
        server.end_connections()

    do_duty(portal.app, replace(DUTIES[0], do=read))
    portal.works()
    assert portal.connections_in_use() == 0


def test_a_server_that_is_down_is_told_and_comes_back_without_a_start_of_the_portals(
    portal: Portal, server: Server
) -> None:
    server.control("stop", "-m", "fast")
    try:
        down = portal.ask()
        assert portal.ready() == (503, "database not reached")
        assert portal.visitor.get("/healthz").status_code == 200
    finally:
        server.start()
    assert down == dict.fromkeys(WELL, 503) | {"start": 200}
    portal.works()


def test_connections_that_others_use_up_are_told_and_missed_no_longer_than_that(portal: Portal, server: Server) -> None:
    with contextlib.ExitStack() as others:
        server.end_connections()
        while (another := server.connect()) is not None:
            others.enter_context(another)
        used_up = portal.ask()
        assert portal.ready() == (503, "no connections to the database left")
        others.close()
        assert used_up == dict.fromkeys(WELL, 503) | {"start": 200}
        portal.works()


def test_a_server_that_only_reads_is_told_while_pages_are_shown(portal: Portal, server: Server) -> None:
    server.run("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    server.repeat("SELECT 1", lambda: server.run("SHOW default_transaction_read_only") == [("on",)])
    server.end_connections()
    try:
        assert portal.ready() == (503, "database read-only")
        reads = portal.ask()
        assert not portal.scan()
    finally:
        server.run(
            "SET default_transaction_read_only = off",
            "ALTER SYSTEM RESET default_transaction_read_only",
            "SELECT pg_reload_conf()",
        )
        server.repeat("SELECT 1", lambda: server.run("SHOW default_transaction_read_only") == [("off",)])
        server.end_connections()
    # A scan that is refused is counted, so it is no answer either while nothing can be written.
    assert {name for name, status in reads.items() if status == 503} == {"fetch", "scan", "sign-in"}
    portal.works()


@pytest.mark.parametrize("has_cookie", [False, True], ids=["the short way", "the ordinary way"])
def test_a_commit_whose_wait_for_a_standby_is_cancelled_is_not_acknowledged(
    portal: Portal, server: Server, has_cookie: bool
) -> None:
    waiting = "FROM pg_stat_activity WHERE datname = 'faults' AND wait_event = 'SyncRep'"
    with ThreadPoolExecutor() as beside:
        client = portal.visitor if has_cookie else portal.app.test_client()
        statuses: list[int] = []
        server.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
        cancelling = beside.submit(server.repeat, f"SELECT pg_cancel_backend(pid) {waiting}", lambda: 503 in statuses)
        # The server's processes take up the setting one after the other: the first scans may not wait yet.
        while 503 not in statuses and len(statuses) < 100:
            server.clock.turn(seconds=30)
            payload = shown_code(portal.phone)
            answer = client.post(SCAN, json={"payload": payload}, auth=KIOSK_1)
            statuses.append(answer.status_code)
        statuses.append(503)
        cancelling.result()
        server.run("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
        assert (answer.status_code, answer.json["code"]) == (503, "database-unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        again = portal.visitor.post(SCAN, json={"payload": payload}, auth=KIOSK_1)
        assert (again.status_code, again.json["result"]) == (200, "accepted")
        elsewhere = portal.visitor.post(SCAN, json={"payload": payload}, auth=KIOSK_2)
        assert elsewhere.json["reason"] == "REPLAY"
        assert portal.ask() == WELL


@pytest.fixture
def sqlite(database_url: str, tmp_path: Path) -> Iterator[tuple[Portal, Callable[[str], None]]]:
    """The portal on SQLite, and how its connections are told something."""
    with opened(database_url, tmp_path, Clock()) as portal:

        def tell(pragma: str) -> None:
            with portal.app.app_context():
                db.engine.dispose()
                event.listen(db.engine, "connect", lambda connection, _record: connection.execute(f"PRAGMA {pragma}"))

        yield portal, tell


def test_a_full_disk_is_told_on_sqlite(sqlite: tuple[Portal, Callable[[str], None]]) -> None:
    portal, tell = sqlite
    tell("max_page_count = 1")
    statuses: dict[str, int] = {}
    for _ in range(200):
        statuses = portal.ask()
        if statuses["sign-in"] == 503 or statuses["fetch"] == 503:
            break
    assert 503 in statuses.values()
    assert portal.ready() == (503, "database full or not writable")
    tell("max_page_count = 1073741823")
    assert portal.ask()["fetch"] == 200


def test_a_database_that_may_only_be_read_is_told_on_sqlite(sqlite: tuple[Portal, Callable[[str], None]]) -> None:
    portal, tell = sqlite
    tell("query_only = ON")
    assert portal.ask()["sign-in"] == 503
    assert portal.ready() == (503, "database read-only")
    tell("query_only = OFF")
    assert portal.ask() == WELL
    assert portal.ready() == (200, "ok")


def test_a_database_that_somebody_locks_is_told_on_sqlite(sqlite: tuple[Portal, Callable[[str], None]]) -> None:
    portal, tell = sqlite
    tell("busy_timeout = 10")
    with portal.app.app_context():
        holder = db.engine.raw_connection()
    holder.cursor().execute("BEGIN IMMEDIATE")
    assert portal.ask()["sign-in"] == 503
    assert portal.ready() == (503, "database locked or busy")
    holder.rollback()
    holder.close()
    assert portal.ask() == WELL
