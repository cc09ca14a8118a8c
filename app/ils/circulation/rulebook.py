"""The rules of a library that runs our circulation, over time: a draft, what was published, and for which days.

A document has the tables and keys of a policy file, with amounts in the smallest unit. Every change names the
`revision` that its author has seen, and is Refused: changed_meanwhile where there was another since.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import Field

from app.ils.policy import LibraryRules
from app.ils.port import T
from app.ils.reading import Day, Flag, Instant, MaybeText, Number, Text

DRAFT: Final = 0
"""The draft, where a number of published rules is asked for."""
_Count = Annotated[Number, Field(default=0)]


@dataclass(frozen=True, slots=True)
class Version:
    """Rules that were published. Those of number 1 were the library's file: no day, nobody's name.

    `state`: "coming", "in_force", "past", "withdrawn", or "replaced" by others for the same day.
    """

    number: Number
    state: Literal["coming", "in_force", "past", "withdrawn", "replaced"]
    valid_from: Day | None
    published_by: MaybeText
    published_at: Instant | None
    note: MaybeText
    withdrawn_by: MaybeText
    withdrawn_at: Instant | None


@dataclass(frozen=True, slots=True)
class Draft:
    """Who wrote the draft, and when."""

    saved_by: Text
    saved_at: Instant


@dataclass(frozen=True, slots=True)
class RulebookState:
    """What there is on the library's day `today`: the draft, if there is one, and the versions, newest first.

    `hours_told`: the opening hours that the library told the public hold, in place of those in the rules.
    """

    today: Day
    revision: Number
    draft: Draft | None
    versions: tuple[Version, ...]
    hours_told: Annotated[Flag, Field(default=False)] = False

    @property
    def newest(self) -> Version:
        """The last that stands, perhaps for a day to come."""
        return next(version for version in self.versions if version.state != "withdrawn")

    def before(self, number: int) -> Version | None:
        """What stood when the rules with this number were published; None before the first."""
        older = (version for version in self.versions if version.number < number)
        return next((version for version in older if version.state != "withdrawn"), None)

    @property
    def in_force(self) -> Version:
        """What holds today."""
        return next(version for version in self.versions if version.state == "in_force")


@dataclass(frozen=True, slots=True)
class WrittenRules:
    """Rules as a file, as its document, and as patrons read them."""

    toml: Annotated[str, Field(strict=True)]
    document: dict[str, Any]
    rules: LibraryRules


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a draft would mean, counted.

    Of the `loans` out now: how many would have another due date if they were lent under the draft (they keep theirs);
    would cost more or less if they came back `days_late` days late; would be billed more or less if they never came
    back, and cost more or less if they were lost; could be renewed no more, or again; and of how many reminders would
    be sent on other days. Of the cards: how many would be blocked by what they owe today, or no longer, and have more
    holds than the draft allows. `copies`: how many could be lent no more. `holds_kept_otherwise`: how many in the queue
    would be kept ready for another time. Interlibrary requests that would be refused if they were made then, and that
    would cost more or less. Agreements that would not count, or count again. Settled debts and entries of the door that
    would be forgotten on the draft's day.
    """

    loans: Number
    due_otherwise: Number
    dearer: Number
    cheaper: Number
    cards_blocked: Number
    cards_freed: Number
    copies: Number
    days_late: Number
    # An older building does not count these.
    billed_more: _Count = 0
    billed_less: _Count = 0
    lost_dearer: _Count = 0
    lost_cheaper: _Count = 0
    renewable_no_more: _Count = 0
    renewable_again: _Count = 0
    reminded_otherwise: _Count = 0
    holds_above: _Count = 0
    holds_kept_otherwise: _Count = 0
    requests_refused: _Count = 0
    requests_dearer: _Count = 0
    requests_cheaper: _Count = 0
    debts_forgotten: _Count = 0
    agreements_ended: _Count = 0
    agreements_again: _Count = 0
    entries_forgotten: _Count = 0


@dataclass(frozen=True, slots=True)
class Published:
    """What a draft has become."""

    number: Number
    valid_from: Day


class Ask(Protocol):
    """A call to the building (CirculationSystem.ask)."""

    def __call__(self, kind: type[T], method: str, call: str, member: str = "", body: object = None) -> T:
        """Return the answer as `kind`."""


class Rulebook:
    """Calls of one library. `staff` is the user name of the administrator who asks. Each may raise Unavailable."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def state(self, *, staff: str) -> RulebookState:
        """Return what there is."""
        return self._post(RulebookState, "state", staff)

    def show(self, *, number: int, staff: str) -> WrittenRules:
        """Return published rules, or the DRAFT. Refused: unknown_version, no_draft, bad_rules."""
        return self._post(WrittenRules, "show", staff, number=number)

    def save_draft(
        self,
        *,
        revision: int,
        staff: str,
        document: Mapping[str, object] | None = None,
        toml: str | None = None,
        number: int | None = None,
    ) -> RulebookState:
        """Write the draft from a document, a file, or what was published: one of them. BadRules, or Refused:
        changed_meanwhile, unknown_version."""
        given = {"document": document, "toml": toml, "number": number}
        source = {name: value for name, value in given.items() if value is not None}
        return self._post(RulebookState, "draft", staff, revision=revision, **source)

    def discard_draft(self, *, revision: int, staff: str) -> RulebookState:
        """Drop the draft. Refused: changed_meanwhile."""
        return self._post(RulebookState, "discard", staff, revision=revision)

    def compare(self, *, valid_from: date, staff: str) -> Comparison:
        """Count what the draft would mean from a day. Refused: no_draft, date_in_past, invalid_field (too far)."""
        return self._post(Comparison, "compare", staff, valid_from=valid_from.isoformat())

    def publish(self, *, revision: int, valid_from: date, note: str, staff: str) -> Published:
        """Let the draft hold from a day. Refused: changed_meanwhile, no_draft, nothing_changed, date_in_past,
        later_rules (others are published for a later day), invalid_field (too far)."""
        said = {"note": note} if note else {}
        day = valid_from.isoformat()
        return self._post(Published, "publish", staff, revision=revision, valid_from=day, **said)

    def withdraw(self, *, revision: int, number: int, staff: str) -> RulebookState:
        """Take back rules that do not hold yet. Refused: changed_meanwhile, unknown_version, in_force, later_rules."""
        return self._post(RulebookState, "withdraw", staff, revision=revision, number=number)

    def _post(self, kind: type[T], call: str, staff: str, /, **body: object) -> T:
        return self._ask(kind, "POST", f"rules/{call}", body={**body, "role": "staff", "staff": staff})
