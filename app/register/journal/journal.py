"""The journal of erasures: a file or a database apart from the register's, which outlives the register's backups.

Lines are only added. Each is `<mac> <json>`: the HMAC (a key from the vault) covers the line and the MAC before it, so
a line that is changed, left out or moved is noticed. There are keyed tokens in it, and nothing that says who it was
without the vault's keys: docs/adr/0010.
"""

import hmac
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.register.journal.stores import FileStore, JournalUnreachable, Store, TableStore
from app.register.keys.vault import ERASURE_JOURNAL, Vault

__all__ = ["Entry", "Journal", "JournalDamaged", "JournalUnreachable", "Place", "open_journal"]

DATABASES: Final = ("postgresql+psycopg://", "sqlite:///")
_MAC_DIGITS = 64


class JournalDamaged(Exception):
    """A line of the journal was changed, left out or moved. The text says where."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a journal has come: its random name, and the number of its last entry."""

    journal: str
    seq: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody who was erased. `patron` and `numbers` are keyed tokens under the vault's key `key_id`.

    `receipt` is the keyed token of the receipt's code, `erased_at` is UTC.
    """

    id: str
    seq: int
    key_id: int
    patron: str
    numbers: tuple[str, ...]
    receipt: str
    reason: str
    erased_at: datetime


class Journal:
    """A journal in one of the stores. Several processes and machines may add to it at once."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def append(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Add entries as `write_entry` made them; they are on the disk when this returns.

        Raises JournalUnreachable or JournalDamaged.
        """
        with self._store.adding() as adding:
            before = self._last_of(adding.last_lines())
            if before is None:
                header = {"journal": secrets.token_hex(16), "seq": 0, "key": self._vault.key_id}
                before = self._write("", header)
                adding.add(0, before)
            for entry in entries:
                last = _content(before)
                facts = {"journal": last["journal"], "seq": last["seq"] + 1, **entry}
                before = self._write(before[:_MAC_DIGITS], facts)
                adding.add(facts["seq"], before)

    def tail(self) -> Place | None:
        """Return how far the journal has come; None where there is none. Raises as `read` does."""
        last = self._last_of(self._store.last_lines())
        return Place(_content(last)["journal"], _content(last)["seq"]) if last is not None else None

    def read(self, *, after: int = -1) -> list[Entry]:
        """Return the entries behind a place, oldest first, each once. Raises JournalUnreachable or JournalDamaged."""
        found: dict[str, Entry] = {}
        for facts in self._read_checked():
            if facts["seq"] > after and "id" in facts:
                found.setdefault(facts["id"], _read_entry(facts))
        return list(found.values())

    def check_reached(self) -> None:
        """Raise JournalUnreachable where nothing could be added now."""
        with self._store.adding():
            pass

    def forget(self, *, until: datetime) -> int:
        """Take out the oldest entries, up to an instant, and return how many. Raises as `read` does."""
        with self._store.adding() as adding:
            facts = list(self._read_checked())
            old = [each for each in facts if "at" in each and datetime.fromisoformat(each["at"]) <= until]
            if not old:
                return 0
            # A head keeps the journal's name and place; what stays is chained to it anew.
            head = {"journal": old[-1]["journal"], "seq": old[-1]["seq"], "key": self._vault.key_id}
            lines = [(head["seq"], self._write("", head))]
            for each in facts:
                if each["seq"] > head["seq"]:
                    lines.append((each["seq"], self._write(lines[-1][1][:_MAC_DIGITS], each)))
            adding.replace(lines)
            return len(old)

    def _read_checked(self) -> Iterator[dict[str, Any]]:
        before, facts = "", None
        unread = 0
        for line in self._store.lines():
            if not _is_whole(line):
                # The rest of a line whose writer was killed: the next one follows the one before it.
                unread += 1
                continue
            following = _content(line)
            in_order = facts is None or (following["journal"], following["seq"]) == (facts["journal"], facts["seq"] + 1)
            if not in_order or not hmac.compare_digest(line[:_MAC_DIGITS], self._mac(before, line[_MAC_DIGITS + 1 :])):
                raise JournalDamaged(f"The journal is damaged at entry {following['seq']}: it does not follow.")
            unread, before, facts = 0, line[:_MAC_DIGITS], following
            yield facts
        if unread:
            raise JournalDamaged("The journal is damaged: its last line cannot be read.")

    def _last_of(self, lines: Sequence[str]) -> str | None:
        whole = [line for line in lines if _is_whole(line)]
        if lines and not whole:
            raise JournalDamaged("The journal is damaged: its last lines cannot be read.")
        return whole[-1] if whole else None

    def _write(self, before: str, facts: Mapping[str, Any]) -> str:
        content = json.dumps({**facts, "key": facts["key"]}, separators=(",", ":"), sort_keys=True)
        return f"{self._mac(before, content)} {content}"

    def _mac(self, before: str, content: str) -> str:
        try:
            key_id = json.loads(content)["key"]
            return self._vault.mac(f"{before} {content}".encode(), purpose=ERASURE_JOURNAL, key_id=key_id).hex()
        except KeyError:
            raise JournalDamaged("The journal names a key that is not in VAULT_KEYS.") from None


def open_journal(address: str, vault: Vault) -> Journal:
    """Return the journal at a path or at a database's URL. Nothing is opened or made before it is needed."""
    store: Store = TableStore(address) if address.startswith(DATABASES) else FileStore(address)
    return Journal(store, vault)


def write_entry(
    *, patron: str, numbers: Sequence[str], receipt: str, reason: str, at: datetime, key_id: int
) -> dict[str, Any]:
    """Return an entry with a random id, to be added to a journal. Everybody is named by keyed tokens."""
    return {
        "id": secrets.token_hex(16),
        "at": at.isoformat(),
        "key": key_id,
        "numbers": sorted(numbers),
        "patron": patron,
        "reason": reason,
        "receipt": receipt,
    }


def _read_entry(facts: Mapping[str, Any]) -> Entry:
    return Entry(
        id=facts["id"],
        seq=facts["seq"],
        key_id=facts["key"],
        patron=facts["patron"],
        numbers=tuple(facts["numbers"]),
        receipt=facts["receipt"],
        reason=facts["reason"],
        erased_at=datetime.fromisoformat(facts["at"]),
    )


def _content(line: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(line[_MAC_DIGITS + 1 :])
    return content


def _is_whole(line: str) -> bool:
    try:
        bytes.fromhex(line[:_MAC_DIGITS])
        content = json.loads(line[_MAC_DIGITS + 1 :])
    except ValueError:
        return False
    return line[_MAC_DIGITS : _MAC_DIGITS + 1] == " " and isinstance(content, dict) and "seq" in content
