"""The pages of the loan rules: the form with what patrons will read, the comparison before publishing, the file."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.desk.lending.counter import lending_of
from app.desk.library.rules.form import field_of, read_form, sent_values, subjects, subjects_of, values_of
from app.desk.library.rules.words import effect_words, fault_words, rules_refusal
from app.desk.routes import desk
from app.desk.system_refusals import SILENT
from app.desk.terminal import this_workplace
from app.ils.circulation.problems import BadRules
from app.ils.circulation.rulebook import DRAFT, Rulebook, RulebookState, WrittenRules
from app.ils.port import Refused, Unavailable
from app.register.staff.acts import note_library_act
from app.register.staff.staff import Workplace
from app.register.store.transaction import writing
from app.rules.library.staff import RULES_DRAFTED
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems
from app.web.pages.languages import message_language

_MOST_DIGITS: Final = 9


@dataclass
class _Sent:
    """A form that was sent in and not taken: what was typed, what is wrong, and whether somebody else came first."""

    values: dict[str, list[str]]
    form: list[Any]
    faults: dict[str, str] = field(default_factory=dict)
    refusal: str = ""
    is_late: bool = False
    removed: list[str] = field(default_factory=list)


@desk.get("/library/rules")
@open_to(Audience.ADMINISTRATOR)
def library_rules() -> ResponseReturnValue:
    """Show the draft, or else the newest rules, as a form beside what patrons read; and what was published."""
    workplace = this_workplace()
    lending = library_systems().lending(workplace.library_id)
    if lending is None:
        return render_template("desk/library/rules/elsewhere.html", workplace=workplace)
    try:
        return _show_form(workplace, lending.rulebook)
    except Unavailable:
        return _silent(workplace)


@desk.post("/library/rules")
@open_to(Audience.ADMINISTRATOR)
def save_library_rules() -> ResponseReturnValue:
    """Keep what was typed as the draft. Patrons see nothing of it, and nobody is charged by it."""
    workplace = this_workplace()
    book, who = lending_of(workplace).rulebook, {"staff": workplace.username}
    try:
        state = book.state(**who)
        base = _read_newest(book, state, workplace)
        revision = _number("revision")
        form = _sent_form(base)
        read = read_form(request.form, base=base.document, form=form, currency=base.rules.currency)
        sent = _Sent(sent_values(request.form, form), form, read.faults, removed=request.form.getlist("remove"))
        if not read.faults:
            try:
                saved = book.save_draft(revision=revision, document=read.document, staff=workplace.username)
            except BadRules as error:
                found = [(field_of(each.key, form, read.places), each) for each in (error, *error.others)]
                sent.faults = {name: fault_words(each) for name, each in reversed(found) if name}
                sent.refusal = "" if sent.faults else rules_refusal(error)
            except Refused as error:
                if error.code != "changed_meanwhile":
                    raise
                sent.is_late = True
            else:
                note_draft(saved)
                flash(_("The draft is saved. Nothing changes for patrons until you publish it."), "success")
                return redirect(url_for("desk.library_rules"))
        return _show_form(workplace, book, sent), 412 if sent.is_late else 422
    except Refused as error:
        flash(rules_refusal(error), "danger")
        return redirect(url_for("desk.library_rules"))
    except Unavailable:
        return _silent(workplace)


@desk.get("/library/rules/check")
@open_to(Audience.ADMINISTRATOR)
def check_library_rules() -> ResponseReturnValue:
    """Show what the draft changes, and what it would mean for the loans that are out; and ask whether to publish it."""
    workplace = this_workplace()
    book, who = lending_of(workplace).rulebook, {"staff": workplace.username}
    try:
        state = book.state(**who)
        if state.draft is None:
            return redirect(url_for("desk.library_rules"))
        earliest = max(state.today + timedelta(days=1), state.newest.valid_from or state.today)
        day, fault = _asked_day(earliest)
        draft, newest = (book.show(number=number, **who) for number in (DRAFT, state.newest.number))
        comparison = book.compare(valid_from=day, **who)
    except Refused as error:
        flash(rules_refusal(error), "danger")
        return redirect(url_for("desk.library_rules"))
    except Unavailable:
        return _silent(workplace)
    rules = {"state": state, "draft": draft.rules, "newest": newest.rules, "comparison": comparison}
    rules["effects"] = effect_words(comparison)
    return render_template("desk/library/rules/check.html", workplace=workplace, day=day, fault=fault, **rules)


@desk.get("/library/rules/change")
@open_to(Audience.ADMINISTRATOR)
def library_rules_change() -> ResponseReturnValue:
    """Show what rules that were published changed, as patrons read it."""
    workplace = this_workplace()
    book, who = lending_of(workplace).rulebook, {"staff": workplace.username}
    try:
        state = book.state(**who)
        version = next((each for each in state.versions if each.number == _number("number")), None)
        before = state.before(version.number) if version else None
        if version is None or before is None:
            raise Refused("unknown_version")
        old, new = (book.show(number=each.number, **who).rules for each in (before, version))
    except Refused as error:
        flash(rules_refusal(error), "danger")
        return redirect(url_for("desk.library_rules"))
    except Unavailable:
        return _silent(workplace)
    rules = {"version": version, "before": old, "after": new}
    return render_template("desk/library/rules/change.html", workplace=workplace, **rules)


@desk.get("/library/rules/file")
@open_to(Audience.ADMINISTRATOR)
def library_rules_file() -> ResponseReturnValue:
    """Hand out published rules, or the draft, as a file; the newest where none is named."""
    workplace = this_workplace()
    book, who = lending_of(workplace).rulebook, {"staff": workplace.username}
    try:
        number = _number("number", book.state(**who).newest.number)
        text = book.show(number=number, **who).toml
    except Refused as error:
        flash(rules_refusal(error), "danger")
        return redirect(url_for("desk.library_rules"))
    except Unavailable:
        return _silent(workplace)
    name = f"{workplace.library_id}-{number or 'draft'}.toml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, mimetype="application/toml", headers=headers)


def note_draft(state: RulebookState) -> None:
    """Note that the administrator changed the draft, which made this state."""
    with writing():
        note_library_act(staff_id=current_user.staff_id, kind=RULES_DRAFTED, subject=str(state.revision), now=now())


def _read_newest(book: Rulebook, state: RulebookState, workplace: Workplace) -> WrittenRules:
    number = DRAFT if state.draft is not None else state.newest.number
    return book.show(number=number, staff=workplace.username)


def _show_form(workplace: Workplace, book: Rulebook, sent: _Sent | None = None) -> str:
    state = book.state(staff=workplace.username)
    shown = _read_newest(book, state, workplace)
    form = subjects_of(shown.document, lang=message_language())
    theirs = values_of(shown.document, form)
    sent = sent or _Sent(theirs, form)
    return render_template(
        "desk/library/rules/form.html",
        workplace=workplace,
        state=state,
        rules=shown.rules,
        form=sent.form,
        sent=sent,
        theirs=theirs if sent.is_late else {},
        categories={category.id: category for category in shown.rules.categories},
    )


def _sent_form(base: WrittenRules) -> list[Any]:
    """The subjects of the form that was sent in, which may have other kinds of media than the rules have by now."""
    known = {category.id: category.names.get(message_language(), category.id) for category in base.rules.categories}
    kinds = {kind: known.get(kind, kind) for kind in request.form.getlist("kind")}
    return list(subjects(kinds=kinds, claims=min(_number("claims"), 9)))


def _number(name: str, usual: int = 0) -> int:
    given = request.values.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) <= _MOST_DIGITS else usual


def _asked_day(earliest: date) -> tuple[date, str]:
    asked = request.args.get("from", "")
    try:
        return (date.fromisoformat(asked), "") if asked else (earliest, "")
    except ValueError:
        return earliest, _("Write the day as year-month-day, such as %(day)s.", day=earliest.isoformat())


def _silent(workplace: Workplace) -> ResponseReturnValue:
    flash(str(SILENT), "danger")
    return render_template("desk/library/rules/elsewhere.html", workplace=workplace, silent=True), 503
