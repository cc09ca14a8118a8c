"""The desk's post: letters to be printed, and messages that could not be sent."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _

from app.desk.routes import desk
from app.desk.terminal import this_terminal, this_workplace
from app.messages.channels import Post
from app.messages.compose import Words, subject_of
from app.register.messages import letters
from app.register.messages.outbox import Due
from app.register.patron.proven import PapersNotSeen
from app.register.store.transaction import writing
from app.web.access import Audience, open_to
from app.web.clock import now, today
from app.web.pages.languages import speak
from app.web.pages.squares import draw_link
from app.work.sending import write

_LARGEST_ID = 10**18


@dataclass(frozen=True, slots=True)
class Sheet:
    """A letter as it is printed. `words` are in the patron's language, and so is `day`, on which it is written."""

    language: str
    sender: tuple[str, ...]
    to: list[str]
    day: str
    words: Words


@desk.get("/post")
@open_to(Audience.STAFF)
def post() -> ResponseReturnValue:
    """Show this library's letters and the messages that failed; access to each patron's is logged first."""
    workplace = this_workplace()
    viewer, library_id = this_terminal(workplace).viewer, workplace.library_id
    channels: Post = current_app.extensions["post"]
    waiting, more_waiting = letters.list_letters(
        library_id=library_id, viewer=viewer, after=_after("letters"), now=now()
    )
    failed, more_failed = letters.list_failed(
        library_id=library_id, viewer=viewer, channels=channels.channels, after=_after("failed"), now=now()
    )
    return render_template(
        "desk/post.html",
        workplace=workplace,
        waiting=waiting,
        failed=failed,
        next_waiting=waiting[-1].id if waiting and more_waiting else None,
        next_failed=failed[-1].id if failed and more_failed else None,
        subject_of=subject_of,
    )


def _after(name: str) -> int:
    return min(max(request.args.get(name, 0, type=int), 0), _LARGEST_ID)


@desk.post("/post/<id:message_id>/letter")
@open_to(Audience.STAFF)
def print_letter(message_id: int) -> ResponseReturnValue:
    """Show a letter ready for the printer. Its link is made now; the link on an earlier print no longer works."""
    workplace = this_workplace()
    viewer, library_id, papers_seen = this_terminal(workplace).viewer, workplace.library_id, "papers" in request.form
    try:
        due = letters.open_letter(
            message_id=message_id, library_id=library_id, viewer=viewer, papers_seen=papers_seen, now=now()
        )
    except PapersNotSeen:
        flash(_("Not printed: look at photo id first, tick that you have, and hand the letter over."), "danger")
        return redirect(url_for("desk.post"))
    with writing():
        sheet = _write(due, library_id=library_id)
    picture = draw_link(sheet.words.link) if sheet.words.link else None
    return render_template("desk/letter.html", workplace=workplace, due=due, sheet=sheet, picture=picture)


def _write(due: Due, *, library_id: str) -> Sheet:
    with speak(due.language):
        day = format_date(today(), "long")
    sender, words = letters.get_sender(library_id=library_id), write(due, instant=now())
    return Sheet(language=due.language, sender=sender, to=due.to.splitlines(), day=day, words=words)


@desk.get("/post/<id:message_id>/letter")
@open_to(Audience.STAFF)
def back_from_letter(message_id: int) -> ResponseReturnValue:
    """Redirect to the list: a letter is shown by the POST that prints it, and not at its address alone."""
    return redirect(url_for("desk.post"))


def _change(change: Callable[..., None], message_id: int, sentence: str) -> ResponseReturnValue:
    library_id = this_workplace().library_id
    with writing():
        change(message_id=message_id, library_id=library_id, now=now())
    flash(sentence, "success")
    return redirect(url_for("desk.post"))


@desk.post("/post/<id:message_id>/printed")
@open_to(Audience.STAFF)
def printed(message_id: int) -> ResponseReturnValue:
    """Take a letter off the list."""
    return _change(letters.mark_printed, message_id, _("The letter is taken off the list."))


@desk.post("/post/<id:message_id>/retry")
@open_to(Audience.STAFF)
def retry(message_id: int) -> ResponseReturnValue:
    """Let the worker retry a message now."""
    sentence = _("The message is tried again now. Open this page anew in a minute to see how it went.")
    return _change(letters.try_again, message_id, sentence)


@desk.post("/post/<id:message_id>/as-letter")
@open_to(Audience.STAFF)
def send_as_letter(message_id: int) -> ResponseReturnValue:
    """Make a letter of a message that could not be sent."""
    return _change(letters.send_as_letter, message_id, _("The message is now a letter to be printed."))
