"""The scan over HTTP: each request the current code of somebody else, signed in as a kiosk."""

import json
import random
from datetime import UTC, datetime
from itertools import islice

from app.rules.card.code import step_at
from bench.compare import BARE, CONNECTIONS, Ratio, Size, Turn, bare_turn, expect, print_table, take_turns
from bench.load import Answer, Round, send, write_request
from bench.people import code_at, kiosk_authorization
from bench.servers import OpenVisit


def bench_scan(served: OpenVisit, size: Size) -> dict[str, Ratio]:
    """Measure the scan on both engines beside the bare answer, print the table, and return the ratios."""
    turns = {BARE: bare_turn(served.bare, size, path="/")}
    turns |= {"bare, our workers": bare_turn(served.bare_in_threads, size, path="/")}
    turns |= {f"scan, {engine}": _scan_turn(port, size) for engine, port in served.portals.items()}
    print(f"POST /api/v1/scan: {size.people} credentials, {CONNECTIONS} connections, every answer accepted")
    return print_table(take_turns(turns, rounds=size.rounds), against=BARE)


def _scan_turn(port: int, size: Size) -> Turn:
    people = iter(random.Random(size.people).sample(range(1, size.people + 1), size.people))
    headers = {"Authorization": kiosk_authorization(), "Content-Type": "application/json"}

    def turn() -> Round:
        # Drawn just before they are sent: a code is good for the rest of its step and the one after.
        step = step_at(datetime.now(UTC))
        requests = [
            write_request("POST", "/api/v1/scan", headers=headers, body=_payload(person, step))
            for person in islice(people, size.requests)
        ]
        done = send(port, requests, connections=CONNECTIONS, seconds=size.seconds)
        expect(done, _is_accepted)
        return done

    return turn


def _payload(person: int, step: int) -> bytes:
    return json.dumps({"payload": code_at(person, step)}).encode()


def _is_accepted(answer: Answer) -> bool:
    return answer.status == 200 and json.loads(answer.body)["result"] == "accepted"
