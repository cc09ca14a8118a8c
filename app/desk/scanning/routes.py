"""The scan field's requests: what is scanned, what is undone, and the end of a visit."""

from flask import flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.lending.counter import Served, see_served, served_forms
from app.desk.lending.forms import LostForm, ScanForm, UndoForm
from app.desk.patron.recent import recently_served
from app.desk.refusals import UNREADABLE, refusal_of
from app.desk.routes import desk
from app.desk.scanning.cards import shown_code
from app.desk.scanning.lines import Line, Sign
from app.desk.scanning.taking import Taken, take_scan
from app.desk.scanning.undoing import NothingToUndo, undo
from app.desk.system_refusals import refusal_at_desk
from app.desk.terminal import this_terminal, this_workplace, visit_mark
from app.ils.port import Refused, Unavailable
from app.register.desk.visits import NoOpenVisit
from app.register.limits.budgets import TooManyAttempts
from app.register.patron.patrons import NotJoined
from app.rules.card.status import CardRefused
from app.web.access import Audience, open_to
from app.web.clock import now, today
from app.web.faults.errors import wait_sentence
from app.web.gate import library_systems

_SHOWN = 40


@desk.route("", methods=["GET", "POST"])
@open_to(Audience.STAFF)
def scan() -> ResponseReturnValue:
    """Show the patron who is being served, and what can be done. A page without a script sends its scans here.

    Nothing of an earlier patron is kept on the page.
    """
    form, workplace = ScanForm(), this_workplace()
    taken: Taken | None = None
    if form.is_submitted():
        taken = _take_or_say(form) if form.validate() else Taken(_line(_("That could not be read.")))
        if form.place.data == "return":
            return render_template("desk/returns.html", workplace=workplace, line=taken.line, lost_form=LostForm())
    lending = library_systems().lending(workplace.library_id)
    served: Served | None = None
    refusal = ""
    if lending is not None and visit_mark():
        account = taken.opened.account if taken and taken.opened else None
        try:
            served = see_served(workplace, lending, account=account)
        except (CardRefused, NotJoined) as error:
            refusal = refusal_of(error)
        except NoOpenVisit:
            pass
    return render_template(
        "desk/desk.html",
        workplace=workplace,
        taken=taken,
        served=served,
        lends=lending is not None,
        recent=() if served or taken else recently_served(workplace),
        refusal=refusal,
        today=today(),
        **(served_forms(served) if served else {}),
    )


def _take_or_say(form: ScanForm) -> Taken:
    try:
        return take_scan(form, now=now())
    except Unavailable:
        silent = _("The library's system does not answer now. Nothing is certain; try the same item again.")
        return Taken(_line(silent, code=form.payload.data or ""))
    except TooManyAttempts as error:
        return Taken(_line(wait_sentence(error.retry_after)))


def _line(reason: str, *, code: str = "") -> Line:
    return Line(code=code, sign=Sign.REFUSED, headline=reason)


@desk.post("/scans")
@open_to(Audience.STAFF)
def scans() -> ResponseReturnValue:
    """Take one scan, and answer with its line for the page's running list, as JSON.

    503 where the library's system does not answer: it is unknown whether anything was done, and the page sends the
    same scan again.
    """
    form = ScanForm()
    if not form.validate():
        return answer_line(_line(str(UNREADABLE), code=(form.payload.data or "")[:_SHOWN]))
    try:
        taken = take_scan(form, now=now())
    except Unavailable:
        return jsonify(code="unavailable"), 503, {"Retry-After": "2"}
    except TooManyAttempts as error:
        line = _line(wait_sentence(error.retry_after), code=shown_code(form.payload.data or ""))
        return answer_line(line, is_card=True)
    return answer_line(taken.line, is_card=taken.is_card)


@desk.post("/undo")
@open_to(Audience.STAFF)
def undo_scan() -> ResponseReturnValue:
    """Undo a check-out or a return of this desk. A page without a script is led back to the scan field."""
    form = UndoForm()
    line = _undone(form) if form.validate() else _line(_("Nothing was changed."))
    if form.is_scripted():
        return answer_line(line)
    return flash_line(line)


def flash_line(line: Line) -> ResponseReturnValue:
    """Lead a page without a script back to the scan field, and say there what the line says."""
    flash(f"{line.headline} {line.title}", "danger" if line.sign is Sign.REFUSED else "success")
    return redirect(url_for("desk.scan"))


def _undone(form: UndoForm) -> Line:
    workplace = this_workplace()
    lending = library_systems().lending(workplace.library_id)
    try:
        if lending is None:
            raise NothingToUndo
        done = undo(form.done.data or "", lending=lending, staff=this_terminal(workplace).viewer.actor, now=now())
    except NothingToUndo:
        return _line(_("Too much time has gone by. Nothing was changed."))
    except Refused as refused:
        return _line(refusal_at_desk(refused.code))
    except Unavailable:
        return _line(_("The library's system does not answer now. Look at the list before you try again."))
    undone = {"lent": _("Undone: not lent."), "reserved": _("Undone: not reserved.")}
    headline = undone.get(done.what) or _("Undone: on loan as before.")
    return Line(code=done.barcode, sign=Sign.ATTENTION, headline=headline, title=done.title)


def answer_line(line: Line, *, is_card: bool = False) -> ResponseReturnValue:
    """Answer the page's script with a line for the running list."""
    shown = render_template("desk/line.html", line=line)
    who = line.title if is_card and line.state == "done" else ""
    told = {"state": line.state, "sign": line.sign, "card": is_card, "visit": visit_mark(), "who": who}
    return jsonify(**told, owed=line.owed, line=shown)
