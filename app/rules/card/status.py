"""What a card is worth: one value with one order of precedence, which every reader and every act asks."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.rules.errors import RuleBroken

DEATH: Final = "death"
INACTIVE: Final = "inactive"
"""Why somebody is going to be erased: a library reported the death, or nobody used the card for three years."""
ACTIVE: Final = "active"
LOST: Final = "lost"
"""What patrons.card_state says."""


class State(StrEnum):
    """The states of a card, gravest first. A card that is in several is in the gravest of them."""

    DECEASED = "deceased"
    """Its holder is reported dead. Only the library that said so may take it back."""
    LOST = "lost"
    """Whoever shows it may be anybody. Finding the card, or a new one, ends that."""
    FROZEN = "frozen"
    """Its holder wants nothing of it used (GDPR art. 18), and alone ends that."""
    LOCAL = "local"
    """Another library is the only one that takes it: its holder opted out of the national card."""
    ACTIVE = "active"
    """It may be used."""


class CardRefused(RuleBroken):
    """The card is in a state in which this is not done; `state` is never ACTIVE. The code is such as `card-frozen`."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state
        self.code = f"card-{state}"


@dataclass(frozen=True, slots=True)
class CardStatus:
    """What is true of a card. `local_to` is the id of the only library that takes it; None: every library does."""

    dead: bool
    lost: bool
    frozen: bool
    local_to: str | None

    @property
    def state(self) -> State:
        """The state wherever the card is taken: a card of one library is active there."""
        if self.dead:
            return State.DECEASED
        if self.lost:
            return State.LOST
        return State.FROZEN if self.frozen else State.ACTIVE

    def at(self, library_id: str) -> State:
        """Return the state at one library, where a card that only another library takes is LOCAL."""
        if self.state is State.ACTIVE and not self.is_taken_at(library_id):
            return State.LOCAL
        return self.state

    def is_taken_at(self, library_id: str) -> bool:
        """Tell whether this library takes the card at all, in whatever state: a national one, or its own local one."""
        return self.local_to in (None, library_id)

    @property
    def is_local(self) -> bool:
        """Whether one library alone takes the card."""
        return self.local_to is not None

    def is_local_to(self, library_id: str) -> bool:
        """Tell whether this library alone takes the card."""
        return self.local_to == library_id

    @property
    def in_use(self) -> bool:
        """Whether the card may be used: lent on, shown, put on a phone or into a wallet, activated."""
        return self.state is State.ACTIVE

    @property
    def may_sign_in(self) -> bool:
        """Whether its holder may sign in. Who froze the card may, since nobody else thaws it."""
        return self.state in (State.FROZEN, State.ACTIVE)

    @property
    def at_rest(self) -> bool:
        """Whether nothing of it is used, changed or shown but the minimum: frozen, or its holder is reported dead.

        A lost card is not at rest: its holder needs another one, and pays and brings back what was lent on it.
        """
        return self.dead or self.frozen

    def check_in_use(self, library_id: str | None = None) -> None:
        """Raise CardRefused where the card may not be used, at that library or anywhere."""
        state = self.state if library_id is None else self.at(library_id)
        if state is not State.ACTIVE:
            raise CardRefused(state)

    def check_not_at_rest(self) -> None:
        """Raise CardRefused where the card is at rest. What is at rest and lost as well is refused as at rest."""
        if self.dead:
            raise CardRefused(State.DECEASED)
        if self.frozen:
            raise CardRefused(State.FROZEN)

    def check_holder_lives(self) -> None:
        """Raise CardRefused where the holder is reported dead."""
        if self.dead:
            raise CardRefused(State.DECEASED)
