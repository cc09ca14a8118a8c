"""`flask import-patrons`: check a library's file of patrons, and with `--go` take them in."""

from pathlib import Path
from typing import Final

import click
from flask import current_app
from flask.cli import with_appcontext

from app.cli.failing import failing
from app.cli.starting import commanding
from app.register.moving import imports as register
from app.register.moving.known import Rules
from app.register.moving.taking import work_on
from app.register.patron.libraries import NoSuchLibrary
from app.register.staff.acts import note_operators_act
from app.register.store.transaction import reading, writing
from app.rules.csv_text import TOLD, EncodingInDoubt
from app.rules.library.staff import PATRONS_IMPORTED
from app.rules.moving.columns import (
    LABELS,
    LARGEST,
    NotAPatronFile,
    PatronFile,
    correct_fields,
    is_secret,
    read_patron_file,
)
from app.rules.moving.says import WHY, say_why
from app.rules.people.contact import LANGUAGES
from app.web.clock import now

_OPERATOR: Final = "the operator"
_UNUSED: Final = "unused"
_BEGUN: Final = (register.TAKING, register.STOPPED)
_SAYS: Final = {
    register.NEW: "taken in",
    register.WAITS: "would be taken in",
    register.HERE: "already here",
    register.PERSON: "need a person: the same name and birth date",
    register.REFUSED: "refused",
}


def _as_columns(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return pairs of a field and its column. Raises BadParameter where there is no such field."""
    chosen = [(field, column) for field, _equals, column in (each.partition("=") for each in given)]
    if any(field not in (*LABELS, _UNUSED) or not column for field, column in chosen):
        raise click.BadParameter(f"say FIELD=HEADING. The fields: {', '.join([*LABELS, _UNUSED])}.")
    return [("" if field == _UNUSED else field, column) for field, column in chosen]


@click.command("import-patrons")
@click.argument("library_id")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--go", is_flag=True, help="Take the patrons in. Without it, nothing but the check is done.")
@click.option("--consent", is_flag=True, help="The guardians of all children in the file have agreed to the card.")
@click.option(
    "--by-day", type=click.IntRange(register.LEAST_BY_DAY, register.MOST_BY_DAY), default=register.USUAL_BY_DAY
)
@click.option("--language", type=click.Choice(LANGUAGES), default="nb", help="Of messages, where the file has none.")
@click.option("--encoding", type=click.Choice(TOLD), default=None, help="Of the file; without it, it is found out.")
@click.option(
    "--column",
    "columns",
    metavar="FIELD=HEADING",
    multiple=True,
    callback=_as_columns,
    help="What a column is, where it was not found out: its heading or its number; the field unused leaves it out.",
)
@with_appcontext
@commanding
def import_patrons(
    library_id: str,
    file: Path,
    *,
    go: bool,
    consent: bool,
    by_day: int,
    language: str,
    encoding: str | None,
    columns: list[tuple[str, str]],
) -> None:
    """Check FILE, CSV with the patrons of the library LIBRARY_ID, and name each bad row by its line.

    With --go they are taken in: whoever is here already stays as they are, and the same file twice adds nobody. What
    was interrupted goes on when the same command is given again. --by-day messages to new patrons are sent a day.
    """
    with file.open("rb") as opened:
        content = opened.read(LARGEST + 1)
    try:
        read = read_patron_file(content, told=encoding or "")
        fields = correct_fields(read.headings, columns)
    except (NotAPatronFile, EncodingInDoubt) as error:
        raise click.ClickException(f"{file.name}: {WHY[_code_of(error)]}") from None
    file_hash = register.hash_of_file(content)
    click.echo(f"Read {file.name}: {len(read.rows)} rows, {read.encoding}.")
    for number, (heading, field) in enumerate(zip(read.headings, fields, strict=True), 1):
        click.echo(f"  {number}. {heading}: {'never taken in' if is_secret(heading) else field or _UNUSED}")
    with reading():
        import_id = register.find_same_file(library_id=library_id, actor=_OPERATOR, file_hash=file_hash)
    if import_id is None:
        import_id = _begin(library_id, read, file_hash, language)
    with failing("The import is not there any more: somebody deleted it.", register.NoSuchImport):
        if not _is_begun(import_id, library_id):
            _check(import_id, library_id, fields, language=language, consent=consent)
        elif not go:
            raise click.ClickException("This file is being taken in. With --go it goes on. Nothing was changed.")
        else:
            click.echo("It was interrupted, and goes on with the columns, the language and the consent of then.")
        if go:
            _take_in(import_id, library_id, by_day=by_day)
        refused = _report(import_id, library_id, file.name, done=go)
        if not go:
            with writing():
                register.forget_import(import_id=import_id, library_id=library_id)
            click.echo("Nothing was changed. With --go they are taken in.")
    if refused:
        raise SystemExit(1)


def _is_begun(import_id: int, library_id: str) -> bool:
    """Tell whether patrons are being taken in."""
    with reading():
        return register.read_import(import_id=import_id, library_id=library_id).state in _BEGUN


def _code_of(error: NotAPatronFile | EncodingInDoubt) -> str:
    return error.why if isinstance(error, NotAPatronFile) else "encoding"


def _begin(library_id: str, read: PatronFile, file_hash: str, language: str) -> int:
    unfinished = "The library has another import that is not finished. Finish or delete it first."
    with (
        failing(f"There is no library {library_id}.", NoSuchLibrary),
        failing(unfinished, register.ImportUnderWay),
        writing(),
    ):
        return register.begin_import(
            library_id=library_id, actor=_OPERATOR, file=read, file_hash=file_hash, language=language, now=now()
        )


def _check(import_id: int, library_id: str, fields: list[str], *, language: str, consent: bool) -> None:
    """Check the file, from its beginning: what was interrupted may have gone by other columns."""
    try:
        with writing():
            register.check_import(
                import_id=import_id, library_id=library_id, fields=fields, language=language, consent=consent
            )
    except NotAPatronFile as error:
        with writing():
            register.forget_import(import_id=import_id, library_id=library_id)
        raise click.ClickException(WHY[error.why]) from None
    _work(import_id, library_id, register.CHECKING, "Checked")


def _take_in(import_id: int, library_id: str, *, by_day: int) -> None:
    with reading():
        state = register.read_import(import_id=import_id, library_id=library_id).state
    if state != register.TAKING:
        with writing():
            register.take_in(import_id=import_id, library_id=library_id, by_day=by_day)
            note_operators_act(library_id=library_id, kind=PATRONS_IMPORTED, subject=str(import_id), now=now())
    _work(import_id, library_id, register.TAKING, "Taken in")


def _work(import_id: int, library_id: str, state: str, label: str) -> None:
    with reading():
        rows = register.read_import(import_id=import_id, library_id=library_id).rows
    with click.progressbar(length=rows, label=label, show_pos=True) as progress:
        while True:
            with writing():
                found = register.find_import(import_id=import_id, library_id=library_id, lock=True)
                if found.state != state:
                    break
                work_on(found, Rules(now=now(), allow_synthetic=current_app.config["SYNTHETIC_IDS"]))
                done = found.done
            progress.update(done - progress.pos)


def _report(import_id: int, library_id: str, name: str, *, done: bool) -> int:
    """Print what became of the rows, and return how many were refused."""
    with reading():
        shown = register.read_import(import_id=import_id, library_id=library_id)
        for line, outcome, why in register.each_line(import_id=import_id, library_id=library_id):
            if outcome in (register.REFUSED, register.PERSON):
                click.echo(f"{name}:{line}: {say_why(why, str) or _SAYS[outcome]}", err=True)
    says = {
        outcome: sentence
        for outcome, sentence in _SAYS.items()
        if outcome != (register.WAITS if done else register.NEW) or shown.counts[outcome]
    }
    click.echo(", ".join(f"{shown.counts[outcome]} {sentence}" for outcome, sentence in says.items()))
    return shown.counts[register.REFUSED]
