"""A model of the spray: wrong PINs on each of many cards, from many addresses, within a day, against the real sign-in.

    ./manage bench spray [--guesses 1000000]

Each honest sign-in goes through `sign_in` with its budgets, on a register in SQLite; the clock is turned, so a day
takes as long as the statements do. A guess takes its tries from the same budgets, and whether its PIN would have been
right is looked up; where `budgets_only` is false it goes through `sign_in` too. Argon2id has its smallest parameters,
since it changes no answer, and nothing waits for a disk. An attacker with an IPv6 site (a /48) comes from another /64
of it each time.
"""

import random
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from passlib.hash import argon2
from sqlalchemy import event, text

from app.register.keys import vault as vault_module
from app.register.keys.vault import vault
from app.register.limits.budgets import TooManyAttempts, take_tries
from app.register.log.access_log import Viewer
from app.register.sign_in.pin_checks import check_pin
from app.register.sign_in.pins import Origin, ProofNeeded, SignInRefused, sign_in, tries_of_sign_in
from app.register.store.transaction import db
from app.rules.pins.pin import ALL
from app.rules.pins.pin_choice import COMMON
from bench.people import LIBRARY_ID, card_number, fill_register, make_portal

CHEAP_ARGON2 = argon2.using(type="ID", memory_cost=8, time_cost=1, parallelism=1)
START = datetime(2026, 11, 29, tzinfo=UTC)
_DAY = timedelta(days=1)
_VERIFIERS = 500
_WITHOUT_ADDRESS = 0.15
_MISTYPE = 0.15
_REPORT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spray:
    """What is modelled. `honest` people sign in on new devices, a tenth of them from an attacker's address."""

    guesses: int = 1_000_000
    ipv4: int = 1_000
    sites: int = 1_000
    people: int = 20_000
    honest: int = 2_000
    kiosk: int = 2_000
    days: float = 1.0
    budgets_only: bool = True
    seed: int = 20261129


@dataclass(slots=True)
class Figures:
    """What came of it: outcomes of guesses, of honest sign-ins elsewhere and beside an attacker, and at a kiosk."""

    guesses: Counter[str] = field(default_factory=Counter)
    honest: Counter[str] = field(default_factory=Counter)
    beside: Counter[str] = field(default_factory=Counter)
    kiosk: Counter[str] = field(default_factory=Counter)
    opened_without_code: int = 0

    def __str__(self) -> str:
        return "\n".join(
            (
                f"guesses: {dict(self.guesses)}; right ones on cards without an address: {self.opened_without_code}",
                f"honest, new device, own source: {dict(self.honest)}",
                f"honest, new device, behind an attacker's address: {dict(self.beside)}",
                f"right PINs at a kiosk: {dict(self.kiosk)}",
            )
        )


class Model:
    """A register of many patrons with different PINs, and those who come to it. Needs an app context."""

    def __init__(self, spray: Spray) -> None:
        self.spray = spray
        self.random = random.Random(spray.seed)
        self._allowed = [pin for number in range(10_000) if (pin := f"{number:04d}") not in COMMON]
        self._pins = self.random.sample(self._allowed, _VERIFIERS)
        self._without = int(spray.people * _WITHOUT_ADDRESS)

    def fill(self) -> None:
        """Give the patrons their PINs; the first ones have neither e-mail address nor phone."""
        first = db.session.execute(text("SELECT min(id) FROM patrons")).scalar_one()
        for number, pin in enumerate(self._pins):
            asked = {"verifier": vault.hash_pin(pin), "all": _VERIFIERS, "number": number, "first": first}
            update = "UPDATE pin_verifiers SET verifier = :verifier WHERE (patron_id - :first) % :all = :number"
            db.session.execute(text(update), asked)
        few = {"last": first + self._without}
        db.session.execute(text("UPDATE patrons SET email = NULL, phone = NULL WHERE id < :last"), few)
        db.session.commit()

    def run(self) -> Figures:
        """Let everybody come in the order of time, and return what came of it."""
        figures, spray = Figures(), self.spray
        for done, (at, who, number) in enumerate(sorted(self._turns()), start=1):
            if done % _REPORT == 0:
                print(done, figures, sep="\n", flush=True)
            now = START + spray.days * at * _DAY
            if who == "guess":
                person, pin = self.random.randrange(spray.people), self.random.choice(self._allowed)
                guess = self._take if spray.budgets_only else self._sign_in
                outcome = guess(person, pin, self._attacker(number), now=now)
                figures.guesses[outcome] += 1
                figures.opened_without_code += outcome == "right" and person < self._without
            elif who == "honest":
                beside = number % 10 == 0
                address = self._attacker(number) if beside else f"10.{number >> 8}.{number & 255}.9"
                (figures.beside if beside else figures.honest)[self._come(address, now=now)] += 1
            else:
                figures.kiosk[self._check(now=now)] += 1
        return figures

    def _turns(self) -> Iterator[tuple[float, str, int]]:
        for who, number in (("guess", self.spray.guesses), ("honest", self.spray.honest), ("kiosk", self.spray.kiosk)):
            for each in range(number):
                yield self.random.random(), who, each

    def _attacker(self, number: int) -> str:
        """Return an attacker's address: IPv4 ones by turns, and sites, from another /64 each time."""
        which = number % (self.spray.ipv4 + self.spray.sites)
        if which < self.spray.ipv4:
            return f"198.{18 + (which >> 16)}.{which >> 8 & 255}.{which & 255}"
        return f"2001:db8:{which - self.spray.ipv4:x}:{self.random.randrange(65536):x}::1"

    def _pin_of(self, person: int) -> str:
        return self._pins[person % _VERIFIERS]

    def _come(self, address: str, *, now: datetime) -> str:
        """Sign in on a new device, now and then after a mistyped PIN."""
        person = self.random.randrange(self.spray.people)
        if self.random.random() < _MISTYPE:
            self._sign_in(person, "0000", address, now=now)
        return self._sign_in(person, self._pin_of(person), address, now=now)

    def _sign_in(self, person: int, pin: str, address: str, *, now: datetime) -> str:
        try:
            sign_in(card_number=card_number(person + 1), pin=pin, origin=Origin(address=address), now=now)
        except SignInRefused:
            return "wrong"
        except ProofNeeded:
            return "asked for more"
        except TooManyAttempts:
            return "refused"
        finally:
            db.session.rollback()
        return "right"

    def _take(self, person: int, pin: str, address: str, *, now: datetime) -> str:
        origin = Origin(address=address)
        try:
            take_tries(tries=tries_of_sign_in(card=card_number(person + 1), device_id=None, origin=origin), now=now)
        except TooManyAttempts as refusal:
            return "asked for more" if refusal.purpose == ALL.purpose else "refused"
        return "right" if pin == self._pin_of(person) else "wrong"

    def _check(self, *, now: datetime) -> str:
        person = self.random.randrange(self.spray.people)
        viewer = Viewer(role="kiosk", actor="bench-kiosk", library_id=LIBRARY_ID)
        number, pin = card_number(person + 1), self._pin_of(person)
        try:
            right = check_pin(card_number=number, pin=pin, viewer=viewer, library_id=LIBRARY_ID, now=now)
        except TooManyAttempts:
            return "refused"
        return "right" if right else "wrong"


def run_spray(spray: Spray, folder: Path) -> Figures:
    """Make a register in the folder and run the model over it."""
    vault_module.ARGON2ID = CHEAP_ARGON2
    url = f"sqlite:///{folder / 'spray.sqlite'}"
    fill_register(url, people=spray.people)
    with make_portal(url).app_context():
        event.listen(db.engine, "connect", _hurry)
        model = Model(spray)
        model.fill()
        return model.run()


def _hurry(connection: sqlite3.Connection, _record: object) -> None:
    # Nobody needs this register after the model, so nothing waits for a disk.
    for pragma in ("synchronous=OFF", "secure_delete=OFF"):
        connection.execute(f"PRAGMA {pragma}")


def bench_spray(spray: Spray) -> None:
    """Run the model and print what came of it."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="lanekort-spray-", dir=memory) as folder:
        figures = run_spray(spray, Path(folder))
    print(spray, figures, f"in {time.perf_counter() - began:,.0f} s", sep="\n", flush=True)
