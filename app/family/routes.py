"""Settings: the family folder, from the child's side and from the guardian's."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.family.forms import PermissionForm
from app.register.card import families
from app.register.limits.budgets import TooManyAttempts
from app.register.patron.patrons import get_patron
from app.register.sign_in.pins import SignInRefused
from app.register.store.transaction import writing
from app.rules.card.number import NotACardNumber
from app.rules.people.ages import is_advised_off
from app.web.access import Audience, open_to
from app.web.clock import now, today
from app.web.faults.errors import wait_sentence
from app.web.faults.overload import evaluates
from app.web.sign_in.identity import carry_on_this_device
from app.web.sign_in.step_up import after_step_up, confirm_pin, pin_is_needed

family = Blueprint("family", __name__, template_folder="templates")


@family.get("/my/settings")
@open_to(Audience.PATRON)
def settings() -> str:
    """Show the settings: the permissions given and received, and the way to the devices."""
    return _show_settings(PermissionForm())


def _show_settings(form: PermissionForm) -> str:
    patron = get_patron(patron_id=current_user.patron_id)
    received = families.list_received(guardian_id=patron.id)
    return render_template(
        "family/settings.html",
        form=form,
        pin_is_needed=pin_is_needed(),
        given=families.list_given(patron_id=patron.id),
        received=received,
        advised_off=is_advised_off(birth_date=patron.birth_date, day=today()),
        advised_off_ids={person.id for person in received if is_advised_off(birth_date=person.birth_date, day=today())},
    )


@family.post("/my/settings")
@open_to(Audience.PATRON)
@after_step_up(asks_pin_itself=True)
@evaluates("pin")
def give() -> ResponseReturnValue:
    """Give a permission. A number that nobody has is answered as one that somebody has."""
    form = PermissionForm()
    if not form.validate():
        return _show_settings(form), 422
    try:
        if pin_is_needed():
            confirm_pin(form.pin.data or "")
        with writing():
            families.give_permission(
                patron_id=current_user.patron_id,
                guardian_card_number=form.guardian_card_number.data or "",
                may_carry_card=bool(form.may_carry_card.data),
                now=now(),
            )
    except SignInRefused:
        form.pin.errors = [_("The PIN is wrong.")]
    except TooManyAttempts as error:
        form.pin.errors = [wait_sentence(error.retry_after)]
    except NotACardNumber:
        form.guardian_card_number.errors = [_("A card number is N and nine digits, such as N000106188.")]
    except families.NotToOneself:
        form.guardian_card_number.errors = [_("This is your own card number. Enter the guardian's.")]
    except families.TooManyPermissions:
        form.guardian_card_number.errors = [_("You have given ten permissions. Withdraw one first.")]
    else:
        label = _("Settings")
        flash(_("The permission is sent. The guardian must switch it on under %(label)s.", label=label), "success")
        return redirect(url_for("family.settings"))
    return _show_settings(form), 422


@family.post("/my/settings/permissions/<id:permission_id>/withdraw")
@open_to(Audience.PATRON)
def withdraw(permission_id: int) -> ResponseReturnValue:
    """Withdraw a permission that was given."""
    with writing():
        families.withdraw_permission(patron_id=current_user.patron_id, permission_id=permission_id, now=now())
    flash(_("The permission is withdrawn. Your loans are no longer shown there."), "success")
    return redirect(url_for("family.settings"))


def _let_carry(permission_id: int, sentence: str, *, may: bool) -> ResponseReturnValue:
    with writing():
        families.let_carry(patron_id=current_user.patron_id, permission_id=permission_id, may=may, now=now())
    flash(sentence, "success")
    return redirect(url_for("family.settings"))


@family.post("/my/settings/permissions/<id:permission_id>/carry")
@open_to(Audience.PATRON)
@after_step_up()
def let_carry_card(permission_id: int) -> ResponseReturnValue:
    """Let the guardian's phone show the card too."""
    return _let_carry(permission_id, _("The guardian may carry your card too."), may=True)


@family.post("/my/settings/permissions/<id:permission_id>/no-carry")
@open_to(Audience.PATRON)
def stop_carrying_card(permission_id: int) -> ResponseReturnValue:
    """Take the card off the guardian's phone."""
    return _let_carry(permission_id, _("Your card no longer works on the guardian's phone."), may=False)


def _switch(permission_id: int, sentence: str, *, on: bool) -> ResponseReturnValue:
    with writing():
        families.switch(guardian_id=current_user.patron_id, permission_id=permission_id, on=on, now=now())
        if on:
            carry_on_this_device()
    flash(sentence, "success")
    return redirect(url_for("family.settings"))


@family.post("/my/settings/permissions/<id:permission_id>/on")
@open_to(Audience.PATRON)
def switch_on(permission_id: int) -> ResponseReturnValue:
    """Switch on the view of a child's loans; this device then shows the child's card too, where that is permitted."""
    return _switch(permission_id, _("Switched on. The loans are under %(label)s.", label=_("Loans")), on=True)


@family.post("/my/settings/permissions/<id:permission_id>/off")
@open_to(Audience.PATRON)
def switch_off(permission_id: int) -> ResponseReturnValue:
    """Switch off the view of a child's loans."""
    return _switch(permission_id, _("Switched off. You no longer see these loans."), on=False)
