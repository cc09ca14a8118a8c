"""Everything of the library's as one file (ZIP), made while it is sent."""

import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from io import RawIOBase
from typing import Final

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.desk.library.step_up import after_staff_step_up
from app.desk.routes import desk
from app.desk.terminal import this_terminal, this_workplace
from app.register.log.access_log import Viewer
from app.register.moving.export import PATRON_COLUMNS, TABLES, Row, each_patron, read_table
from app.register.staff.acts import note_library_act
from app.register.store.transaction import writing
from app.rules.csv_text import write_row
from app.rules.library.staff import LIBRARY_EXPORTED
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.http.streaming import stream_file

_ROWS_AT_ONCE: Final = 200


class _Pipe(RawIOBase):
    """What is written to it is taken out again. It cannot be sought in, so the ZIP is one that is streamed."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, piece: bytes) -> int:  # type: ignore[override]
        """Keep a piece."""
        self._pieces.append(bytes(piece))
        return len(piece)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken, self._pieces = b"".join(self._pieces), []
        return taken


@desk.get("/library/export")
@open_to(Audience.ADMINISTRATOR)
def library_export() -> str:
    """Say what is in the file."""
    return render_template("desk/library/export.html", workplace=this_workplace())


@desk.post("/library/export")
@open_to(Audience.ADMINISTRATOR)
@after_staff_step_up()
def export_library() -> ResponseReturnValue:
    """Send the file. It is noted for the administrators, and in each patron's log before that patron is in it."""
    workplace, instant = this_workplace(), now()
    viewer = this_terminal(workplace).viewer
    with writing():
        note_library_act(
            staff_id=current_user.staff_id, kind=LIBRARY_EXPORTED, subject=workplace.library_id, now=instant
        )
    name = f"{workplace.library_id}-{instant:%Y-%m-%d}.zip"
    return stream_file(lambda: _pieces(workplace.library_id, viewer, instant), name=name, mimetype="application/zip")


def _pieces(library_id: str, viewer: Viewer, instant: datetime) -> Iterator[bytes]:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        patrons = each_patron(library_id=library_id, viewer=viewer, now=instant)
        yield from _csv_and_lines(archive, pipe, "patrons", PATRON_COLUMNS, patrons)
        for name in TABLES:
            rows = read_table(name, library_id=library_id)
            if rows:
                yield from _csv_and_lines(archive, pipe, name, tuple(rows[0]), rows)
    yield pipe.take()


def _csv_and_lines(
    archive: zipfile.ZipFile, pipe: _Pipe, name: str, columns: tuple[str, ...], rows: Iterable[Row]
) -> Iterator[bytes]:
    """Write a table as CSV, for people, and as JSON, one object a line, for programs: a `'` in the CSV may be ours."""
    packer, packed = zlib.compressobj(), list[bytes]()
    with archive.open(f"{name}.csv", "w") as file:
        file.write(b"\xef\xbb\xbf" + write_row(columns).encode())
        for count, row in enumerate(rows):
            file.write(write_row(_plain(row[column]) for column in columns).encode())
            line = json.dumps({column: _plain(row[column]) for column in columns}, ensure_ascii=False)
            # Of a large library, what waits for its turn is large.
            packed.append(packer.compress(f"{line}\n".encode()))
            if count % _ROWS_AT_ONCE == 0:
                yield pipe.take()
    with archive.open(f"{name}.jsonl", "w") as file:
        opener = zlib.decompressobj()
        for piece in (*packed, packer.flush()):
            file.write(opener.decompress(piece))
    yield pipe.take()


def _plain(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)
