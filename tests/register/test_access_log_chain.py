"""The access log shows tampering: a thousand changes are found, and nothing that the register does is taken for one."""

import copy
import random
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text, update

from app.register.card.scans import scan
from app.register.keys.vault import Vault, use_vault
from app.register.leaving.retention import ACCESS_LOG, purge
from app.register.log.access_log import Viewer, log_access, log_access_in_transaction, log_list_access
from app.register.log.proofs import body_of, commit_to, head_body, prove, read_ranges, write_ranges
from app.register.log.removals import note_removal
from app.register.log.roots import NotARoot, make_root, public_keys, read_root
from app.register.log.sealing import seal, seal_all
from app.register.log.verification import verify
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry, AccessLogHead, AccessLogLink, AccessLogRoot
from app.register.tables.patrons import Patron
from tests.conftest import VAULT_KEYS
from tests.register.log_mutations import CHAIN, COLUMNS, LINES, MUTATIONS, read_log, relink, write_log
from tests.register.people import (
    AT_MULLSJO,
    CHILD,
    GUARDIAN,
    HIDDEN,
    LOST,
    TEEN,
    ULLENSAKER,
    code_on,
    erase,
    make_phone,
    patron_id,
    terminal,
)

CHANGES = {"sqlite": 1000, "postgresql": 220}
STAFF = Viewer(role="staff", actor="desk-2023500", library_id=ULLENSAKER)


def findings(**kept: str) -> list[str]:
    """Seal and look, as the command does."""
    seal_all()
    *_, done = verify(kept=kept, is_complete=False)
    return done.findings


def look(card_number: str, *, now, times: int = 1, viewer: Viewer = STAFF) -> None:
    whose = patron_id(card_number)
    for _ in range(times):
        log_access(patron_id=whose, viewer=viewer, purpose="counter", fields="name, age", now=now)


def live(clock) -> dict[str, str]:
    """Let every writer of the log write, and every way take lines out. Returns the roots that were kept elsewhere."""
    look(GUARDIAN, now=clock(), times=5)
    seal_all()
    clock.turn(days=ACCESS_LOG.days - 10)
    phone = make_phone(LOST.replace("4", "5"), now=clock())
    clock.turn(seconds=30)
    scan(payload=code_on(phone.id, now=clock()), terminal=terminal(), now=clock())
    guardian = Viewer(role="guardian", actor=str(patron_id(TEEN)), library_id=None)
    log_access(patron_id=patron_id(CHILD), viewer=guardian, purpose="family folder", fields="loans", now=clock())
    make_root(now=clock())
    clock.turn(days=1)
    look(CHILD, now=clock(), times=6)
    look(HIDDEN, now=clock(), times=3)
    everybody = [patron_id(number) for number in (CHILD, AT_MULLSJO, GUARDIAN)]
    log_list_access(patron_ids=everybody, viewer=STAFF, purpose="post", fields="name", now=clock())
    log_access_in_transaction(patron_id=patron_id(CHILD), viewer=STAFF, purpose="correct", fields="phone", now=clock())
    db.session.commit()
    seal_all()
    # One who is looked at, and one who looked.
    erase(HIDDEN, now=clock())
    erase(TEEN, now=clock())
    look(CHILD, now=clock(), times=2)
    seal_all()
    make_root(now=clock())
    look(AT_MULLSJO, now=clock(), times=3)
    clock.turn(days=10)
    purge(now=clock())
    look(CHILD, now=clock(), times=4)
    seal_all()
    roots = db.session.execute(select(AccessLogRoot.day, AccessLogRoot.text)).all()
    db.session.commit()
    return {f"{day}.json": text for day, text in roots}


def test_nothing_that_the_register_does_is_taken_for_tampering(clock):
    kept = live(clock)
    assert findings(**kept) == []
    log = read_log()
    there = {row["id"] for row in log[LINES]}
    gone = [row for row in log[CHAIN] if row["entry_id"] is not None and row["entry_id"] not in there]
    assert len(there) >= 10
    assert len(gone) >= 8
    assert len(kept) == 2


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_one_of_a_thousand_changes_is_found(clock, engine):
    kept = live(clock)
    origin = read_log()
    dice = random.Random(20261129)
    missed, tried = Counter(), Counter()
    for number in range(CHANGES[engine]):
        mutate = MUTATIONS[number % len(MUTATIONS)]
        log = copy.deepcopy(origin)
        mutate(log, dice)
        if log == origin:
            continue
        write_log(log)
        tried[mutate.__name__] += 1
        missed[mutate.__name__] += not findings(**kept)
    assert +missed == Counter()
    assert sum(tried.values()) >= CHANGES[engine] * 0.95
    assert tried.keys() == {mutate.__name__ for mutate in MUTATIONS}
    write_log(origin)
    assert findings(**kept) == []


def test_sealing_goes_on_after_a_change_and_hides_nothing(clock):
    kept = live(clock)
    origin = read_log()
    dice = random.Random(7)
    for mutate in MUTATIONS:
        log = copy.deepcopy(origin)
        mutate(log, dice)
        if log == origin or not log["access_log_head"]:
            continue
        write_log(log)
        look(CHILD, now=clock())
        seal_all()
        assert findings(**kept), mutate.__name__


def test_an_old_copy_of_a_line_that_is_gone_is_found_under_any_number(clock):
    look(CHILD, now=clock(), times=2)
    guardian = Viewer(role="guardian", actor=str(patron_id(TEEN)), library_id=None)
    log_access(patron_id=patron_id(CHILD), viewer=guardian, purpose="family folder", fields="loans", now=clock())
    seal_all()
    copies = read_log()[LINES]
    # A guardian's name goes from a line, and then all that is a year old.
    erase(TEEN, now=clock())
    copies.append(read_log()[LINES][-1])
    clock.turn(days=ACCESS_LOG.days + 1)
    look(CHILD, now=clock())
    purge(now=clock())
    assert findings() == []
    origin = read_log()
    assert len(origin[LINES]) == 1
    for number, copied in enumerate(copies, start=100):
        write_log(origin | {LINES: [*origin[LINES], copied | {"id": number}]})
        assert len(findings()) == 1, copied


def test_a_guardian_who_is_erased_before_the_sealing_is_no_tampering(clock):
    guardian = Viewer(role="guardian", actor=str(patron_id(TEEN)), library_id=None)
    log_access(patron_id=patron_id(CHILD), viewer=guardian, purpose="family folder", fields="loans", now=clock())
    erase(TEEN, now=clock())
    assert findings() == []


def test_somebody_with_the_keys_cannot_change_what_a_root_kept_elsewhere_signs(clock):
    kept = live(clock)
    log = read_log()
    # A line from before the last root is changed, and all that the keys can prove is proved anew.
    roots = [read_root(text) for text in kept.values()]
    link = next(row for row in log[CHAIN] if row["entry_id"] in {line["id"] for line in log[LINES]})
    assert link["seq"] <= max(root.seq for root in roots)
    line = next(row for row in log[LINES] if row["id"] == link["entry_id"])
    line["actor"] = "somebody else"
    body = body_of(**{name: line[name] for name in COLUMNS if name != "proof"})
    line["proof"] = prove(body)
    link["commitment"] = commit_to(body, line["proof"])
    log["access_log_removals"] = [row for row in log["access_log_removals"] if f"{line['id']}:" not in row["entries"]]
    relink(log, link["seq"] - 1)
    head = log["access_log_head"][0]
    head["proof"] = prove(head_body(seq=head["seq"], link=head["link"], unproved_to=head["unproved_to"]))
    log["access_log_roots"] = []
    write_log(log)
    found = findings(**kept)
    assert any("does not match link" in finding for finding in found), found
    assert not any("was not written by the register" in finding for finding in found)


@pytest.mark.parametrize("lines", [0, 3])
def test_a_root_signs_where_the_chain_ended_once_a_day(clock, lines):
    look(CHILD, now=clock(), times=lines)
    assert make_root(now=clock())
    assert not make_root(now=clock())
    root = read_root(db.session.scalars(select(AccessLogRoot.text)).one())
    assert (root.day, root.seq) == ((clock() - timedelta(days=1)).date(), lines)
    db.session.commit()
    assert findings() == []


def test_a_root_is_read_by_its_public_key_and_no_other(clock, app):
    make_root(now=clock())
    text_ = db.session.scalars(select(AccessLogRoot.text)).one()
    db.session.commit()
    assert read_root(text_).seq == 0
    before = public_keys()
    use_vault(Vault({**VAULT_KEYS, 2: bytes(range(1, 33))}))
    assert read_root(text_).seq == 0
    assert public_keys()[1] == before[1]
    use_vault(Vault({1: bytes(range(2, 34))}))
    with pytest.raises(NotARoot):
        read_root(text_)


def test_a_change_of_keys_is_no_tampering(clock, app):
    kept = live(clock)
    look(CHILD, now=clock(), times=2)
    use_vault(Vault({**VAULT_KEYS, 2: bytes(range(1, 33))}))
    look(CHILD, now=clock(), times=2)
    seal_all()
    assert findings(**kept) == []


def test_lines_from_before_the_chain_are_sealed_as_they_are(clock):
    look(CHILD, now=clock(), times=5)
    db.session.execute(update(AccessLogEntry).values(proof=None))
    last = db.session.scalar(select(AccessLogEntry.id).order_by(AccessLogEntry.id.desc()).limit(1))
    db.session.execute(update(AccessLogHead).values(unproved_to=last))
    db.session.commit()
    seal_all()
    assert findings() == []
    told = {"patron_id": patron_id(CHILD), "role": "staff", "actor": "x", "purpose": "counter", "fields": "name"}
    db.session.execute(insert(AccessLogEntry).values(at=clock(), **told))
    db.session.commit()
    seal_all()
    assert len(findings()) == 1


def test_lines_are_sealed_in_batches_by_somebody_who_comes(clock):
    look(CHILD, now=clock(), times=7)
    assert [seal(batch=3), seal(batch=3), seal(batch=3), seal(batch=3)] == [3, 3, 1, 0]
    assert db.session.scalars(select(AccessLogLink.seq).order_by(AccessLogLink.seq)).all() == [1, 2, 3, 4, 5, 6, 7]


def test_a_line_that_is_committed_late_is_sealed_later(clock, engine):
    if engine == "sqlite":
        # There one writes at a time, so lines are committed in the order of their numbers.
        look(CHILD, now=clock(), times=2)
        seal_all()
        assert findings() == []
        return
    look(CHILD, now=clock())
    child = patron_id(CHILD)
    with db.engine.connect() as late:
        line = {
            "at": clock(),
            "patron_id": child,
            "library_id": None,
            "role": "staff",
            "actor": "x",
            "purpose": "counter",
            "fields": "name",
        }
        late.execute(insert(AccessLogEntry).values(**line, proof=prove(body_of(**line))))
        look(CHILD, now=clock())
        seal_all()
        late.commit()
    seal_all()
    ids = db.session.scalars(select(AccessLogLink.entry_id).order_by(AccessLogLink.seq)).all()
    assert len(ids) == 3
    assert ids != sorted(ids)
    db.session.commit()
    assert findings() == []


def test_somebody_who_is_erased_before_the_sealing_leaves_no_gap(clock):
    look(GUARDIAN, now=clock(), times=3)
    erase(GUARDIAN, now=clock())
    look(CHILD, now=clock())
    seal_all()
    assert findings() == []


def test_of_somebody_who_is_erased_the_chain_keeps_hashes_that_say_nothing(clock):
    look(GUARDIAN, now=clock(), times=3)
    seal_all()
    bodies = list(read_log()[LINES])
    erase(GUARDIAN, now=clock())
    seal_all()
    left = repr(read_log())
    assert findings() == []
    for row in bodies:
        assert row["proof"].hex() not in left
        assert repr(row["proof"]) not in left
    assert db.session.scalar(select(Patron.id).where(Patron.card_number == GUARDIAN)) is None


def test_ranges_are_read_as_they_were_written():
    for ids in ([1], [1, 2, 3, 7], [5, 3, 4], list(range(1, 400, 3))):
        ranges = read_ranges(write_ranges(ids))
        assert sorted(ids) == [each for first, last in ranges for each in range(first, last + 1)]


def test_a_removal_of_nothing_leaves_no_record(clock):
    note_removal(entry_ids=[], why="retention", now=clock())
    db.session.commit()
    assert db.session.execute(text("SELECT count(*) FROM access_log_removals")).scalar_one() == 0
