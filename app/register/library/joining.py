"""What proves that a patron joins a library, when its system says so: their card or PIN there, or papers."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import exists, select

from app.register.limits.budgets import take_tries
from app.register.limits.unusual import Kind, count_act
from app.register.log.access_log import Viewer
from app.register.messages.outbox import ask_where_reached_now
from app.register.patron.card_status import is_taken_at
from app.register.patron.numbers import PatronGone, is_gone
from app.register.patron.patrons import NoSuchPatron, NotJoined
from app.register.patron.presence import LONGEST_SESSION, has_joined, was_present
from app.register.sign_in.pin_checks import enter_pin
from app.register.store.transaction import autonomous
from app.register.tables.devices import PresentedStep
from app.register.tables.patrons import DeskVisit, Patron
from app.rules.card.number import parse_card_number
from app.rules.messages import JOINED_BY_PROOF
from app.rules.pins.pin import Budget

BY_PAPERS: Final = Budget("joins by papers", limit=10, seconds=3600)
"""The system only says that papers were seen: this limits a stolen login."""
KINDS_OF_PAPERS: Final = ("passport", "identity card", "driving licence", "residence permit", "other papers")


class ProofMissing(NotJoined):
    """Nothing proves that the patron wants to join: no scan, no right PIN, no papers."""

    code = "proof-missing"


class Proof(StrEnum):
    """By what a patron joins: the card's code, the PIN, papers; `MEMBER` joined before. The access log's words."""

    MEMBER = "activate"
    SCAN = "activate by scan"
    PIN = "activate by PIN"
    PAPERS = "activate by papers"


@dataclass(frozen=True, slots=True)
class Papers:
    """Which KINDS_OF_PAPERS were seen, and who at the library saw them."""

    kind: str
    seen_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a library's system sends as proof. A session must be the patron's, and not expired."""

    session: str | None = None
    pin: str | None = None
    papers: Papers | None = None


def prove_joining(*, card_number: str, shown: Shown, viewer: Viewer, library_id: str, now: datetime) -> Proof:
    """Return what proves that the patron joins; without `shown`, a recent scan, visit or right PIN at the library does.

    Raises NotACardNumber, NoSuchPatron, PatronGone, ProofMissing, TooManyAttempts or AccessNotLogged.
    """
    number = parse_card_number(card_number)
    row = _read(number, session=shown.session, library_id=library_id, now=now)
    if row is None:
        raise PatronGone if is_gone(number) else NoSuchPatron
    if row.joined:
        return Proof.MEMBER
    proof = None
    if row.named if shown.session is not None else row.was_present:
        proof = Proof.SCAN
    elif shown.pin is not None and enter_pin(
        card_number=number, pin=shown.pin, viewer=viewer, library_id=library_id, now=now
    ):
        proof = Proof.PIN
    elif shown.papers is not None:
        take_tries(tries=[(BY_PAPERS, library_id)], now=now)
        proof = Proof.PAPERS
    if proof is None:
        raise ProofMissing
    count_act(Kind.ACTIVATION, library_id=library_id, now=now)
    return proof


def notify_joined(*, patron: Patron, proof: Proof, now: datetime) -> None:
    """Send the patron a message of a proof that somebody else may have given."""
    if proof in (Proof.PIN, Proof.PAPERS):
        ask_where_reached_now(patron=patron, kind=JOINED_BY_PROOF, now=now)


def _read(number: str, *, session: str | None, library_id: str, now: datetime) -> Any:  # noqa: ANN401 - a row
    of_patron = [
        exists().where(
            opened.session == (session or ""),
            opened.patron_id == Patron.id,
            opened.library_id == library_id,
            opened.expires_at > now,
            opened.expires_at <= now + LONGEST_SESSION,
        )
        for opened in (PresentedStep, DeskVisit)
    ]
    facts = (has_joined(library_id), was_present(library_id, now=now), of_patron[0] | of_patron[1])
    labelled = [fact.label(name) for fact, name in zip(facts, ("joined", "was_present", "named"), strict=True)]
    with autonomous() as connection:
        return connection.execute(
            select(*labelled).where(Patron.card_number == number, is_taken_at(library_id))
        ).first()
