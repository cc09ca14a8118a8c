"""The register of a drill, worked on by the program's own functions in this process, and scanned at over HTTP."""

import hashlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from app import create_app
from app.config import Settings, read_settings
from app.register.card.cards import issue_card, show_codes
from app.register.card.families import give_permission
from app.register.change.enrolment import enrol_patron
from app.register.leaving.erasure import erase_patron
from app.register.log.proofs import FIRST_LINK
from app.register.log.roots import make_root
from app.register.log.sealing import seal_all
from app.register.sign_in.devices import admit_device
from app.register.sign_in.pins import set_pin
from app.register.store.transaction import autonomous, db, reading, writing
from app.register.tables.columns import Base
from app.register.tables.log import AccessLogEntry, AccessLogHead
from app.register.tables.patrons import Patron
from app.rules.people.contact import Contact
from app.work.log_keeping import keep_roots
from bench.access_log import write_lines
from bench.load import Answer, NoAnswer, send_one, write_request
from drills.restoring.machine import Machine

_STARTS_WITHIN = 60
_FAMILY = 3


def settings_on(machine: Machine, database_url: str) -> dict[str, str]:
    """Return the portal's settings on a machine, with the keys of the registers that are made for measuring."""
    return {
        "DATABASE_URL": database_url,
        "SECRET_KEY": secrets.token_hex(32),
        "VAULT_KEYS": f"1:{hashlib.sha256(b'bench').hexdigest()}",
        "ERASURE_JOURNAL": str(machine.path("/srv/journal/erasures.journal")),
        "ACCESS_LOG_ROOTS": str(machine.path("/srv/roots")),
        "PUBLIC_URL": "https://card.example.org",
        "SMTP_URL": "smtp://127.0.0.1",
        "MAIL_FROM": "card@example.org",
        "PROXIES": "1",
        "WEB_CONCURRENCY": "1",
    }


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the drill enrolled, with a device that shows the card."""

    id: int
    card_number: str
    device_id: int


class Register:
    """A register under the settings of production. `library_id` is where people are enrolled."""

    def __init__(self, settings: Mapping[str, str], *, library_id: str) -> None:
        self._library_id = library_id
        self._settings: Settings = read_settings(settings)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Work on the register within the block; afterwards no connection to it is left."""
        app = create_app(self._settings)
        with app.app_context():
            try:
                yield
            finally:
                db.session.remove()
                db.engine.dispose()

    def readiness(self) -> tuple[int, str]:
        """Return what `/readyz` answers in a process that starts now: its status, and its words."""
        app = create_app(self._settings)
        answer = app.test_client().get("/readyz")
        with app.app_context():
            db.engine.dispose()
        return answer.status_code, answer.get_data(as_text=True)

    def enrol(self, count: int, *, seed: str) -> list[Person]:
        """Enrol so many people by the program's own functions: a card, a device each, and families of three."""
        people: list[Person] = []
        while len(people) < count:
            # What fills a register gives numbers without noting that they are issued: one of them may be drawn.
            with suppress(IntegrityError), writing():
                people.append(self._enrol_one(len(people), seed=seed, earlier=people, now=datetime.now(UTC)))
        return people

    def _enrol_one(self, number: int, *, seed: str, earlier: Sequence[Person], now: datetime) -> Person:
        is_guardian = number % _FAMILY == 0
        enrolled = enrol_patron(
            library_id=self._library_id,
            name=f"Drill {seed} {number}",
            birth_date=date(1980, 1, 1) if is_guardian else date(2014, 5, 17),
            gender="unknown",
            contact=Contact(email=f"{seed}-{number}@example.org"),
            language="nb",
            national_id=None,
            guardian_consent=True,
            card_number=None,
            now=now,
        )
        patron_id = enrolled.patron_id
        device = admit_device(patron_id=patron_id, token=f"{seed} {number}", label="Firefox, Android", now=now)
        issue_card(patron_id=patron_id, device_id=device.id, expires_at=now + timedelta(days=90), now=now)
        if is_guardian:
            set_pin(patron_id=patron_id, pin="4719", now=now)
        else:
            guardian = earlier[number - number % _FAMILY]
            give_permission(patron_id=patron_id, guardian_card_number=guardian.card_number, now=now)
        return Person(patron_id, enrolled.card_number, device.id)

    def erase(self, people: Sequence[Person]) -> None:
        """Erase people as they would do themselves."""
        for person in people:
            with writing():
                erase_patron(patron_id=person.id, reason="asked", now=datetime.now(UTC))

    def left_of(self, people: Sequence[Person]) -> int:
        """Return how many of these people the register has."""
        ids = [person.id for person in people]
        with reading():
            return db.session.scalar(select(func.count()).where(Patron.id.in_(ids))) or 0

    def code_of(self, person: Person) -> str:
        """Return the 24 digits that the person's device shows now."""
        with reading():
            return show_codes(device_id=person.device_id, now=datetime.now(UTC))[0].digits

    def write_log(self, lines: int) -> None:
        """Fill the access log with lines that the register itself would have written, and seal them all. PostgreSQL."""
        with autonomous() as connection:
            connection.execute(text("TRUNCATE access_log, access_log_chain, access_log_removals, access_log_roots"))
            connection.execute(update(AccessLogHead).values(seq=0, link=FIRST_LINK, unproved_to=0, proof=None))
        write_lines(lines)
        self.seal()

    def take_log_over(self) -> None:
        """Seal lines of the access log that were made without a proof, as those are that are older than the chain."""
        with autonomous() as connection:
            newest = connection.execute(select(func.max(AccessLogEntry.id))).scalar_one()
            connection.execute(update(AccessLogHead).values(unproved_to=newest))
        self.seal()

    def seal(self, *, days: int = 0) -> None:
        """Seal the access log, and send its root to where roots are kept; that of `days` later than yesterday."""
        seal_all()
        if days:
            make_root(now=datetime.now(UTC) + timedelta(days=days))
        keep_roots()

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        with autonomous() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in Base.metadata.sorted_tables
            }


class Portal:
    """The portal that a machine serves at a port of the loopback address."""

    def __init__(self, port: int, *, kiosk: str) -> None:
        self._port = port
        self._kiosk = kiosk

    def readiness(self) -> tuple[int, str]:
        """Return what `/readyz` answers: its status, and its words. It may still be starting."""
        answer = self._ask(write_request("GET", "/readyz"))
        return answer.status, answer.body.decode()

    def wait_until_ready(self, *, seconds: float) -> bool:
        """Return whether `/readyz` says 200 within so many seconds."""
        end = time.monotonic() + seconds
        while not (is_ready := self.readiness()[0] == 200) and time.monotonic() < end:
            time.sleep(0.2)
        return is_ready

    def scan(self, code: str) -> str:
        """Show a code to the kiosk, and return what the portal says: `accepted`, or why not."""
        headers = {"Authorization": self._kiosk, "Content-Type": "application/json"}
        body = json.dumps({"payload": code}).encode()
        answer = self._ask(write_request("POST", "/api/v1/scan", headers=headers, body=body))
        return str(json.loads(answer.body)["result"]) if answer.status == 200 else str(answer.status)

    def _ask(self, request: bytes) -> Answer:
        end = time.monotonic() + _STARTS_WITHIN
        while True:
            try:
                return send_one(self._port, request)
            except (OSError, NoAnswer):
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
