"""The status of a card: one value with one order of precedence, for every reader and every act."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.rules.errors import RuleBroken

DEATH: Final = "death"
INACTIVE: Final = "inactive"
"""Why a patron is to be erased: a library reported the death, or the card was not used for three years."""
ACTIVE: Final = "active"
LOST: Final = "lost"
"""The values of patrons.card_state."""


class State(StrEnum):
    """The states of a card, gravest first. A card that is in several is in the gravest of them."""

    DECEASED = "deceased"
    """Its holder is reported dead. Only the library that reported it may withdraw that."""
    LOST = "lost"
    """Anybody may have it. It ends when the card is found or replaced."""
    FROZEN = "frozen"
    """Its holder has restricted its use (GDPR art. 18), and alone ends that."""
    LOCAL = "local"
    """Only another library takes it: its holder opted out of the national card."""
    ACTIVE = "active"
    """It may be used."""


class CardRefused(RuleBroken):
    """The card's state forbids this. `state` is never ACTIVE; the code is `card-frozen`, for example."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state
        self.code = f"card-{state}"


@dataclass(frozen=True, slots=True)
class CardStatus:
    """The status of a card. `local_to` is the id of the only library that takes it; None: every library does."""

    dead: bool
    lost: bool
    frozen: bool
    local_to: str | None

    @property
    def state(self) -> State:
        """The state at a library that takes the card."""
        if self.dead:
            return State.DECEASED
        if self.lost:
            return State.LOST
        return State.FROZEN if self.frozen else State.ACTIVE

    def at(self, library_id: str) -> State:
        """Return the state at a library; LOCAL where only another one takes the card."""
        if self.state is State.ACTIVE and not self.is_taken_at(library_id):
            return State.LOCAL
        return self.state

    def is_taken_at(self, library_id: str) -> bool:
        """Tell whether this library takes the card at all: it is a national one, or the library's own local one."""
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
        """Whether the card may be used for loans, shown, put on a phone or into a wallet, or activated."""
        return self.state is State.ACTIVE

    @property
    def may_sign_in(self) -> bool:
        """Whether its holder may sign in, also to thaw a frozen card."""
        return self.state in (State.FROZEN, State.ACTIVE)

    @property
    def at_rest(self) -> bool:
        """Whether its data is not used, changed or shown beyond the minimum: frozen, or its holder reported dead.

        A lost card is not at rest: its holder replaces it, returns loans and pays fees.
        """
        return self.dead or self.frozen

    def check_in_use(self, library_id: str | None = None) -> None:
        """Raise CardRefused where the card may not be used, at that library or anywhere."""
        state = self.state if library_id is None else self.at(library_id)
        if state is not State.ACTIVE:
            raise CardRefused(state)

    def check_not_at_rest(self) -> None:
        """Raise CardRefused where the card is at rest; one that is frozen and lost is refused as frozen."""
        self.check_holder_lives()
        if self.frozen:
            raise CardRefused(State.FROZEN)

    def check_holder_lives(self) -> None:
        """Raise CardRefused where the holder is reported dead."""
        if self.dead:
            raise CardRefused(State.DECEASED)
