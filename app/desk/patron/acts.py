"""What a desk does with the card of the patron before it. Each act answers with one sentence, on the patron's page."""

from collections.abc import Callable
from functools import wraps

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.desk.patron.forms import ActivateForm, DeathForm, NewPinForm, PapersForm
from app.desk.refusals import RefusedHere, show_refusal
from app.desk.routes import desk
from app.desk.terminal import current_visit, note_papers, this_workplace
from app.register.card.cards import report_found, report_lost, revoke_device
from app.register.change import coming_of_age
from app.register.change.deaths import report_death, withdraw_death_report
from app.register.change.enrolment import activate_here, note_guardian_consent
from app.register.change.membership import end_affiliation, opt_out, upgrade_to_national
from app.register.desk.visits import NoOpenVisit, OpenVisit
from app.register.limits.unusual import Kind, count_act
from app.register.patron.patrons import NotJoined
from app.register.sign_in.devices import NoSuchDevice
from app.register.sign_in.pin_orders import send_new_pin_link
from app.register.staff.staff import Workplace
from app.register.store.transaction import writing
from app.rules.errors import RuleBroken
from app.web.access import Audience, open_to
from app.web.clock import now


def for_patron(
    *, fields: str = "card number, card state", joined: bool = True
) -> Callable[[Callable[..., str | Response]], Callable[..., ResponseReturnValue]]:
    """Let a view do something for the patron before the desk, and show their page with the sentence that it returns.

    The view gets the open visit and the workplace; access to `fields` is logged. `joined`: it is refused where the card
    is not activated at this library. A RuleBroken becomes a sentence on the patron's page.
    """

    def wrap(act: Callable[..., str | Response]) -> Callable[..., ResponseReturnValue]:
        @wraps(act)
        def view(**parameters: object) -> ResponseReturnValue:
            workplace = this_workplace()
            visit = current_visit(workplace, fields=fields, extend=True)
            try:
                if joined and not visit.activated_here:
                    raise NotJoined
                done = act(visit, workplace, **parameters)
            except NoOpenVisit:
                raise
            except RuleBroken as error:
                return show_refusal(error)
            if isinstance(done, Response):
                return done
            flash(done, "success")
            return redirect(url_for("desk.patron"))

        return view

    return wrap


@desk.post("/patron/activate")
@open_to(Audience.STAFF)
@for_patron(joined=False)
def activate(visit: OpenVisit, workplace: Workplace) -> str:
    """Let the card be used here, once its holder accepts the rules."""
    form = ActivateForm()
    if not form.validate():
        raise RefusedHere(_("The card is not activated: the patron must accept the library's rules first."))
    if visit.looked_up and not form.papers.data:
        raise RefusedHere(_("The card is not activated: look at photo id or the plastic card first, and say so."))
    count_act(Kind.DESK_ACTIVATION, library_id=workplace.library_id, now=now())
    consent, library_id = form.consent.data, workplace.library_id
    with writing():
        activate_here(patron_id=visit.patron_id, library_id=library_id, guardian_consent=consent, now=now())
    return _("The card is activated here.")


@desk.post("/patron/consent")
@open_to(Audience.STAFF)
@for_patron()
@writing()
def consent(visit: OpenVisit, _workplace: Workplace) -> str:
    """Note that a guardian has consented."""
    note_guardian_consent(patron_id=visit.patron_id, now=now())
    return _("The guardian's consent is noted.")


@desk.post("/patron/rules")
@open_to(Audience.STAFF)
@for_patron()
@writing()
def accept_rules(visit: OpenVisit, _workplace: Workplace) -> str:
    """Note that the patron, whom a guardian no longer answers for, accepts the rules."""
    coming_of_age.accept_rules(patron_id=visit.patron_id, now=now())
    return _("It is noted that the patron accepts the rules.")


@desk.post("/patron/lost")
@open_to(Audience.STAFF)
@for_patron()
@writing()
def block_lost(visit: OpenVisit, _workplace: Workplace) -> str:
    """Block a card that is lost."""
    report_lost(patron_id=visit.patron_id, now=now())
    return _("The card is blocked everywhere, and taken off every device.")


@desk.post("/patron/found")
@open_to(Audience.STAFF)
@for_patron()
@writing()
def unblock_found(visit: OpenVisit, _workplace: Workplace) -> str:
    """Let a card that was found again work."""
    report_found(patron_id=visit.patron_id, now=now())
    return _("The card works again. On the phone the patron must log in anew.")


@desk.post("/patron/devices/<id:device_id>/revoke")
@open_to(Audience.STAFF)
@for_patron()
@writing()
def revoke(visit: OpenVisit, _workplace: Workplace, device_id: int) -> str:
    """Take the card off one of the patron's devices."""
    if not visit.in_full:
        raise NoSuchDevice
    revoke_device(patron_id=visit.patron_id, device_id=device_id, now=now())
    return _("The card is off that device.")


@desk.post("/patron/new-pin")
@open_to(Audience.STAFF)
@for_patron()
@writing()
def new_pin(visit: OpenVisit, workplace: Workplace) -> str:
    """Send the patron a link to a new PIN, or have a letter printed."""
    by_letter = NewPinForm().by.data == "letter"
    send_new_pin_link(patron_id=visit.patron_id, library_id=workplace.library_id, by_letter=by_letter, now=now())
    if by_letter:
        return _("A letter with the way to a new PIN waits under %(label)s.", label=_("Post"))
    return _("A message with the way to a new PIN is on its way. The present PIN works until then.")


@desk.post("/patron/opt-out")
@open_to(Audience.STAFF)
@for_patron()
@writing()
def leave_national(visit: OpenVisit, workplace: Workplace) -> str:
    """Make the card a local one."""
    papers_seen = bool(PapersForm().papers.data)
    opt_out(patron_id=visit.patron_id, library_id=workplace.library_id, only_at_home=not papers_seen, now=now())
    if papers_seen:
        note_papers(visit.patron_id, workplace, fields="home library")
    return _("The card is valid at this library only. The other libraries are told.")


@desk.post("/patron/upgrade")
@open_to(Audience.STAFF)
@for_patron(joined=False)
@writing()
def join_national(visit: OpenVisit, _workplace: Workplace) -> str:
    """Make a local card a national one. Any library's desk may, with its holder present."""
    upgrade_to_national(patron_id=visit.patron_id, now=now())
    return _("The card is a national one. At each other library it is activated at first use.")


@desk.post("/patron/leave")
@open_to(Audience.STAFF)
@for_patron()
@writing()
def leave(visit: OpenVisit, workplace: Workplace) -> str:
    """End the card at this library."""
    end_affiliation(patron_id=visit.patron_id, library_id=workplace.library_id, now=now())
    return _("The card is ended at this library. It stays valid at the others.")


@desk.get("/patron/death")
@open_to(Audience.STAFF)
def death() -> ResponseReturnValue:
    """Ask whether a death is certain, and say what follows from reporting it."""
    workplace = this_workplace()
    visit = current_visit(workplace, fields="name, card number", extend=False)
    return render_template("desk/death.html", workplace=workplace, visit=visit, form=DeathForm(formdata=None))


@desk.post("/patron/death")
@open_to(Audience.STAFF)
@for_patron()
@writing()
def report(visit: OpenVisit, workplace: Workplace) -> str | Response:
    """Close the card of somebody who is dead."""
    if not DeathForm().validate():
        flash(_("Nothing was reported: tick that the message is certain."), "danger")
        return redirect(url_for("desk.death"))
    report_death(patron_id=visit.patron_id, library_id=workplace.library_id, now=now())
    return _("The death is reported. The card is closed.")


@desk.post("/patron/death/withdraw")
@open_to(Audience.STAFF)
@for_patron()
@writing()
def withdraw_death(visit: OpenVisit, workplace: Workplace) -> str:
    """Withdraw a report of a death that was a mistake, within the day."""
    withdraw_death_report(patron_id=visit.patron_id, library_id=workplace.library_id, now=now())
    return _("The report is taken back. The card works as before; on the phone the patron must log in anew.")
