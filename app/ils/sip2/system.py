"""A library's system by SIP2, which nearly all of them speak (3M Standard Interchange Protocol, version 2.00).

A family is one connection. No PIN is ever sent. SIP2 itself hides nothing: use TLS, or a tunnel and `tls = false`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from app.ils.budget import BUDGET_SECONDS, Budget, call_within, utc_now
from app.ils.guard import Guard
from app.ils.port import Account, Loan, Place, Refused, Renewal, T
from app.ils.sip2.session import Session
from app.ils.sip2.wire import Sip2Settings


@dataclass(eq=False, repr=False, kw_only=True)
class Sip2System:
    """One SIP2 server. Fulfils LibrarySystem; safe to share between threads, each call has a connection of its own."""

    settings: Sip2Settings
    seconds: float = BUDGET_SECONDS
    clock: Callable[[], datetime] = utc_now
    guard: Guard = field(default_factory=Guard)

    def accounts(self, *, card_numbers: Sequence[str]) -> list[Account]:
        """See LibrarySystem."""
        asked = list(dict.fromkeys(card_numbers))
        return self._in_session(lambda session: session.accounts(asked)) if asked else []

    def renew(self, *, card_number: str, loan_id: str) -> Loan:
        """See LibrarySystem."""
        return self._in_session(lambda session: session.renew(card_number, loan_id))

    def renew_all(self, *, card_number: str) -> list[Renewal]:
        """See LibrarySystem. Perhaps a message for each loan, so it may take three times as long as others."""
        return self._in_session(lambda session: session.renew_all(card_number), times=3)

    def cancel_hold(self, *, card_number: str, hold_id: str) -> None:
        """See LibrarySystem."""
        self._in_session(lambda session: session.cancel_hold(card_number, hold_id))

    def pause_hold(self, *, card_number: str, hold_id: str, first: date, last: date) -> None:
        """See LibrarySystem. SIP2 has no such message."""
        raise Refused("cannot_pause")

    def resume_hold(self, *, card_number: str, hold_id: str) -> None:
        """See LibrarySystem. SIP2 has no such message."""
        raise Refused("cannot_pause")

    def pickup_places(self, *, card_number: str, hold_id: str) -> list[Place]:
        """See LibrarySystem. SIP2 does not tell them."""
        return []

    def move_hold(self, *, card_number: str, hold_id: str, place_id: str) -> None:
        """See LibrarySystem. SIP2 does not tell where to."""
        raise Refused("cannot_move")

    def version(self) -> str:
        """See LibrarySystem. SIP2 tells the version of the protocol alone."""
        return self._in_session(Session.version)

    def _in_session(self, act: Callable[[Session], T], *, times: int = 1) -> T:
        def run(budget: Budget) -> T:
            with Session(settings=self.settings, now=self.clock(), budget=budget) as session:
                return act(session)

        return call_within(times * self.seconds, run, guard=self.guard)
