"""Signing in with card number and PIN over HTTP: each request somebody else, from the form that a browser gets."""

import random
from itertools import islice

from bench.browser import get_form, is_let_in, write_sign_in
from bench.compare import CONNECTIONS, Ratio, Size, Turn, bare_turn, expect, print_table, take_turns
from bench.load import Round, send
from bench.people import card_number
from bench.servers import OpenVisit

_BARE_EVALUATION = "bare Argon2id"


def bench_login(served: OpenVisit, size: Size) -> dict[str, Ratio]:
    """Measure signing in on both engines beside one Argon2id evaluation behind a bare answer, as `bench_scan`."""
    turns = {_BARE_EVALUATION: bare_turn(served.bare, size, path="/argon2")}
    turns |= {f"sign-in, {engine}": _sign_in_turn(port, size) for engine, port in served.portals.items()}
    print(f"POST /login: {size.people} patrons, {CONNECTIONS} connections, everybody let in")
    return print_table(take_turns(turns, rounds=size.rounds), against=_BARE_EVALUATION)


def _sign_in_turn(port: int, size: Size) -> Turn:
    people = iter(random.Random(size.people).sample(range(1, size.people + 1), size.people))

    def turn() -> Round:
        form = get_form(port)
        requests = [write_sign_in(form, card_number(person)) for person in islice(people, size.requests)]
        done = send(port, requests, connections=CONNECTIONS, seconds=size.seconds)
        expect(done, is_let_in)
        return done

    return turn
