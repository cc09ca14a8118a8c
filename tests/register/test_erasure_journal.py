"""The journal of erasures: what is in it, that damage is noticed, and that many may write at once."""

import json
import multiprocessing
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app.register.journal.journal import Journal, JournalDamaged, open_journal, write_entry
from app.register.journal.journaling import JOURNAL_ENTRIES, check_journal, current_journal, forget_entries
from app.register.journal.stores import JournalUnreachable
from app.register.keys.vault import Vault
from app.register.leaving.erasure import erase_patron
from app.register.store.transaction import db
from app.register.tables.log import Erasure, JournalPlace
from tests.conftest import START, VAULT_KEYS
from tests.register.people import CHILD, GUARDIAN, HIDDEN, LOST, TEEN, erase, patron_id

PROCESSES, ENTRIES_EACH = 4, 25


@pytest.fixture
def address(engine: str, tmp_path: Path, database_url: str) -> str:
    """A file for one engine, and a second database for the other."""
    return str(tmp_path / "kept" / "erasures.journal") if engine == "sqlite" else database_url


@pytest.fixture(params=["file", "second database"])
def sqlite_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = tmp_path / "kept" / "erasures"
    return str(path) if request.param == "file" else f"sqlite:///{path}"


def opened(address: str, keys: dict[int, bytes] = VAULT_KEYS) -> Journal:
    return open_journal(address, Vault(keys))


def entry(number: int = 0, *, key_id: int = 1, days: int = 0) -> dict:
    at = START + timedelta(days=days)
    return write_entry(
        patron=f"{number:064x}", numbers=["1" * 64], receipt="2" * 64, reason="asked", at=at, key_id=key_id
    )


def test_a_journal_gives_back_what_was_added_in_its_order(address):
    journal = opened(address)
    assert journal.tail() is None
    added = [entry(number) for number in range(5)]
    journal.append(added[:2])
    opened(address).append(added[2:])
    read = journal.read()
    assert [each.id for each in read] == [each["id"] for each in added]
    assert [each.seq for each in read] == [1, 2, 3, 4, 5]
    assert read[0].erased_at == START
    assert journal.tail().seq == 5


def test_an_entry_that_is_added_twice_counts_once(address):
    journal, again = opened(address), entry()
    journal.append([again])
    journal.append([again])
    assert [each.id for each in journal.read()] == [again["id"]]


def add_many(address: str, first: int) -> None:
    for number in range(ENTRIES_EACH):
        opened(address).append([entry(first + number)])


@pytest.mark.usefixtures("programs")
def test_several_processes_add_at_once_and_nothing_is_lost(address):
    spawning = multiprocessing.get_context("spawn")
    writers = [spawning.Process(target=add_many, args=(address, 1000 * number)) for number in range(PROCESSES)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    read = opened(address).read()
    assert len({each.patron for each in read}) == PROCESSES * ENTRIES_EACH
    assert [each.seq for each in read] == list(range(1, len(read) + 1))


def test_nobody_but_the_owner_reads_the_journal(sqlite_address, tmp_path):
    opened(sqlite_address).append([entry()])
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "kept" / "erasures").stat().st_mode) == 0o600


def read_lines(address: str) -> list[str]:
    if not address.startswith("sqlite"):
        return Path(address).read_text().splitlines()
    with create_engine(address).connect() as connection:
        return list(connection.scalars(text("SELECT line FROM erasure_journal ORDER BY seq")))


def write_lines(address: str, lines: list[str]) -> None:
    if not address.startswith("sqlite"):
        Path(address).write_text("".join(f"{line}\n" for line in lines))
        return
    with create_engine(address).begin() as connection:
        connection.execute(text("DELETE FROM erasure_journal"))
        for seq, line in enumerate(lines):
            connection.execute(text("INSERT INTO erasure_journal VALUES (:seq, :line)"), {"seq": seq, "line": line})


def changed(lines: list[str]) -> list[str]:
    facts = json.loads(lines[2][65:])
    return [*lines[:2], lines[2][:65] + json.dumps(facts | {"patron": "f" * 64}), *lines[3:]]


@pytest.mark.parametrize(
    "damage",
    [
        changed,
        lambda lines: [*lines[:2], *lines[3:]],
        lambda lines: [*lines[:1], lines[2], lines[1], *lines[3:]],
        lambda lines: lines[1:],
        lambda lines: [*lines[:3], lines[2], *lines[3:]],
        lambda lines: [*lines[:4], lines[4][:40] + "?" + lines[4][41:], *lines[5:]],
        lambda lines: [*lines[:5], lines[5][:70] + "?" + lines[5][71:-1]],
    ],
    ids=["changed", "left out", "moved", "without its head", "repeated", "unreadable", "last one unreadable"],
)
def test_damage_to_a_journal_is_noticed(sqlite_address, damage):
    journal = opened(sqlite_address)
    journal.append([entry(number) for number in range(5)])
    assert len(journal.read()) == 5
    write_lines(sqlite_address, damage(read_lines(sqlite_address)))
    with pytest.raises(JournalDamaged):
        journal.read()


def test_what_was_added_last_is_read_without_the_rest_of_a_long_journal(sqlite_address):
    journal = opened(sqlite_address)
    journal.append([entry(number) for number in range(1000)])
    lines = read_lines(sqlite_address)
    write_lines(sqlite_address, changed(lines))
    assert [each.seq for each in journal.read(after=998)] == [999, 1000]
    assert journal.read(after=1000) == []
    for after in (-1, 1, 500):
        with pytest.raises(JournalDamaged):
            journal.read(after=after)
    # Nor is damage passed over in what is read.
    write_lines(sqlite_address, [*lines[:-1], lines[-1].replace('"reason":"asked"', '"reason":"death"')])
    with pytest.raises(JournalDamaged):
        journal.read(after=998)


@pytest.mark.parametrize("left", [1, 40, 70, 200])
def test_the_rest_of_a_line_whose_writer_was_killed_harms_no_other(tmp_path, left):
    path = tmp_path / "erasures"
    journal = opened(str(path))
    journal.append([entry(1), entry(2)])
    whole = path.read_text()
    begun = "".join(whole.splitlines()[-1])[:left]
    path.write_text(whole + begun)
    assert len(journal.read()) == 2
    journal.append([entry(3)])
    assert [each.seq for each in journal.read()] == [1, 2, 3]


def test_a_line_that_lacks_only_its_end_is_whole(tmp_path):
    path = tmp_path / "erasures"
    journal = opened(str(path))
    journal.append([entry(1)])
    path.write_text(path.read_text().rstrip("\n"))
    journal.append([entry(2)])
    assert [each.seq for each in journal.read()] == [1, 2]


def test_a_journal_outlives_a_change_of_keys(sqlite_address):
    opened(sqlite_address).append([entry(1)])
    newer = opened(sqlite_address, {**VAULT_KEYS, 2: bytes(32)})
    newer.append([entry(2, key_id=2)])
    assert [each.key_id for each in newer.read()] == [1, 2]
    with pytest.raises(JournalDamaged, match="not in VAULT_KEYS"):
        opened(sqlite_address).read()


def test_a_journal_that_cannot_be_reached_is_said_without_its_password(tmp_path):
    (tmp_path / "a file").touch()
    for address in (str(tmp_path / "a file" / "erasures"), "postgresql+psycopg://who:secret@127.0.0.1:1/none"):
        with pytest.raises(JournalUnreachable) as said:
            opened(address).append([entry()])
        assert "secret" not in str(said.value)


def test_what_is_past_its_time_goes_and_the_rest_still_follows(sqlite_address):
    journal = opened(sqlite_address)
    journal.append([entry(number, days=number) for number in range(6)])
    place = journal.tail()
    assert journal.forget(until=START + timedelta(days=2)) == 3
    assert [each.seq for each in journal.read()] == [4, 5, 6]
    assert journal.tail() == place
    journal.append([entry(7)])
    assert [each.seq for each in opened(sqlite_address).read()] == [4, 5, 6, 7]
    assert journal.forget(until=START) == 1


def test_an_erasure_stands_in_the_journal_once_it_is_committed_and_says_nothing_of_whom(clock):
    for number in (GUARDIAN, CHILD, TEEN):
        erase(number, now=clock())
    entries = current_journal().read()
    assert [each.reason for each in entries] == ["asked"] * 3
    assert {each.erased_at for each in entries} == {clock()}
    assert {erasure.journal_entry for erasure in db.session.query(Erasure)} == {None}
    place = db.session.query(JournalPlace).one()
    assert (place.journal, place.seq) == (current_journal().tail().journal, 3)
    assert not any(number[1:] in repr(entries) for number in (GUARDIAN, CHILD, TEEN))


def test_an_erasure_that_is_undone_stands_in_no_journal(clock):
    erase(LOST, now=clock())
    erase_patron(patron_id=patron_id(GUARDIAN), reason="asked", now=clock())
    db.session.rollback()
    erase(HIDDEN, now=clock())
    assert len(current_journal().read()) == 2
    check_journal()


def test_the_journal_is_shortened_and_the_register_still_knows_it(clock):
    erase(GUARDIAN, now=clock())
    clock.turn(days=JOURNAL_ENTRIES.days + 1)
    erase(CHILD, now=clock())
    assert forget_entries(now=clock()) == 1
    check_journal()
    erase(TEEN, now=clock())
    check_journal()
    assert [each.seq for each in current_journal().read()] == [2, 3]
