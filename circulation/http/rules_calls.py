"""What the library's administrators ask of its rules. Part of the list in calls.py.

A document has the tables and keys of a policy file; amounts are in the smallest unit.
"""

from __future__ import annotations

import tomllib
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, StrictInt, StrictStr

from circulation.errors import Refused
from circulation.http.calls import Answer, Call
from circulation.http.forms import Day, Text
from circulation.lending.overview import pick
from circulation.lending.transaction import Transaction
from circulation.policy.library import policy_view
from circulation.rulebook import changing
from circulation.rulebook.comparing import DAYS_LATE, compare
from circulation.rulebook.told_hours import as_read_on, with_hours
from circulation.rulebook.versions import list_versions, states
from circulation.rulebook.writing import write_toml

Revision = Annotated[StrictInt, Field(ge=0, le=2**31 - 1)]
Number = Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]
_SIGNED: Final = ("published_by", "published_at", "note", "withdrawn_by", "withdrawn_at")


# A document, and what it becomes: the text of a file.
Document = Annotated[dict[str, Any], AfterValidator(write_toml)]


def show_state(tx: Transaction) -> Answer:
    """What was published, newest first, and whether there is a draft. `revision` goes with every change. `hours_told`:
    the hours that the library told the public hold today in place of those in the rules."""
    versions, draft = list_versions(session=tx.session, from_file=tx.rules), changing.current_draft(tx)
    seen = zip(versions, states(versions, tx.today), strict=True)
    listed = [{**pick(each, "number", "valid_from", *_SIGNED), "state": state} for each, state in seen]
    written = pick(draft, "saved_by", "saved_at") if draft.toml is not None else None
    told = tx.rules.calendar.hours
    return {
        "today": tx.today,
        "revision": draft.revision,
        "draft": written,
        "versions": listed[::-1],
        "hours_told": told is not None and told.week_on(tx.today) is not None,
    }


def show_rules(tx: Transaction, number: Annotated[StrictInt, Field(ge=0, le=2**31 - 1)]) -> Answer:
    """Published rules, or with number 0 the draft: as a file, as its document, and as patrons see them."""
    text = changing.version_text(tx=tx, number=number) if number else None
    policy = changing.check(tx, text) if text is not None else changing.read_draft(tx)
    as_read = as_read_on(with_hours(policy, tx.rules.calendar.hours), tx.today)
    return {"toml": policy.toml, "document": tomllib.loads(policy.toml), "rules": policy_view(as_read)}


def save_draft(
    tx: Transaction,
    revision: Revision,
    document: Document | None = None,
    toml: StrictStr | None = None,
    number: Number | None = None,
) -> Answer:
    """Write the draft: from a document, from a file, or from what was published once."""
    given = [name for name, value in (("document", document), ("toml", toml), ("number", number)) if value is not None]
    if len(given) != 1:
        raise Refused("invalid_field", field=given[1] if given else "document")
    text = document if document is not None else toml
    if number is not None:
        text = changing.version_text(tx=tx, number=number)
    changing.save_draft(tx=tx, revision=revision, toml=str(text))
    return show_state(tx)


def discard_draft(tx: Transaction, revision: Revision) -> Answer:
    """Drop the draft."""
    changing.discard_draft(tx=tx, revision=revision)
    return show_state(tx)


def compare_draft(tx: Transaction, valid_from: Day) -> Answer:
    """What the draft would mean for the loans that are out."""
    found = compare(tx=tx, draft=changing.read_draft(tx), valid_from=valid_from)
    return {"days_late": DAYS_LATE, **pick(found, *found.__slots__)}


def publish(tx: Transaction, revision: Revision, valid_from: Day, note: Text | None = None) -> Answer:
    """Let the draft hold from a day."""
    version = changing.publish(tx=tx, revision=revision, valid_from=valid_from, note=note or "")
    return {"number": version.number, "valid_from": version.valid_from}


def withdraw(tx: Transaction, revision: Revision, number: Number) -> Answer:
    """Take back rules that do not hold yet."""
    changing.withdraw(tx=tx, revision=revision, number=number)
    return show_state(tx)


RULES_CALLS: Final = {
    "rules/state": Call(show_state, writes=False),
    "rules/show": Call(show_rules, writes=False),
    "rules/draft": Call(save_draft),
    "rules/discard": Call(discard_draft),
    "rules/compare": Call(compare_draft, writes=False),
    "rules/publish": Call(publish),
    "rules/withdraw": Call(withdraw),
}
