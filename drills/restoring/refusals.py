"""What goes wrong when somebody restores, each tried on a machine: it has to be refused, and said clearly."""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from drills.figures import Figures
from drills.restoring.machine import Failed, Machine
from drills.restoring.register import Register

_RESTORE = "runuser -u postgres -- pgbackrest --stanza=lanekort --delta restore"
_SECTOR = 4096


def try_refusals(
    figures: Figures, machine: Machine, settings: Mapping[str, str], register: Register, *, short: bool
) -> None:
    """Try a wrong key, an older journal, a missing one, another passphrase, a damaged file and a missing segment.

    The short form leaves out what takes another restoring, and what `/readyz` says as well.
    """

    def refused(what: str, said: str, *words: str) -> None:
        line = next((line for line in said.splitlines()[::-1] if re.search(words[0], line)), said[-300:]).strip()
        is_clear = all(re.search(word, said) for word in words) and "Traceback" not in said
        figures.promise(f"refused, {what}", line, holds=is_clear, promised=f"says: {', '.join(words)}")

    with _other_keys(machine, settings):
        refused("other VAULT_KEYS", machine.refusal("lanekort erasures replay"), "VAULT_KEYS")
    for what, fault in _journals(machine, register):
        status, said = register.readiness()
        figures.promise(f"{what}, /readyz", status, holds=status == 503 and fault in said, promised="503, and why")
        if not short:
            refused(what, machine.refusal("lanekort erasures replay"), fault)
    with _damage(machine):
        refused("a damaged repository", machine.refusal("runuser -u postgres -- lanekort-backup run"), "is damaged")
        if not short:
            _lose_database(machine)
            said = machine.refusal(_RESTORE, PGBACKREST_JOB_RETRY="0")
            refused("restoring a damaged file", said, "zst error|checksum|CryptoError")
    machine.run("systemctl stop postgresql")
    passphrase = machine.path("/etc/pgbackrest/conf.d/passphrase.conf")
    with _changed(passphrase, lambda text: text.replace("=", "=0", 1)):
        refused(
            "another passphrase",
            machine.refusal(_RESTORE),
            "no backup set found to restore",
            "unable to load info file",
        )
    with _changed(passphrase, lambda _text: "[global]\n"):
        refused("no passphrase", machine.refusal(_RESTORE), "requires option: repo1-cipher-pass")
    if short:
        machine.run("systemctl start postgresql")
    else:
        _restore(machine)
        machine.run("runuser -u postgres -- lanekort-backup recovered")
    with _missing_segment(machine) as segment:
        refused("a missing segment", machine.refusal("runuser -u postgres -- lanekort-backup gaps"), segment)
        if short:
            return
        _restore(machine)
        said = machine.refusal("runuser -u postgres -- lanekort-backup recovered")
        refused("opening what lacks the end", said, "is missing or damaged there")


@contextmanager
def _changed(path: Path, change: Callable[[str], str]) -> Iterator[None]:
    text = path.read_text()
    path.write_text(change(text))
    try:
        yield
    finally:
        path.write_text(text)


@contextmanager
def _other_keys(machine: Machine, settings: Mapping[str, str]) -> Iterator[None]:
    machine.write_settings({**settings, "VAULT_KEYS": f"1:{'0123456789abcdef' * 4}"})
    try:
        yield
    finally:
        machine.write_settings(settings)


def _journals(machine: Machine, register: Register) -> Iterator[tuple[str, str]]:
    """Put an older journal in the place of the newest, and then none; give what it is, and what has to be said."""
    path = machine.path("/srv/journal/erasures.journal")
    older, newest = path.with_suffix(".older"), path.with_suffix(".newest")
    shutil.copy(path, older)
    with register.open():
        register.erase(register.enrol(1, seed="refusals"))
    path.rename(newest)
    shutil.copy(older, path)
    yield "an older journal", "has lost its end"
    path.unlink()
    yield "no journal", "leads to none"
    newest.rename(path)


@contextmanager
def _damage(machine: Machine) -> Iterator[None]:
    """Lose a sector of every large file of every backup."""
    kept: dict[Path, bytes] = {}
    for path in machine.path("/srv/backup/pgbackrest/backup/lanekort").glob("2*/bundle/*"):
        content = kept[path] = path.read_bytes()
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes(_SECTOR) + content[middle + _SECTOR :])
    try:
        yield
    finally:
        for path, content in kept.items():
            path.write_bytes(content)


@contextmanager
def _missing_segment(machine: Machine) -> Iterator[str]:
    """Take a segment of WAL out of the archive that others follow, and give its name."""
    for number in range(3):
        machine.run(f"createdb --username=postgres extra{number}")
        machine.run("psql --username=postgres --dbname=postgres --command='SELECT pg_switch_wal()'")
    waiting = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
    while machine.run(f'psql --username=postgres --dbname=postgres -Atc "{waiting}"').strip() != "0":
        pass
    archived = sorted(machine.path("/srv/backup/pgbackrest/archive/lanekort").glob("*-1/*/*-*"))
    gone = archived[-2]
    aside = machine.path("/root") / gone.name
    shutil.move(gone, aside)
    try:
        yield gone.name.partition("-")[0]
    finally:
        shutil.move(aside, gone)


def _restore(machine: Machine) -> None:
    _lose_database(machine)
    machine.run(_RESTORE)
    machine.run("systemctl start postgresql")


def _lose_database(machine: Machine) -> None:
    try:
        machine.run("systemctl stop postgresql")
    except Failed:
        machine.run('runuser -u postgres -- "$PG_BIN/pg_ctl" -D "$PGDATA" -m immediate stop || true')
    shutil.rmtree(machine.data)
    machine.make_empty_folders()
