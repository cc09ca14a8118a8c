"""Writing rules: one draft a library, published for a day. Each change names the revision that its author has seen.

A change never reaches back: the earliest day is today, and no rules are published for a day before others that stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import update

from circulation.errors import Refused
from circulation.lending.transaction import Transaction
from circulation.policy.library import Policy, policy_view, read_policy
from circulation.policy.toml_file import PolicyError
from circulation.rulebook.tables import PolicyDraft, PolicyVersion
from circulation.rulebook.versions import list_versions

# Debts, days and the database are the library's in these: another value would change what is past.
_FIXED = ("currency", "time_zone")

# What bytes that are no UTF-8 become where a file is read, and what Windows writes before some files.
_NO_UTF8, _BOM = "\N{REPLACEMENT CHARACTER}", "\N{ZERO WIDTH NO-BREAK SPACE}"


def current_draft(tx: Transaction) -> PolicyDraft:
    """The draft as it is; one that was never written has revision 0 and no text."""
    return tx.session.get(PolicyDraft, 1) or PolicyDraft(id=1, revision=0)


def read_draft(tx: Transaction) -> Policy:
    """The draft as a policy. Refused: no_draft, bad_rules (the program refuses today what it took before)."""
    toml = current_draft(tx).toml
    if toml is None:
        raise Refused("no_draft")
    return check(tx, toml)


def check(tx: Transaction, toml: str) -> Policy:
    """Read a text as rules for this library. Refused: bad_rules, with the line, the key and what is wrong there, and
    `others` if more is wrong."""
    try:
        if (broken := toml.find(_NO_UTF8)) >= 0:
            line = toml.count("\n", 0, broken) + 1
            raise Refused("bad_rules", key="", line=line, fault="the file is not UTF-8")
        policy = read_policy(toml.removeprefix(_BOM), library=tx.rules.library)
    except PolicyError as error:
        first, *others = [{"key": each.key, "line": each.line, "fault": each.fault} for each in (error, *error.others)]
        raise Refused("bad_rules", **first, others=others) from None
    for name, new, old in zip(
        _FIXED, (policy.currency, policy.zone.key), (tx.rules.currency, tx.rules.zone.key), strict=True
    ):
        if new != old:
            raise Refused("bad_rules", key=name, line=1, fault=f"must stay {old!r}")
    return policy


def save_draft(*, tx: Transaction, revision: int, toml: str) -> None:
    """Write the draft, in the place of the one before. Refused: bad_rules, changed_meanwhile."""
    _change(tx, revision, check(tx, toml).toml)


def discard_draft(*, tx: Transaction, revision: int) -> None:
    """Drop the draft. Refused: no_draft, changed_meanwhile."""
    _change(tx, revision, None)


def publish(*, tx: Transaction, revision: int, valid_from: date, note: str) -> PolicyVersion:
    """Let the draft hold from a day, today or later. Refused: no_draft, bad_rules, changed_meanwhile, nothing_changed,
    date_in_past, later_rules (for a day before rules that stand; withdraw those first)."""
    draft = read_draft(tx)
    _change(tx, revision, None)
    if valid_from < tx.today:
        raise Refused("date_in_past", field="valid_from")
    if valid_from < tx.rules.valid_from:
        raise Refused("later_rules")
    if policy_view(draft) == policy_view(tx.rules):
        raise Refused("nothing_changed")
    versions = list_versions(session=tx.session, from_file=tx.rules)
    tx.session.add_all(versions)  # the file's, where it is not stored yet
    number = versions[-1].number + 1
    version = PolicyVersion(
        number=number, toml=draft.toml, valid_from=valid_from, published_by=tx.staff, published_at=tx.now, note=note
    )
    tx.session.add(version)
    tx.session.flush()
    return version


def withdraw(*, tx: Transaction, revision: int, number: int) -> None:
    """Take back rules that do not hold yet. Refused: unknown_version (also the withdrawn), in_force, changed_meanwhile,
    later_rules (others were published after them)."""
    versions: Sequence[PolicyVersion] = list_versions(session=tx.session, from_file=tx.rules)
    standing = [version for version in versions if version.withdrawn_at is None]
    version = next((each for each in standing if each.number == number), None)
    if version is None:
        raise Refused("unknown_version")
    if version.valid_from is None or version.valid_from <= tx.today:
        raise Refused("in_force")
    if version is not standing[-1]:
        raise Refused("later_rules")
    _change(tx, revision, current_draft(tx).toml)
    version.withdrawn_by, version.withdrawn_at = tx.staff, tx.now


def version_text(*, tx: Transaction, number: int) -> str:
    """The text of published rules. Refused: unknown_version."""
    versions = list_versions(session=tx.session, from_file=tx.rules)
    text = next((each.toml for each in versions if each.number == number), None)
    if text is None:
        raise Refused("unknown_version")
    return text


def _change(tx: Transaction, revision: int, toml: str | None) -> None:
    # Whoever changes something writes this row first: two at once wait for each other here.
    draft = current_draft(tx)
    if draft.revision != revision:
        raise Refused("changed_meanwhile", revision=draft.revision)
    by, at = (tx.staff, tx.now) if toml is not None else (None, None)
    if toml == draft.toml:
        by, at = draft.saved_by, draft.saved_at
    values = {"revision": revision + 1, "toml": toml, "saved_by": by, "saved_at": at}
    if revision == 0:
        tx.session.add(PolicyDraft(id=1, **values))
        tx.session.flush()
        return
    seen = update(PolicyDraft).where(PolicyDraft.id == 1, PolicyDraft.revision == revision).values(**values)
    done = tx.session.execute(seen.returning(PolicyDraft.id))
    if done.first() is None:
        raise Refused("changed_meanwhile")
    tx.session.expire_all()
