"""Settings: the family folder, from the child's side and from the guardian's."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.family.forms import PermissionForm
from app.register.card import families
from app.register.change import coming_of_age
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
from app.web.sign_in.step_up import after_step_up, confirm_pin, has_passkey, pin_is_needed

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
        has_passkey=has_passkey(),
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
            permission_id = families.give_permission(
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
        sent = _("The permission is sent to %(number)s. The guardian must switch it on under %(label)s.")
        flash(sent % {"number": form.guardian_card_number.data, "label": _("Settings")}, "success")
        return redirect(url_for("family.settings", _anchor=f"given-{permission_id}"))
    return _show_settings(form), 422


@family.post("/my/settings/permissions/<id:permission_id>/withdraw")
@open_to(Audience.PATRON)
def withdraw(permission_id: int) -> ResponseReturnValue:
    """Withdraw a permission that was given."""
    number = _number_given(permission_id)
    with writing():
        families.withdraw_permission(patron_id=current_user.patron_id, permission_id=permission_id, now=now())
    withdrawn = _("The permission to %(number)s is withdrawn. Your loans are no longer shown there.", number=number)
    flash(withdrawn, "success")
    return redirect(url_for("family.settings", _anchor="given"))


def _number_given(permission_id: int) -> str:
    given = families.list_given(patron_id=current_user.patron_id)
    return next((one.guardian_card_number for one in given if one.id == permission_id), "")


def _let_carry(permission_id: int, sentence: str, *, may: bool) -> ResponseReturnValue:
    number = _number_given(permission_id)
    with writing():
        families.let_carry(patron_id=current_user.patron_id, permission_id=permission_id, may=may, now=now())
    flash(sentence % {"number": number}, "success")
    return redirect(url_for("family.settings", _anchor=f"given-{permission_id}"))


@family.post("/my/settings/permissions/<id:permission_id>/carry")
@open_to(Audience.PATRON)
@after_step_up()
def let_carry_card(permission_id: int) -> ResponseReturnValue:
    """Let the guardian's phone show the card too."""
    return _let_carry(permission_id, _("Guardian %(number)s may now have your card on their phone."), may=True)


@family.post("/my/settings/permissions/<id:permission_id>/no-carry")
@open_to(Audience.PATRON)
def stop_carrying_card(permission_id: int) -> ResponseReturnValue:
    """Take the card off the guardian's phone."""
    return _let_carry(permission_id, _("Your card no longer works on the phone of guardian %(number)s."), may=False)


@family.post("/my/settings/permissions/<id:permission_id>/renew")
@open_to(Audience.PATRON)
@after_step_up()
def renew_permission(permission_id: int) -> ResponseReturnValue:
    """Let a permission stand when its giver becomes an adult."""
    number = _number_given(permission_id)
    with writing():
        coming_of_age.renew_permission(patron_id=current_user.patron_id, permission_id=permission_id, now=now())
    flash(_("The permission to %(number)s is renewed. It stands until you withdraw it.", number=number), "success")
    return redirect(url_for("family.settings", _anchor=f"given-{permission_id}"))


def _switch(permission_id: int, sentence: str, *, on: bool) -> ResponseReturnValue:
    with writing():
        families.switch(guardian_id=current_user.patron_id, permission_id=permission_id, on=on, now=now())
        if on:
            carry_on_this_device()
    received = families.list_received(guardian_id=current_user.patron_id)
    name = next((person.name for person in received if person.id == permission_id), "")
    flash(sentence % {"name": name, "label": _("Loans")}, "success")
    if request.form.get("back") == "my":
        return redirect(url_for("portal.my"))
    return redirect(url_for("family.settings", _anchor=f"received-{permission_id}"))


@family.post("/my/settings/permissions/<id:permission_id>/on")
@open_to(Audience.PATRON)
def switch_on(permission_id: int) -> ResponseReturnValue:
    """Switch on the view of a child's loans; this device then shows the child's card too, where that is permitted."""
    return _switch(permission_id, _("Switched on. The loans of %(name)s are under %(label)s."), on=True)


@family.post("/my/settings/permissions/<id:permission_id>/off")
@open_to(Audience.PATRON)
def switch_off(permission_id: int) -> ResponseReturnValue:
    """Switch off the view of a child's loans."""
    return _switch(permission_id, _("Switched off. You no longer see the loans of %(name)s."), on=False)
