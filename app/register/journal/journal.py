"""The journal of erasures: a file or a database apart from the register's, which is not part of its backups.

Lines are only added. Each is `<mac> <json>`: the HMAC (with a key from the vault) covers the line and the MAC before
it, so that a changed, missing or moved line is noticed. The lines contain keyed tokens, and without the vault's keys
nothing that identifies anybody: docs/adr/0010.
"""

import hmac
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.register.journal.stores import Adding, Store, open_store
from app.register.keys.vault import ERASURE_JOURNAL, Vault

_MAC_DIGITS = 64
_Facts = dict[str, Any]


class JournalDamaged(Exception):
    """A line of the journal was changed, removed or moved. The text says where."""


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a journal: its random name, and the number of its last entry."""

    journal: str
    seq: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An erased patron (UTC). `patron`, `numbers` (both under the key `key_id`) and `receipt` are keyed tokens."""

    id: str
    seq: int
    key_id: int
    patron: str
    numbers: tuple[str, ...]
    receipt: str
    reason: str
    erased_at: datetime


class Journal:
    """A journal in one of the stores. Several processes and machines may add to it at the same time."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def append(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Add entries that `write_entry` made, durably. Raises JournalUnreachable or JournalDamaged."""
        with self._store.adding() as adding:
            mac, last = self._last_of(adding.last_lines()) or ("", None)
            if last is None:
                last = {"journal": secrets.token_hex(16), "seq": 0, "key": self._vault.key_id}
                mac = self._add(adding, mac, last)
            for entry in entries:
                last = {"journal": last["journal"], "seq": last["seq"] + 1, **entry}
                mac = self._add(adding, mac, last)

    def tail(self) -> Place | None:
        """Return the end of the journal; None where there is none. Raises as `read` does."""
        last = self._last_of(self._store.last_lines())
        return Place(last[1]["journal"], last[1]["seq"]) if last is not None else None

    def read(self, *, after: int = -1) -> list[Entry]:
        """Return each entry after a number, oldest first. Raises JournalUnreachable or JournalDamaged.

        Where `after` is one of the last lines, what is before it is not read, nor checked.
        """
        found: dict[str, Entry] = {}
        for facts in self._read_checked(after=after):
            if facts["seq"] > after and "id" in facts:
                found.setdefault(facts["id"], _read_entry(facts))
        return list(found.values())

    def check_reached(self) -> None:
        """Raise JournalUnreachable where nothing can be added now."""
        with self._store.adding():
            pass

    def forget(self, *, until: datetime) -> int:
        """Remove the entries up to an instant, and return how many. Raises as `read` does."""
        with self._store.adding() as adding:
            facts = list(self._read_checked())
            old = [each for each in facts if "at" in each and datetime.fromisoformat(each["at"]) <= until]
            if not old:
                return 0
            # A header keeps the journal's name and number; the MACs of the other lines are made anew from it.
            head = {"journal": old[-1]["journal"], "seq": old[-1]["seq"], "key": self._vault.key_id}
            lines = [(head["seq"], self._write("", head))]
            for each in facts:
                if each["seq"] > head["seq"]:
                    lines.append((each["seq"], self._write(lines[-1][1][:_MAC_DIGITS], each)))
            adding.replace(lines)
            return len(old)

    def _lines_from(self, seq: int) -> Sequence[str]:
        """Return the lines from this number on where it is one of the last ones, else all of them."""
        if seq >= 0:
            lines = self._store.last_lines()
            for place, line in enumerate(lines):
                facts = _parse(line)
                if facts is not None and facts["seq"] == seq:
                    return lines[place:]
        return self._store.lines()

    def _read_checked(self, *, after: int = -1) -> Iterator[_Facts]:
        lines = self._lines_from(after)
        first = _parse(lines[0]) if lines else None
        # The line that others follow needs no check: it was the end once, and was checked as such.
        before, last = (lines[0][:_MAC_DIGITS], first) if first is not None and first["seq"] == after else ("", None)
        unread = 0
        for line in lines if last is None else lines[1:]:
            facts = _parse(line)
            if facts is None:
                # The half line of a killed writer: the next line follows the one before it.
                unread += 1
                continue
            in_order = last is None or (facts["journal"], facts["seq"]) == (last["journal"], last["seq"] + 1)
            if not in_order or not hmac.compare_digest(line[:_MAC_DIGITS], self._mac(before, line[_MAC_DIGITS + 1 :])):
                raise JournalDamaged(
                    f"The journal is damaged at entry {facts['seq']}: it does not follow. "
                    "Or VAULT_KEYS are not those that it was written with."
                )
            unread, before, last = 0, line[:_MAC_DIGITS], facts
            yield facts
        if unread:
            raise JournalDamaged("The journal is damaged: its last line cannot be read.")

    def _last_of(self, lines: Sequence[str]) -> tuple[str, _Facts] | None:
        """Return the MAC and the facts of the last whole line."""
        for line in reversed(lines):
            facts = _parse(line)
            if facts is not None:
                return line[:_MAC_DIGITS], facts
        if lines:
            raise JournalDamaged("The journal is damaged: its last lines cannot be read.")
        return None

    def _add(self, adding: Adding, before: str, facts: _Facts) -> str:
        line = self._write(before, facts)
        adding.add(facts["seq"], line)
        return line[:_MAC_DIGITS]

    def _write(self, before: str, facts: _Facts) -> str:
        content = json.dumps(facts, separators=(",", ":"), sort_keys=True)
        return f"{self._mac(before, content)} {content}"

    def _mac(self, before: str, content: str) -> str:
        try:
            key_id = json.loads(content)["key"]
            return self._vault.mac(f"{before} {content}".encode(), purpose=ERASURE_JOURNAL, key_id=key_id).hex()
        except KeyError:
            raise JournalDamaged("The journal names a key that is not in VAULT_KEYS.") from None


def open_journal(address: str, vault: Vault) -> Journal:
    """Return the journal at a path or at a database's URL. Nothing is opened or made before it is needed."""
    return Journal(open_store(address), vault)


def write_entry(*, patron: str, numbers: Sequence[str], receipt: str, reason: str, at: datetime, key_id: int) -> _Facts:
    """Return an entry with a random id, to be added to a journal. `patron`, `numbers`, `receipt`: keyed tokens."""
    entry: _Facts = {"id": secrets.token_hex(16), "at": at.isoformat(), "key": key_id}
    return entry | {"numbers": sorted(numbers), "patron": patron, "reason": reason, "receipt": receipt}


def _read_entry(facts: _Facts) -> Entry:
    same = {name: facts[name] for name in ("id", "seq", "patron", "receipt", "reason")}
    erased_at = datetime.fromisoformat(facts["at"])
    return Entry(**same, key_id=facts["key"], numbers=tuple(facts["numbers"]), erased_at=erased_at)


def _parse(line: str) -> _Facts | None:
    """Return what a line says; None if it is not whole."""
    try:
        bytes.fromhex(line[:_MAC_DIGITS])
        facts = json.loads(line[_MAC_DIGITS + 1 :])
    except ValueError:
        return None
    is_whole = line[_MAC_DIGITS : _MAC_DIGITS + 1] == " " and isinstance(facts, dict) and "seq" in facts
    return facts if is_whole else None
