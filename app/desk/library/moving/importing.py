"""A library's import of patrons: upload, columns, check, and taking in, each a step of one page."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from app.desk.library.step_up import after_staff_step_up
from app.desk.routes import desk
from app.desk.terminal import this_workplace
from app.register.limits.budgets import TooManyAttempts
from app.register.moving import imports as register
from app.register.staff.acts import note_library_act
from app.register.store.transaction import writing
from app.rules.csv_text import TOLD, EncodingInDoubt, write_row
from app.rules.library.staff import PATRONS_IMPORT_DELETED, PATRONS_IMPORT_STOPPED, PATRONS_IMPORTED
from app.rules.moving.columns import LABELS, LARGEST, NotAPatronFile, read_patron_file
from app.rules.moving.says import WHY, say_why
from app.rules.people.contact import LANGUAGES
from app.rules.people.fields import choices_of
from app.web.access import Audience, open_to, takes_files
from app.web.clock import now
from app.web.faults.errors import wait_sentence

OUTCOMES: Final = {
    register.NEW: _l("Taken in"),
    register.WAITS: _l("Will be taken in"),
    register.HERE: _l("Here already"),
    register.PERSON: _l("To be decided by a person"),
    register.REFUSED: _l("Refused"),
}
_LOOKED_AT_EVERY: Final = 5
"""Seconds."""
_SHOWN_LINES: Final = 100
_ROOM_FOR_FORM: Final = 64 * 1024


@desk.get("/library/import")
@open_to(Audience.ADMINISTRATOR)
def library_import() -> ResponseReturnValue:
    """Show the imports of the last 30 days, and the form for a file."""
    return _show_start()


def _show_start(*, refusal: str = "", status: int = 200) -> ResponseReturnValue:
    workplace = this_workplace()
    imports = register.list_imports(library_id=workplace.library_id)
    page = render_template(
        "desk/library/import.html",
        workplace=workplace,
        imports=imports,
        unfinished=next((each for each in imports if each.state in register.UNFINISHED), None),
        encodings=TOLD,
        state_words=_state_words(),
        refusal=refusal,
    )
    return page, status


@desk.post("/library/import")
@open_to(Audience.ADMINISTRATOR)
@takes_files(LARGEST + _ROOM_FOR_FORM)
def upload_patrons() -> ResponseReturnValue:
    """Read a file, keep it sealed, and show its columns."""
    workplace, told = this_workplace(), request.form.get("encoding", "")
    sent = request.files.get("file")
    content = sent.read() if sent is not None else b""
    try:
        register.take_upload(library_id=workplace.library_id, now=now())
        read = read_patron_file(content, told=told if told in TOLD else "")
        with writing():
            import_id = register.begin_import(
                library_id=workplace.library_id,
                actor=workplace.username,
                file=read,
                file_hash=register.hash_of_file(content),
                language="nb",
                now=now(),
            )
    except TooManyAttempts as error:
        return _show_start(refusal=wait_sentence(error.retry_after), status=429)
    except (NotAPatronFile, EncodingInDoubt) as error:
        why = error.why if isinstance(error, NotAPatronFile) else "encoding"
        return _show_start(refusal=_(WHY[why]), status=422)
    except register.ImportUnderWay:
        return _show_start(refusal=_("One import at a time. Finish or delete the one below first."), status=409)
    return redirect(url_for("desk.patron_import", import_id=import_id))


@desk.get("/library/import/<id:import_id>")
@open_to(Audience.ADMINISTRATOR)
def patron_import(import_id: int) -> ResponseReturnValue:
    """Show how far an import is, and what can be done next."""
    return _show(import_id)


def _show(import_id: int, *, refusal: str = "", chosen: Sequence[str] = (), status: int = 200) -> ResponseReturnValue:
    workplace = this_workplace()
    try:
        shown = register.read_import(import_id=import_id, library_id=workplace.library_id)
    except register.NoSuchImport:
        return _gone()
    in_question = shown.state == register.READ or "columns" in request.args
    columns = (
        register.list_columns(import_id=import_id, library_id=workplace.library_id)
        if in_question and shown.state in (register.READ, register.CHECKED)
        else []
    )
    if chosen:
        columns = [replace(column, field=field) for column, field in zip(columns, chosen, strict=False)]
        shown = replace(shown, consent=bool(request.form.get("consent")))
    works = shown.state in (register.CHECKING, register.TAKING)
    page = render_template(
        "desk/library/import_one.html",
        workplace=workplace,
        shown=shown,
        columns=columns,
        fields=LABELS,
        message_languages=choices_of("language"),
        outcomes=OUTCOMES,
        lines=_lines(shown, workplace.library_id),
        most_lines=_SHOWN_LINES,
        works=works,
        state_words=_state_words(),
        refusal=refusal,
    )
    # The page shows how far it is without a script too.
    return page, status, {"Refresh": str(_LOOKED_AT_EVERY)} if works else {}


def _gone() -> ResponseReturnValue:
    flash(_("This import is not there any more, or has gone on since. Look at where it is now."), "info")
    return redirect(url_for("desk.library_import"))


def _lines(shown: register.ShownImport, library_id: str) -> list[tuple[int, str]]:
    """Return the first lines that were refused, with the reason."""
    if shown.state in (register.READ, register.CHECKING):
        return []
    refused = register.each_line(import_id=shown.id, library_id=library_id, outcome=register.REFUSED)
    return [(line, say_why(why, _)) for (line, _outcome, why), _n in zip(refused, range(_SHOWN_LINES), strict=False)]


def _state_words() -> dict[str, str]:
    return {
        register.READ: _("Uploaded"),
        register.CHECKING: _("Being checked"),
        register.CHECKED: _("Checked"),
        register.TAKING: _("Being taken in"),
        register.STOPPED: _("Stopped"),
        register.DONE: _("Done"),
        register.OVER: _("The file was deleted after seven days"),
    }


@desk.post("/library/import/<id:import_id>/check")
@open_to(Audience.ADMINISTRATOR)
def check_patrons(import_id: int) -> ResponseReturnValue:
    """Let the file be checked with the chosen columns. Nothing is taken in."""
    library_id, fields = this_workplace().library_id, request.form.getlist("field")
    language = request.form.get("language", "")
    try:
        with writing():
            register.check_import(
                import_id=import_id,
                library_id=library_id,
                fields=fields,
                language=language if language in LANGUAGES else "nb",
                consent=bool(request.form.get("consent")),
            )
    except NotAPatronFile as error:
        return _show(import_id, refusal=_(WHY[error.why]), chosen=fields, status=422)
    except register.NoSuchImport:
        return _gone()
    return redirect(url_for("desk.patron_import", import_id=import_id))


@desk.post("/library/import/<id:import_id>/go")
@open_to(Audience.ADMINISTRATOR)
@after_staff_step_up()
def take_patrons_in(import_id: int) -> ResponseReturnValue:
    """Take the patrons in, or go on with it."""
    workplace, given = this_workplace(), request.form.get("by_day", "")
    by_day = int(given) if given.isascii() and given.isdigit() and len(given) < 6 else register.USUAL_BY_DAY
    try:
        with writing():
            register.take_in(import_id=import_id, library_id=workplace.library_id, by_day=by_day)
            _note(PATRONS_IMPORTED, import_id)
    except register.NoSuchImport:
        return _gone()
    return redirect(url_for("desk.patron_import", import_id=import_id))


@desk.post("/library/import/<id:import_id>/stop")
@open_to(Audience.ADMINISTRATOR)
def stop_patron_import(import_id: int) -> ResponseReturnValue:
    """Stop after the rows that are being taken in at this moment."""
    library_id = this_workplace().library_id
    try:
        with writing():
            register.stop_import(import_id=import_id, library_id=library_id)
            _note(PATRONS_IMPORT_STOPPED, import_id)
    except register.NoSuchImport:
        return _gone()
    return redirect(url_for("desk.patron_import", import_id=import_id))


@desk.post("/library/import/<id:import_id>/forget")
@open_to(Audience.ADMINISTRATOR)
def forget_patron_import(import_id: int) -> ResponseReturnValue:
    """Delete the file and its report. Patrons who were taken in stay."""
    library_id = this_workplace().library_id
    try:
        with writing():
            register.forget_import(import_id=import_id, library_id=library_id)
            _note(PATRONS_IMPORT_DELETED, import_id)
    except register.NoSuchImport:
        return _gone()
    flash(_("The file and its report are deleted. Whoever was taken in stays."), "success")
    return redirect(url_for("desk.library_import"))


@desk.get("/library/import/<id:import_id>/report.csv")
@open_to(Audience.ADMINISTRATOR)
def patron_import_report(import_id: int) -> ResponseReturnValue:
    """Give what became of each row, by its line, as CSV. Nothing of the rows themselves is in it."""
    try:
        lines = register.each_line(import_id=import_id, library_id=this_workplace().library_id)
        rows = [(line, OUTCOMES[outcome], say_why(why, _)) for line, outcome, why in lines]
    except register.NoSuchImport:
        return _gone()
    # With the mark by which Excel knows UTF-8.
    text = "\ufeff" + "".join(write_row(row) for row in [(_("Line"), _("Result"), _("Why")), *rows])
    response = Response(text, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="import-{import_id}.csv"'
    return response


def _note(kind: str, import_id: int) -> None:
    note_library_act(staff_id=current_user.staff_id, kind=kind, subject=str(import_id), now=now())
