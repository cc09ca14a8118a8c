"""What must cost the same at any size: one act after another, of patrons drawn anew, each size in its turn."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import cycle, islice
from random import Random
from time import perf_counter
from urllib.parse import urlencode

from app.register.leaving.erasure import erase_patron
from app.register.leaving.own_data import read_own_data
from app.register.store.transaction import db, reading, writing
from app.rules.card.code import step_at
from bench.browser import get_form, write_sign_in
from bench.compare import WrongAnswer
from bench.country import KIOSK, authorization_of, draw_people, list_queues
from bench.load import send_one, write_request
from bench.register import sign_in_at_desk
from bench.sizes.register import STAFF, Register

PAGE = 100
_WARM_UP = 20
Act = Iterator[float]
"""Gives the seconds of one act after another."""
_JSON = {"Content-Type": "application/json"}


def measure_acts(registers: Sequence[Register], *, count: int) -> Iterator[tuple[str, dict[int, list[float]]]]:
    """Yield each kind of act with the seconds of so many of it, by size: one at each size, then the next."""
    # A page is as long at each size, though a small register's libraries have short queues.
    page = min(PAGE, *(max(list_queues(register.url).values()) // 2 for register in registers))
    kinds: Mapping[str, Callable[[Register, int], Act]] = {
        "fetch": _fetches,
        "look-up": _look_ups,
        "changed since": lambda register, count: _changes(register, page),
        "scan": scans,
        "sign-in": _sign_ins,
        "erasure": _erasures,
        "export": _exports,
    }
    for kind, start in kinds.items():
        acts = {register.people: start(register, count + _WARM_UP) for register in registers}
        for act in acts.values():
            list(islice(act, _WARM_UP))
        done: dict[int, list[float]] = {people: [] for people in acts}
        for _ in range(count):
            for people, act in acts.items():
                done[people].append(next(act))
        yield kind, done


def _send(register: Register, request: bytes, *, holds: bytes = b"", status: int = 200) -> float:
    """Return the seconds to an answer that holds this. Raises WrongAnswer."""
    began = perf_counter()
    answer = send_one(register.port, request)
    seconds = perf_counter() - began
    if answer.status != status or holds not in answer.raw:
        raise WrongAnswer(answer.raw.decode(errors="replace"))
    return seconds


def _fetches(register: Register, count: int) -> Act:
    for drawn in draw_people(register.url, count=count, seed=register.run + 1):
        request = write_request(
            "GET",
            f"/api/v1/patrons/{drawn.card_number}",
            headers={"Authorization": authorization_of(drawn.library_id)},
        )
        yield _send(register, request, holds=drawn.birth_date.encode())


def _look_ups(register: Register, count: int) -> Act:
    at_desks = cycle([sign_in_at_desk(register.port, number) for number in range(STAFF)])
    people = draw_people(register.url, count=count, seed=register.run + 2)
    for drawn, (cookie, token) in zip(people, at_desks, strict=False):
        asked = urlencode({"csrf_token": token, "name": drawn.name, "birth_date": drawn.birth_date}).encode()
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        request = write_request("POST", "/desk/find", headers=headers, body=asked)
        yield _send(register, request, holds=drawn.name.encode())


def _changes(register: Register, page: int) -> Act:
    dice = Random(register.people)
    queues = {library_id: last for library_id, last in list_queues(register.url).items() if last > page}
    for library_id, last in cycle(queues.items()):
        after = dice.randrange(last - page)
        path = f"/api/v1/changes?after={after}&limit={page}"
        request = write_request("GET", path, headers={"Authorization": authorization_of(library_id)})
        yield _send(register, request, holds=b'"seq":%d' % (after + 1))


def scans(register: Register, count: int, *, seed: int = 3) -> Act:
    """Scan the codes of patrons who have a device, each at the moment when the next time is asked for."""
    headers = {"Authorization": authorization_of(KIOSK), **_JSON}
    for drawn in draw_people(register.url, count=count, with_device=True, seed=register.run + seed):
        payload = json.dumps({"payload": drawn.code_at(step_at(datetime.now(UTC)))}).encode()
        request = write_request("POST", "/api/v1/scan", headers=headers, body=payload)
        yield _send(register, request, holds=b'"accepted"')


def _sign_ins(register: Register, count: int) -> Act:
    for drawn in draw_people(register.url, count=count, with_device=True, seed=register.run + 4):
        request = write_sign_in(get_form(register.port), drawn.card_number)
        yield _send(register, request, status=302, holds=b"Location: /my\r\n")


def _erasures(register: Register, count: int) -> Act:
    for drawn in draw_people(register.url, count=count, with_device=True, seed=register.run + 5):
        with register.portal.app_context():
            began = perf_counter()
            with writing():
                erase_patron(patron_id=drawn.id, reason="asked", now=datetime.now(UTC))
            seconds = perf_counter() - began
            db.session.remove()
        yield seconds


def _exports(register: Register, count: int) -> Act:
    for drawn in draw_people(register.url, count=count, with_device=True, seed=register.run + 6):
        with register.portal.app_context():
            began = perf_counter()
            with reading():
                rows = read_own_data(patron_id=drawn.id)
            seconds = perf_counter() - began
            db.session.remove()
        if len(rows["patrons"]) != 1:
            raise WrongAnswer("an export of nobody")
        yield seconds
