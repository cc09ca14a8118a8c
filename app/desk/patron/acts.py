"""What a desk does with the card of the patron before it. Each act answers with one sentence, on the patron's page."""

from collections.abc import Callable

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.patron.forms import ActivateForm, NewPinForm, PapersForm
from app.desk.refusals import refusal_of
from app.desk.routes import desk
from app.desk.terminal import ask_for_card, current_visit, note_papers, this_workplace
from app.register.card.cards import report_found, report_lost, revoke_device
from app.register.change.enrolment import activate_here, note_guardian_consent
from app.register.change.membership import end_affiliation, opt_out, upgrade_to_national
from app.register.desk.open_visits import NoOpenVisit, OpenVisit
from app.register.limits.unusual import Kind, count_act
from app.register.patron.patrons import NotJoined
from app.register.sign_in.devices import NoSuchDevice
from app.register.sign_in.pin_at_desk import order_new_pin
from app.register.staff.staff import Workplace
from app.register.store.transaction import writing
from app.rules.errors import RuleBroken
from app.web.access import Audience, open_to
from app.web.clock import now

_FIELDS = "card number, card state"

Act = Callable[[OpenVisit, Workplace], str]


class NobodySeen(RuleBroken):
    """The patron was looked up, and nothing that they showed says that it is they."""


def act_for_patron(
    act: Act, *, joined: bool = True, check: Callable[[OpenVisit, Workplace], None] = lambda *_who: None
) -> ResponseReturnValue:
    """Do something for the patron before the desk in one transaction, and show their page again with what came of it.

    `joined`: only a library where the card is activated may. `check` comes first; what it counts stays counted.
    """
    workplace = this_workplace()
    try:
        visit = current_visit(workplace, fields=_FIELDS, extend=True)
        if joined and not visit.activated_here:
            raise NotJoined
        check(visit, workplace)
        with writing():
            sentence = act(visit, workplace)
        flash(sentence, "success")
    except NoOpenVisit:
        return ask_for_card()
    except NobodySeen:
        flash(_("The card is not activated: look at photo id or the plastic card first, and say so."), "danger")
    except RuleBroken as error:
        flash(refusal_of(error), "danger")
    return redirect(url_for("desk.patron"))


@desk.post("/patron/activate")
@open_to(Audience.STAFF)
def activate() -> ResponseReturnValue:
    """Let the card be used here, once its holder accepts the rules."""
    form = ActivateForm()
    if not form.validate():
        flash(_("The card is not activated: the patron must accept the library's rules first."), "danger")
        return redirect(url_for("desk.patron"))

    def check(visit: OpenVisit, workplace: Workplace) -> None:
        if visit.looked_up and not form.papers.data:
            raise NobodySeen
        count_act(Kind.DESK_ACTIVATION, library_id=workplace.library_id, now=now())

    def act(visit: OpenVisit, workplace: Workplace) -> str:
        activate_here(
            patron_id=visit.patron_id,
            library_id=workplace.library_id,
            guardian_consent=form.consent.data,
            now=now(),
        )
        return _("The card is activated here.")

    return act_for_patron(act, joined=False, check=check)


@desk.post("/patron/consent")
@open_to(Audience.STAFF)
def consent() -> ResponseReturnValue:
    """Note that a guardian has consented."""

    def act(visit: OpenVisit, _workplace: Workplace) -> str:
        note_guardian_consent(patron_id=visit.patron_id, now=now())
        return _("The guardian's consent is noted.")

    return act_for_patron(act)


@desk.post("/patron/lost")
@open_to(Audience.STAFF)
def block_lost() -> ResponseReturnValue:
    """Block a card that is lost."""

    def act(visit: OpenVisit, _workplace: Workplace) -> str:
        report_lost(patron_id=visit.patron_id, now=now())
        return _("The card is blocked everywhere, and taken off every device.")

    return act_for_patron(act)


@desk.post("/patron/found")
@open_to(Audience.STAFF)
def unblock_found() -> ResponseReturnValue:
    """Let a card that was found again work."""

    def act(visit: OpenVisit, _workplace: Workplace) -> str:
        report_found(patron_id=visit.patron_id, now=now())
        return _("The card works again. On the phone the patron must log in anew.")

    return act_for_patron(act)


@desk.post("/patron/devices/<id:device_id>/revoke")
@open_to(Audience.STAFF)
def revoke(device_id: int) -> ResponseReturnValue:
    """Take the card off one of the patron's devices."""

    def act(visit: OpenVisit, _workplace: Workplace) -> str:
        if not visit.in_full:
            raise NoSuchDevice
        revoke_device(patron_id=visit.patron_id, device_id=device_id, now=now())
        return _("The card is off that device.")

    return act_for_patron(act)


@desk.post("/patron/new-pin")
@open_to(Audience.STAFF)
def new_pin() -> ResponseReturnValue:
    """Send the patron the way to a new PIN, or let it be printed."""
    form = NewPinForm()
    by_letter = form.by.data == "letter"

    def act(visit: OpenVisit, workplace: Workplace) -> str:
        order_new_pin(patron_id=visit.patron_id, library_id=workplace.library_id, by_letter=by_letter, now=now())
        if by_letter:
            return _("A letter with the way to a new PIN waits under Post.")
        return _("A message with the way to a new PIN is on its way. The present PIN works until then.")

    return act_for_patron(act)


@desk.post("/patron/opt-out")
@open_to(Audience.STAFF)
def leave_national() -> ResponseReturnValue:
    """Make the card a local one."""
    papers_seen = bool(PapersForm().papers.data)

    def act(visit: OpenVisit, workplace: Workplace) -> str:
        opt_out(patron_id=visit.patron_id, library_id=workplace.library_id, only_at_home=not papers_seen, now=now())
        if papers_seen:
            note_papers(visit, workplace, fields="home library")
        return _("The card is valid at this library only. The other libraries are told.")

    return act_for_patron(act)


@desk.post("/patron/upgrade")
@open_to(Audience.STAFF)
def join_national() -> ResponseReturnValue:
    """Make a local card a national one. Any library's desk may, with its holder before it."""

    def act(visit: OpenVisit, _workplace: Workplace) -> str:
        upgrade_to_national(patron_id=visit.patron_id, now=now())
        return _("The card is a national one. At each other library it is activated at first use.")

    return act_for_patron(act, joined=False)


@desk.post("/patron/leave")
@open_to(Audience.STAFF)
def leave() -> ResponseReturnValue:
    """End the card at this library."""

    def act(visit: OpenVisit, workplace: Workplace) -> str:
        end_affiliation(patron_id=visit.patron_id, library_id=workplace.library_id, now=now())
        return _("The card is ended at this library. It stays valid at the others.")

    return act_for_patron(act)
