"""Libraries' technicians in a hurry: they act over HTTP, send again what had no answer, and remember every answer."""

import random
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

import httpx

LIBRARIES = tuple(f"lib{number:02d}" for number in range(12))
CLIENTS = 4
PASSWORD = "of a library that was never built"
PAPERS = {"kind": "passport", "seen_by": "desk4"}
_PATIENCE_SECONDS = 20.0
_LONGEST_SECONDS = 300.0


class NotAnswered(Exception):
    """Nobody answered a request, however often it was sent."""


@dataclass
class Person:
    """Somebody whom a client enrolled. `phones` are those that they may have: the last that was acknowledged, and
    whatever was sent after it without an answer. `erased` is None while it is not known."""

    name: str
    card_number: str
    libraries: set[str]
    phones: set[str]
    is_erased: bool | None = False


@dataclass
class Client:
    """A library's technician in a hurry, with the logins of several libraries: acts, and remembers every answer."""

    url: str
    number: int
    going_on: Callable[[], bool]
    people: list[Person] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=_PATIENCE_SECONDS))

    def run(self) -> None:
        dice = random.Random(self.number)
        acts: dict[Callable[[random.Random], None], int] = {
            self.enrol: 4,
            self.correct: 4,
            self.activate: 2,
            self.erase: 1,
        }
        try:
            with self.http:
                while self.going_on():
                    (act,) = dice.choices(list(acts), list(acts.values()))
                    act(dice)
        except Exception as error:
            self.wrong.append(f"{type(error).__name__}: {error}")

    def enrol(self, dice: random.Random) -> None:
        mark = len(self.people)
        name = f"Invented {self.number} {mark}"
        home, phone = dice.choice(LIBRARIES), f"+479{self.number}{mark:06d}"
        sent = {
            "name": name,
            "birth_date": "1990-05-05",
            "phone": phone,
            "national_id": national_id(self.number * 20_000 + mark),
            "rules_accepted": True,
        }
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        answer = self.until_answered("POST", "/patrons", library_id=home, json=sent, headers=headers)
        self.expect(answer, 201)
        self.people.append(Person(name, answer.json()["card_number"], {home}, {phone}))

    def correct(self, dice: random.Random) -> None:
        person = self.somebody(dice)
        if person is None:
            return
        library_id, phone = dice.choice(sorted(person.libraries)), f"+479{dice.randrange(10**7):07d}"
        path = f"/patrons/{person.card_number}"
        seen = self.until_answered("GET", path, library_id=library_id)
        self.expect(seen, 200)
        if seen.json()["phone"] not in person.phones:
            self.wrong.append("a phone number that was acknowledged is gone")
        headers = {"If-Match": seen.headers["ETag"]}
        answer = self.ask("PATCH", path, library_id=library_id, json={"phone": phone}, headers=headers)
        if answer is None:
            person.phones.add(phone)
        else:
            self.expect(answer, 200)
            person.phones = {phone}

    def activate(self, dice: random.Random) -> None:
        person, library_id = self.somebody(dice), dice.choice(LIBRARIES)
        if person is not None and len(person.libraries) < 3:
            path, sent = f"/patrons/{person.card_number}/activation", {"rules_accepted": True, "papers": PAPERS}
            answer = self.until_answered("POST", path, library_id=library_id, json=sent)
            # A library names papers ten times an hour.
            self.expect(answer, 200, 429)
            if answer.status_code == 200:
                person.libraries.add(library_id)

    def erase(self, dice: random.Random) -> None:
        person = self.somebody(dice)
        if person is None:
            return
        home = self.until_answered("GET", f"/patrons/{person.card_number}", library_id=min(person.libraries))
        library_id = home.json()["home_library_id"]
        if self.done[f"erased at {library_id}"] >= 40 // CLIENTS:
            # A library may erase fifty in a day.
            return
        self.done[f"erased at {library_id}"] += 1
        person.is_erased = None
        answer = self.until_answered("DELETE", f"/patrons/{person.card_number}", library_id=library_id)
        # Gone already: the first time there was no answer.
        self.expect(answer, 200, 410)
        person.is_erased = True

    def somebody(self, dice: random.Random) -> Person | None:
        there = [person for person in self.people if not person.is_erased]
        return dice.choice(there) if there else None

    def expect(self, answer: httpx.Response, *statuses: int) -> None:
        self.done[f"{answer.request.method} {answer.status_code}"] += 1
        if answer.status_code not in statuses:
            self.wrong.append(f"{answer.request.method} was answered {answer.status_code}: {answer.text}")

    def until_answered(self, method: str, path: str, **sent: Any) -> httpx.Response:
        ends = monotonic() + _LONGEST_SECONDS
        while (answer := self.ask(method, path, **sent)) is None:
            if monotonic() > ends:
                raise NotAnswered(method)
            sleep(0.01)
        return answer

    def ask(self, method: str, path: str, *, library_id: str, **sent: Any) -> httpx.Response | None:
        """Return the answer, or None where the line broke before there was one."""
        try:
            return self.http.request(method, f"{self.url}/api/v1{path}", auth=(library_id, PASSWORD), **sent)
        except httpx.TransportError:
            self.done["broke"] += 1
            return None


def national_id(number: int) -> str:
    """Return a synthetic number (month + 80) for each number from 0 on."""
    first_weights, second_weights = (3, 7, 6, 1, 8, 9, 4, 5, 2), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    day, month, year = 1 + number // 500 % 28, 81 + number // 14_000 % 12, 50 + number // 168_000 % 49
    # Of a thousand serial numbers about five in six have check digits.
    for serial in range(number % 500, 1000, 500):
        digits = [int(digit) for digit in f"{day:02d}{month:02d}{year:02d}{serial:03d}"]
        first = -sum(w * d for w, d in zip(first_weights, digits, strict=True)) % 11
        second = -sum(w * d for w, d in zip(second_weights, [*digits, first], strict=True)) % 11
        if first < 10 and second < 10:
            return "".join(map(str, [*digits, first, second]))
    return national_id(number + 168_000)
