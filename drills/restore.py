"""A register whose disk is lost, and one that has to go back to a moment: restored as docs/backups.md tells it.

A small register first, on PostgreSQL and on SQLite, with everything that may go wrong; then one of a million patrons.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.country import KIOSK, authorization_of, fill_country
from bench.country_rows import LIBRARIES
from bench.people import LIBRARY_ID, fill_register, kiosk_authorization
from drills.figures import Figures
from drills.installing.documents import HOME
from drills.restoring.machine import Machine, read_blocks
from drills.restoring.refusals import try_refusals
from drills.restoring.register import Person, Portal, Register, settings_on
from drills.restoring.sqlite import restore_sqlite
from drills.restoring.units import try_units

_MOST_SECONDS = 600
_IN_TIME = f"{_MOST_SECONDS} s at most"
_SMALL, _COUNTRY = 3_000, 1_000_000
_DOCUMENT = HOME / "docs" / "backups.md"
_MISTAKEN = "SELECT count(*) FROM patrons WHERE postcode = '0000'"
_JOURNAL_IS_AHEAD = "older than its journal of erasures: {} are missing"


def drill(
    figures: Figures, *, short: bool, debian: str = "12,13", cache: str = "/var/cache/lanekort-drill", prepare: str = ""
) -> None:
    """Restore a small register and let everything go wrong; in the long form also a million patrons, in ten minutes.

    The long form starts the units as well, on each Debian of `debian`; `cache` and `prepare` are as for `install`.
    """
    with TemporaryDirectory(prefix="lanekort-restore-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        beside = ThreadPoolExecutor(1).submit(restore_sqlite, figures, Path(folder, "sqlite"), read_blocks(_DOCUMENT))
        small = Rehearsal(figures, Path(folder, "small"), what="small", short=short)
        with small.ending():
            small.prepare(lambda url: fill_register(url, people=_SMALL), lines=_SMALL, enrolled=24)
            small.lose_and_restore()
            small.go_back()
            try_refusals(figures, small.machine, small.settings, small.register, short=short)
        beside.result()
        if not short:
            try_units(figures, read_blocks(_DOCUMENT), debian=debian, cache=cache, prepare=prepare)
            country = Rehearsal(figures, Path(folder, "country"), what="country", library=LIBRARIES[0])
            with country.ending():
                country.prepare(lambda url: fill_country(url, people=_COUNTRY, staff=1), lines=_COUNTRY, enrolled=300)
                country.lose_and_restore()
                country.go_back()


class Rehearsal:
    """One machine, and what is done to it. The figures have the name `what`."""

    def __init__(
        self, figures: Figures, folder: Path, *, what: str, library: str = LIBRARY_ID, short: bool = False
    ) -> None:
        folder.mkdir()
        self.machine = Machine(folder)
        url = f"postgresql+psycopg://postgres@127.0.0.1:{self.machine.port}/lanekort"
        self.settings = settings_on(self.machine, url)
        self.register = Register(self.settings, library_id=library)
        kiosk = kiosk_authorization() if library == LIBRARY_ID else authorization_of(KIOSK)
        self.portal = Portal(self.machine.portal_port, kiosk=kiosk)
        self._figures, self._what, self._short = figures, what, short
        self._blocks = read_blocks(_DOCUMENT)
        self._people: list[Person] = []

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Stop everything and delete the folder at the end of the block."""
        try:
            yield
        finally:
            self.machine.stop()

    def note(self, name: str, figure: object) -> None:
        """Print a figure of this machine."""
        self._figures.note(f"{self._what}, {name}", figure)

    def promise(self, name: str, figure: object, *, holds: bool, promised: str) -> None:
        """Print a figure of this machine beside what is promised."""
        self._figures.promise(f"{self._what}, {name}", figure, holds=holds, promised=promised)

    def prepare(self, fill: Callable[[str], None], *, lines: int, enrolled: int) -> None:
        """Fill a register, enrol people by the program, seal the log, set backups up, and make the first one."""
        begun = time.monotonic()
        self.machine.make_cluster()
        self.machine.run("createdb --username=postgres lanekort")
        fill(self.settings["DATABASE_URL"])
        with self.register.open():
            self.register.write_log(lines)
            self._people = self.register.enrol(enrolled, seed="before")
            self.register.seal()
        self.machine.write_settings(self.settings)
        self.machine.make_custodians()
        self.note("made in", f"{time.monotonic() - begun:.0f} s")
        self.do("set up")
        self.do("seal")
        size = self.machine.run('du -sm "$PGDATA" /srv/backup/pgbackrest | cut -f1').split()
        self.note("database and its backup", f"{size[0]} MB, {size[1]} MB")

    def do(self, block: str, **variables: str) -> dict[str, str]:
        """Run a block of the document, print how long each command took, and return what each said."""
        said: dict[str, str] = {}
        for command, seconds, words in self.machine.run_lines(self._blocks[block], **variables):
            self.note(f"{seconds:5.1f} s", command if len(command) < 110 else f"{command[:107]}...")
            said[command] = words
        return said

    def lose_and_restore(self) -> None:
        """Lose the disk with the last changes on it, and restore everything."""
        people, others = self._people[:10], self._people[10:]
        with self.register.open():
            self.register.erase(people[:4])
            self._people = others + self.register.enrol(3, seed="archived")
            self.register.seal()
            counted = self.register.counts()
        self._archive()
        with self.register.open():
            # What follows is in no archive yet; the erasures are in the journal.
            self.register.erase(people[4:])
            lost = self.register.enrol(1, seed="lost")
        self.machine.lose_disk()
        begun = time.monotonic()
        self.machine.make_empty_folders()
        self.do("fetch keys")
        self.do("restore")
        with self.register.open():
            back = self.register.counts()
            came_back = self.register.left_of(people[4:])
        differing = {name: (count, back[name]) for name, count in counted.items() if back[name] != count}
        rows = f"{back['patrons']} patrons, {sum(back.values())} rows"
        self.promise("restored", rows, holds=not differing, promised=f"each table as it was, not {differing}")
        self.machine.run("systemctl start lanekort-portal")
        status, words = self.portal.readiness()
        is_shut = status == 503 and _JOURNAL_IS_AHEAD.format(came_back) in words
        self.promise("before the replay", f"{status} {words.strip()}", holds=is_shut, promised="503, and why")
        self.machine.run("systemctl stop lanekort-portal")
        said = "".join(self.do("open").values())
        self._verify(people, said)
        is_ready = self.portal.wait_until_ready(seconds=20)
        self.promise("after the replay", is_ready, holds=is_ready, promised="/readyz says 200")
        with self.register.open():
            code = self.register.code_of(self._people[-1])
            gone = self.register.left_of(lost) == 0
        scanned = self.portal.scan(code)
        took = time.monotonic() - begun
        self.promise("a card that was restored", scanned, holds=scanned == "accepted", promised="accepted")
        self.note("lost with the disk", f"{len(lost)} enrolled in its last second" if gone else "nothing")
        self.promise("all of it", f"{took:.0f} s", holds=took <= _MOST_SECONDS, promised=_IN_TIME)

    def go_back(self) -> None:
        """Go back to before a mistake that changed every patron."""
        erased, self._people = self._people[:5], self._people[5:]
        with self.register.open():
            counted = self.register.counts()
        self._archive()
        moment = self._ask("SELECT clock_timestamp()")
        time.sleep(1)
        with self.register.open():
            self.register.erase(erased)
            lost = self.register.enrol(2, seed="after")
            self.register.seal(days=1)
        changed = self._ask(
            "UPDATE patrons SET postcode = '0000'; SELECT count(*) FROM patrons WHERE postcode = '0000'"
        )
        self.note("changed by mistake", f"{changed.split()[-1]} patrons")
        begun = time.monotonic()
        self.do("moment", MOMENT=moment)
        noted = self.machine.path("/root/lost-patrons.tsv").read_text()
        with self.register.open():
            back = self.register.counts()
        wrong = self._ask(_MISTAKEN)
        as_it_was = back == counted and wrong == "0"
        self.promise("back at the moment", f"{wrong} wrong", holds=as_it_was, promised="each table as it was")
        is_noted = all(person.card_number in noted for person in lost) and noted.count("\n") == len(lost)
        self.promise("who is lost", f"{len(lost)} people", holds=is_noted, promised="their libraries can be told")
        status, words = self.register.readiness()
        is_shut = status == 503 and _JOURNAL_IS_AHEAD.format(len(erased)) in words
        self.promise("before the replay", f"{status}", holds=is_shut, promised="503, and why")
        self._open_after_moment(erased)
        took = time.monotonic() - begun
        self.promise("all of going back", f"{took:.0f} s", holds=took <= _MOST_SECONDS, promised=_IN_TIME)

    def _open_after_moment(self, erased: list[Person]) -> None:
        upgrade, again, verify = self._blocks["open"][:3]
        said = ("" if self._short else self.machine.run(upgrade)) + self.machine.run(again)
        # The root of after the moment is of a log that no longer is, and nothing else is named.
        named = self.machine.refusal(verify)
        days = {path.stem for path in self.machine.path("/srv/roots").glob("*.json")}
        newest = max(days)
        findings = [line for line in named.splitlines() if re.match(r"(The|Line|Link|Record|What) .*\.$", line)]
        only = bool(findings) and all(f"The root of {newest} " in finding for finding in findings)
        self.promise("the log's roots", f"{len(findings)} findings", holds=only, promised="the newest root alone")
        beside = self.machine.path("/srv/roots/of-another-log")
        beside.mkdir()
        shutil.move(self.machine.path(f"/srv/roots/{newest}.json"), beside)
        self._verify(erased, said + self.machine.run(verify))

    def _verify(self, erased: list[Person], said: str) -> None:
        with self.register.open():
            left = self.register.left_of(erased)
        replayed = re.search(r"(\d+) of those in the journal were still", said)
        again = int(replayed[1]) if replayed else 0
        self.promise("of those who were erased", f"{left} left", holds=left == 0, promised="none is left")
        self.promise("erased again", again, holds=again > 0, promised="those whom the backup brought back")
        is_whole = "Nothing is wrong with the access log." in said
        log = re.search(r"(\d+) links, (\d+) lines", said)
        self.promise("the access log", log[0] if log else said[-500:], holds=is_whole, promised="nothing is wrong")

    def _ask(self, sql: str) -> str:
        return self.machine.run(f'psql --username=postgres --dbname=lanekort -Atqc "{sql}"').strip()

    def _archive(self) -> None:
        """Wait until all that is committed has left the machine."""
        segment = self._ask("SELECT pg_walfile_name(pg_switch_wal())")
        while self._ask("SELECT last_archived_wal FROM pg_stat_archiver") < segment:
            time.sleep(0.1)
