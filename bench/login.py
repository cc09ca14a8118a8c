"""Signing in with card number and PIN over HTTP: each request somebody else, from the form that a browser gets."""

import random
from contextlib import ExitStack
from itertools import islice

from bench.browser import get_form, is_let_in, write_sign_in
from bench.compare import CONNECTIONS, Size, Turn, bare_turn, expect, print_table, take_turns
from bench.load import Round, send
from bench.people import card_number
from bench.servers import fresh_registers, serve_bare, serve_portal

_BARE_EVALUATION = "bare Argon2id"


def bench_login(size: Size) -> None:
    """Measure signing in on both engines beside one Argon2id evaluation behind a bare answer, and print the table."""
    with ExitStack() as running:
        folder, databases = running.enter_context(fresh_registers(people=size.people))
        port = running.enter_context(serve_bare(folder / "bare.log"))
        turns = {_BARE_EVALUATION: bare_turn(port, size, path="/argon2")}
        for engine, url in databases.items():
            port = running.enter_context(serve_portal(url, folder / f"{engine}.log"))
            turns[f"sign-in, {engine}"] = _sign_in_turn(port, size)
        done = take_turns(turns, rounds=size.rounds)
    print(f"POST /login: {size.people} patrons, {CONNECTIONS} connections, everybody let in")
    print_table(done, against=_BARE_EVALUATION)


def _sign_in_turn(port: int, size: Size) -> Turn:
    people = iter(random.Random(size.people).sample(range(1, size.people + 1), size.people))

    def turn() -> Round:
        form = get_form(port)
        requests = [write_sign_in(form, card_number(person)) for person in islice(people, size.requests)]
        done = send(port, requests, connections=CONNECTIONS, seconds=size.seconds)
        expect(done, is_let_in)
        return done

    return turn
