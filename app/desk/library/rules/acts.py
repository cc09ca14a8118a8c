"""What an administrator does with the loan rules besides writing them: a file comes in, rules are published, and taken
back."""

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Final

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.desk.lending.counter import lending_of
from app.desk.library.rules.pages import note_draft
from app.desk.library.rules.words import file_fault_words, rules_refusal
from app.desk.library.step_up import after_staff_step_up
from app.desk.routes import desk
from app.desk.system_refusals import SILENT
from app.desk.terminal import this_workplace
from app.ils.circulation.problems import BadRules
from app.ils.circulation.rulebook import Rulebook
from app.ils.port import Refused, Unavailable
from app.register.staff.acts import note_library_act
from app.register.store.transaction import writing
from app.rules.library.staff import RULES_DISCARDED, RULES_PUBLISHED, RULES_WITHDRAWN
from app.rules.typed import clean_typed
from app.web.access import Audience, open_to
from app.web.clock import now

_LONGEST_NOTE: Final = 300
_MOST_DIGITS: Final = 9
Act = Callable[[Rulebook, str, int], str]


def _with_rulebook(act: Act) -> Callable[[], ResponseReturnValue]:
    """A view that does something with the rules, and shows them with the sentence that it returns. The act gets the
    rules' calls, the administrator's user name, and the revision that the form was made for."""

    @wraps(act)
    def view() -> ResponseReturnValue:
        workplace = this_workplace()
        book = lending_of(workplace).rulebook
        try:
            flash(act(book, workplace.username, _number("revision")), "success")
        except BadRules as error:
            for each in (error, *error.others):
                flash(file_fault_words(each), "danger")
        except Refused as error:
            flash(rules_refusal(error), "danger")
        except Unavailable:
            flash(str(SILENT), "danger")
        return redirect(url_for("desk.library_rules"))

    return view


@desk.post("/library/rules/import")
@open_to(Audience.ADMINISTRATOR)
@_with_rulebook
def import_library_rules(book: Rulebook, staff: str, revision: int) -> str:
    """Make a file the draft."""
    file = request.files.get("file")
    # What is not UTF-8 is refused by its line, like any other fault: TOML knows no such character.
    text = file.read().decode("utf-8", "replace") if file is not None else ""
    note_draft(book.save_draft(revision=revision, toml=text, staff=staff))
    return _("The file is the draft now. Nothing changes for patrons until you publish it.")


@desk.post("/library/rules/again")
@open_to(Audience.ADMINISTRATOR)
@_with_rulebook
def use_library_rules_again(book: Rulebook, staff: str, revision: int) -> str:
    """Make rules that were published once the draft."""
    note_draft(book.save_draft(revision=revision, number=_number("number"), staff=staff))
    return _("Those rules are the draft now. Choose the day from which they hold again.")


@desk.post("/library/rules/discard")
@open_to(Audience.ADMINISTRATOR)
@_with_rulebook
def discard_library_rules(book: Rulebook, staff: str, revision: int) -> str:
    """Drop the draft."""
    _note(RULES_DISCARDED, str(book.discard_draft(revision=revision, staff=staff).revision))
    return _("The draft is deleted.")


@desk.post("/library/rules/publish")
@open_to(Audience.ADMINISTRATOR)
@after_staff_step_up()
@_with_rulebook
def publish_library_rules(book: Rulebook, staff: str, revision: int) -> str:
    """Let the draft hold from a day."""
    try:
        day = date.fromisoformat(request.form.get("valid_from", ""))
    except ValueError:
        raise Refused("date_in_past") from None
    note = clean_typed(request.form.get("note", ""))[:_LONGEST_NOTE]
    book.publish(revision=revision, valid_from=day, note=note, staff=staff)
    _note(RULES_PUBLISHED, day.isoformat())
    return _("The rules are published. They hold from the day that you chose.")


@desk.post("/library/rules/withdraw")
@open_to(Audience.ADMINISTRATOR)
@after_staff_step_up()
@_with_rulebook
def withdraw_library_rules(book: Rulebook, staff: str, revision: int) -> str:
    """Take back rules that do not hold yet."""
    number = _number("number")
    state = book.withdraw(revision=revision, number=number, staff=staff)
    day = next(version.valid_from for version in state.versions if version.number == number)
    _note(RULES_WITHDRAWN, day.isoformat() if day else "")
    return _("The rules are taken back. What held before them goes on.")


def _note(kind: str, subject: str) -> None:
    with writing():
        note_library_act(staff_id=current_user.staff_id, kind=kind, subject=subject, now=now())


def _number(name: str) -> int:
    given = request.form.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) <= _MOST_DIGITS else 0
