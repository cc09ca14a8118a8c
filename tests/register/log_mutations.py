"""Everything that somebody with the database, and without the vault's keys, can do to the access log."""

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from app.register.log.proofs import body_of, commit_to, link_after
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry, AccessLogHead, AccessLogLink, AccessLogRemoval, AccessLogRoot

Rows = list[dict[str, Any]]
Log = dict[str, Rows]
TABLES = {
    table.__tablename__: table
    for table in (AccessLogEntry, AccessLogLink, AccessLogRemoval, AccessLogHead, AccessLogRoot)
}
LINES, CHAIN, REMOVALS, HEAD, ROOTS = TABLES
COLUMNS = ("at", "patron_id", "library_id", "role", "actor", "purpose", "fields", "proof")


def read_log() -> Log:
    """Return every row of the log, its chain, removals, head and roots."""
    with db.engine.connect() as connection:
        return {
            name: [
                dict(row._mapping)
                for row in connection.execute(select(table.__table__).order_by(*table.__table__.primary_key))
            ]
            for name, table in TABLES.items()
        }


def write_log(log: Log) -> None:
    """Put these rows into the place of all."""
    with db.engine.begin() as connection:
        for name, table in TABLES.items():
            connection.execute(delete(table))
            if log[name]:
                connection.execute(insert(table), log[name])


def another(value: Any, dice: random.Random) -> Any:
    """Return a value of the same kind that differs a little."""
    if isinstance(value, datetime):
        return value + timedelta(microseconds=dice.choice((1, -1, 60_000_000, -86_400_000_000)))
    if isinstance(value, bytes):
        place = dice.randrange(len(value))
        return value[:place] + bytes([value[place] ^ 1 << dice.randrange(8)]) + value[place + 1 :]
    if isinstance(value, int):
        return value + dice.choice((1, -1, 5))
    if value is None:
        return "Mull"
    return dice.choice((value + "x", value[:-1], value.swapcase(), value[::-1] + "?"))


def change_line(log: Log, dice: random.Random) -> None:
    row, column = dice.choice(log[LINES]), dice.choice(COLUMNS)
    if column == "patron_id":
        # Everybody whose id is in the log is there.
        row[column] = dice.choice(sorted({each[column] for each in log[LINES]} - {row[column]}))
        return
    row[column] = (
        dice.choice([None, b"", another(row[column], dice)]) if column == "proof" else another(row[column], dice)
    )


def renumber_line(log: Log, dice: random.Random) -> None:
    dice.choice(log[LINES])["id"] = max(row["id"] for row in log[LINES]) + 1 + dice.randrange(9)


def delete_lines(log: Log, dice: random.Random) -> None:
    for row in dice.sample(sealed_lines(log), dice.randint(1, 4)):
        log[LINES].remove(row)


def sealed_lines(log: Log) -> Rows:
    sealed = {row["entry_id"] for row in log[CHAIN]}
    return [row for row in log[LINES] if row["id"] in sealed]


def forge_line(log: Log, dice: random.Random) -> None:
    """Slip a line in, at a number that is free, of an instant long ago or now."""
    forged = dice.choice(log[LINES]) | {"actor": "forged"}
    forged["at"] -= timedelta(hours=dice.randrange(200))
    free = set(range(1, max(row["id"] for row in log[LINES]) + 20)) - {row["id"] for row in log[LINES]}
    log[LINES].append(
        forged | {"id": dice.choice(sorted(free)), "proof": dice.choice([None, b"1" * 33, forged["proof"]])}
    )


def copy_line(log: Log, dice: random.Random) -> None:
    log[LINES].append(dice.choice(log[LINES]) | {"id": max(row["id"] for row in log[LINES]) + dice.randint(1, 9)})


def put_line_back(log: Log, dice: random.Random) -> None:
    """Put a line to the number of one that was taken out."""
    there = {row["id"] for row in log[LINES]}
    gone = [row["entry_id"] for row in log[CHAIN] if row["entry_id"] and row["entry_id"] not in there]
    log[LINES].append(dice.choice(log[LINES]) | {"id": dice.choice(gone)})


def swap_lines(log: Log, dice: random.Random) -> None:
    one, other = dice.sample(log[LINES], 2)
    one["id"], other["id"] = other["id"], one["id"]


def change_link(log: Log, dice: random.Random) -> None:
    row = dice.choice(log[CHAIN])
    column = dice.choice(("commitment", "link", "entry_id" if row["entry_id"] else "removal_id"))
    row[column] = another(row[column], dice) if column in ("commitment", "link") else 10_000 + dice.randrange(99)


def delete_links(log: Log, dice: random.Random) -> None:
    for row in dice.sample(log[CHAIN], dice.randint(1, 4)):
        log[CHAIN].remove(row)


def insert_link(log: Log, dice: random.Random) -> None:
    """Slip a link in; those behind it are numbered anew."""
    place = dice.randrange(len(log[CHAIN]))
    for row in log[CHAIN][place:]:
        row["seq"] += 1
    fresh = dice.choice(log[CHAIN]) | {"seq": place + 1, "entry_id": 10_000, "removal_id": None}
    log[CHAIN].insert(place, fresh)


def swap_links(log: Log, dice: random.Random) -> None:
    one, other = dice.sample(log[CHAIN], 2)
    one["seq"], other["seq"] = other["seq"], one["seq"]


def cut_off(log: Log, dice: random.Random) -> None:
    """Cut the end off the chain, with or without the lines there, and say so in the head or not."""
    kept = dice.randrange(len(log[CHAIN]))
    gone = {row["entry_id"] for row in log[CHAIN][kept:]}
    records = {row["removal_id"] for row in log[CHAIN][kept:]}
    log[CHAIN] = log[CHAIN][:kept]
    if dice.random() < 0.7:
        log[LINES] = [row for row in log[LINES] if row["id"] not in gone]
        log[REMOVALS] = [row for row in log[REMOVALS] if row["id"] not in records]
    if dice.random() < 0.5 and kept:
        log[HEAD][0] |= {"seq": kept, "link": log[CHAIN][-1]["link"]}


def change_head(log: Log, dice: random.Random) -> None:
    if dice.random() < 0.2:
        log[HEAD] = []
        return
    column = dice.choice(("seq", "link", "unproved_to", "proof"))
    log[HEAD][0][column] = another(log[HEAD][0][column], dice)


def change_removal(log: Log, dice: random.Random) -> None:
    row, column = dice.choice(log[REMOVALS]), dice.choice(("at", "why", "entries", "proof"))
    if column == "why":
        row["why"] = dice.choice([why for why in ("erasure", "retention", "guardian") if why != row["why"]])
    elif column == "entries":
        row["entries"] = dice.choice((row["entries"] + ",7", "1-9999", row["entries"].partition(",")[0] + ",2"))
    else:
        row[column] = another(row[column], dice)


def delete_removal(log: Log, dice: random.Random) -> None:
    log[REMOVALS].remove(dice.choice(log[REMOVALS]))


def excuse_a_deletion(log: Log, dice: random.Random) -> None:
    """Delete a line and forge a record that says why."""
    gone = dice.choice(sealed_lines(log))
    log[LINES].remove(gone)
    last = log[REMOVALS][-1]
    number = max(row["id"] for row in log[REMOVALS]) + 1
    why = dice.choice(("erasure", "retention"))
    proof = dice.choice((last["proof"], bytes(33)))
    log[REMOVALS].append(last | {"id": number, "entries": str(gone["id"]), "why": why, "proof": proof})


def copy_removal(log: Log, dice: random.Random) -> None:
    copied = dice.choice(log[REMOVALS])
    log[REMOVALS].append(copied | {"id": max(row["id"] for row in log[REMOVALS]) + dice.randint(1, 5)})


def change_root(log: Log, dice: random.Random) -> None:
    row = dice.choice(log[ROOTS])
    facts = json.loads(row["text"])
    name = dice.choice(sorted(facts))
    facts[name] = facts[name] + 1 if isinstance(facts[name], int) else facts[name][::-1] + "0"
    row["text"] = json.dumps(facts, sort_keys=True)


def delete_root(log: Log, dice: random.Random) -> None:
    log[ROOTS].remove(dice.choice(log[ROOTS]))


def rewrite_all_from_a_line(log: Log, dice: random.Random) -> None:
    """Change a line and make every hash behind it right again, as far as that goes without the keys."""
    row = dice.choice(sealed_lines(log))
    row["actor"] = "somebody else"
    place = next(number for number, link in enumerate(log[CHAIN]) if link["entry_id"] == row["id"])
    body = body_of(**{name: row[name] for name in COLUMNS if name != "proof"})
    log[CHAIN][place]["commitment"] = commit_to(body, row["proof"])
    relink(log, place)


def relink(log: Log, place: int) -> None:
    """Make every link from a place on right again, and the head say so."""
    link = log[CHAIN][place - 1]["link"] if place else bytes(32)
    for row in log[CHAIN][place:]:
        name = f"entry {row['entry_id']}" if row["entry_id"] is not None else f"removal {row['removal_id']}"
        link = row["link"] = link_after(link, seq=row["seq"], name=name, commitment=row["commitment"])
    log[HEAD][0] |= {"seq": log[CHAIN][-1]["seq"], "link": link}


def leave_out_and_relink(log: Log, dice: random.Random) -> None:
    """Take a line and its link out, and number and link all behind it anew."""
    row = dice.choice(sealed_lines(log))
    place = next(number for number, link in enumerate(log[CHAIN]) if link["entry_id"] == row["id"])
    log[LINES].remove(row)
    del log[CHAIN][place]
    for each in log[CHAIN][place:]:
        each["seq"] -= 1
    relink(log, place)


def swap_and_relink(log: Log, dice: random.Random) -> None:
    """Let two lines change their places in the chain, and link all behind them anew."""
    one, other = sorted(dice.sample(range(len(log[CHAIN])), 2))
    names = ("entry_id", "removal_id", "commitment")
    first, second = ({name: log[CHAIN][place][name] for name in names} for place in (one, other))
    log[CHAIN][one] |= second
    log[CHAIN][other] |= first
    relink(log, one)


MUTATIONS: tuple[Callable[[Log, random.Random], None], ...] = (
    change_line,
    renumber_line,
    delete_lines,
    forge_line,
    copy_line,
    put_line_back,
    swap_lines,
    change_link,
    delete_links,
    insert_link,
    swap_links,
    cut_off,
    change_head,
    change_removal,
    delete_removal,
    excuse_a_deletion,
    copy_removal,
    change_root,
    delete_root,
    rewrite_all_from_a_line,
    leave_out_and_relink,
    swap_and_relink,
)
