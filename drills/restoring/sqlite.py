"""SQLite's backups: sealed to a public key while the register is written to, and restored with the private one."""

import shutil
import time
from pathlib import Path
from threading import Thread

from bench.people import LIBRARY_ID, fill_register, kiosk_authorization
from drills.figures import Figures
from drills.restoring.machine import Machine
from drills.restoring.register import Person, Portal, Register, settings_on

_PEOPLE = 2_000


def restore_sqlite(figures: Figures, folder: Path, blocks: dict[str, list[str]]) -> None:
    """Back a register in SQLite up, lose it, and restore it."""
    folder.mkdir()
    machine = Machine(folder)
    try:
        _restore(figures, machine, blocks)
    finally:
        machine.stop()


def _restore(figures: Figures, machine: Machine, blocks: dict[str, list[str]]) -> None:
    database = machine.path("/var/lib/lanekort/register.sqlite")
    settings = settings_on(machine, f"sqlite:///{database}")
    register = Register(settings, library_id=LIBRARY_ID)
    fill_register(settings["DATABASE_URL"], people=_PEOPLE)
    machine.write_settings(settings)
    machine.make_custodians()
    shutil.copy(machine.path("/etc/lanekort/custodians-settings.txt"), machine.path("/etc/lanekort/backup-keys.txt"))
    people: list[Person] = []

    def enrol() -> None:
        with register.open():
            people.extend(register.enrol(30, seed="meanwhile"))

    with register.open():
        people += register.enrol(6, seed="before")
        register.take_log_over()
    writer = Thread(target=enrol)
    writer.start()
    for command, seconds, _said in machine.run_lines(blocks["sqlite backup"]):
        figures.note(f"SQLite, {seconds:.1f} s", command)
    writer.join()
    (copy,) = machine.path("/srv/backup/sqlite").glob("*.age")
    is_sealed = b"SQLite" not in copy.read_bytes()[:4096] and not list(copy.parent.glob("*.part"))
    figures.promise("SQLite, sealed", f"{copy.stat().st_size // 1024} kB", holds=is_sealed, promised="no plain copy")
    with register.open():
        register.erase(people[:3])
    database.unlink()
    begun = time.monotonic()
    said = ""
    for _command, _seconds, words in machine.run_lines(blocks["sqlite restore"], COPY=str(copy)):
        said += words
    status, words = register.readiness()
    is_shut = status == 503 and "older than its journal of erasures" in words
    figures.promise("SQLite, before the replay", status, holds=is_shut, promised="503, and why")
    for command in blocks["open"][:4]:
        said += machine.run(command)
    portal = Portal(machine.portal_port, kiosk=kiosk_authorization())
    with register.open():
        left, code = register.left_of(people[:3]), register.code_of(people[5])
    scanned = portal.scan(code)
    is_back = left == 0 and scanned == "accepted" and "Nothing is wrong with the access log." in said
    is_back = is_back and "3 of those in the journal were still" in said
    figures.promise(
        "SQLite, restored", f"{time.monotonic() - begun:.0f} s", holds=is_back, promised="erased again, whole"
    )
