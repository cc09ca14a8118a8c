"""People: who works at the library, invited, given rights, suspended and dismissed by its administrators."""

from collections.abc import Callable
from typing import Final

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectChoice, SelectField, StringField

from app.desk.library.step_up import after_staff_step_up
from app.desk.routes import desk
from app.desk.terminal import this_workplace
from app.register.limits.budgets import TooManyAttempts, take_tries
from app.register.staff.links import SENT, OwnSignIn, invite, send_link
from app.register.staff.machines import UsernameTaken
from app.register.staff.people import (
    LastAdministrator,
    Person,
    change_role,
    dismiss_colleague,
    get_person,
    list_people,
    read_email,
    reinstate,
    suspend,
)
from app.register.staff.staff import NoSuchStaff
from app.register.store.transaction import writing
from app.rules.library.staff import StaffRole, is_staff_name, is_username
from app.rules.people.contact import Contact, ContactNotValid, check_contact
from app.rules.typed import clean_text, clean_typed
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.errors import wait_sentence

_ROLES: Final = (
    SelectChoice(StaffRole.DESK.value, _l("Works at the desk")),
    SelectChoice(StaffRole.ADMINISTRATOR.value, _l("Administrator: the desk, and all that is here")),
)


class InviteForm(FlaskForm):
    """Whom to invite."""

    name = StringField(_l("Name"), filters=[lambda value: clean_text(value or "")])
    email = StringField(_l("E-mail"))
    username = StringField(_l("User name"), filters=[lambda value: clean_typed(value or "")])
    role = SelectField(_l("Role"), choices=_ROLES, default=StaffRole.DESK.value)


class RoleForm(FlaskForm):
    """What a colleague may do."""

    role = SelectField(_l("Role"), choices=_ROLES)


class LinkForm(FlaskForm):
    """Where a link to set up the sign-in goes, and that papers were seen."""

    email = StringField(_l("E-mail"))
    papers = BooleanField(_l("I have seen photo id or other papers that show who it is"))


@desk.get("/library/people")
@open_to(Audience.ADMINISTRATOR)
def people() -> str:
    """List who works at the library."""
    workplace = this_workplace()
    found = list_people(library_id=workplace.library_id)
    return render_template("desk/library/people.html", workplace=workplace, people=found, now=now())


@desk.route("/library/people/invite", methods=["GET", "POST"])
@open_to(Audience.ADMINISTRATOR)
@after_staff_step_up()
def people_invite() -> ResponseReturnValue:
    """Invite a colleague by e-mail."""
    form, workplace = InviteForm(), this_workplace()
    if not form.is_submitted():
        return render_template("desk/library/invite.html", workplace=workplace, form=form)
    email = _checked(form)
    if not form.errors and not any(field.errors for field in form):
        try:
            take_tries(tries=[(SENT, workplace.library_id)], now=now())
            with writing():
                staff_id = invite(
                    by=current_user.staff_id,
                    username=form.username.data or "",
                    name=form.name.data or "",
                    role=StaffRole(form.role.data),
                    email=email,
                    language=str(get_locale())[:2],
                    now=now(),
                )
        except UsernameTaken:
            form.username.errors = [_("Somebody has, or had, this user name. Take another one.")]
        except TooManyAttempts as error:
            form.username.errors = [wait_sentence(error.retry_after)]
        else:
            flash(
                _("%(name)s is invited. The link in the e-mail is good for three days.", name=form.name.data), "success"
            )
            return redirect(url_for("desk.person", staff_id=staff_id))
    return render_template("desk/library/invite.html", workplace=workplace, form=form), 422


def _checked(form: InviteForm) -> str:
    """Note what is wrong in the form at its fields, and return the e-mail address as it is sent to."""
    form.validate()
    if not is_staff_name(form.name.data or ""):
        form.name.errors = [_("A name has 1 to 120 characters.")]
    if not is_username(form.username.data or ""):
        form.username.errors = [_("A user name has 1 to 60 characters: A to Z, digits, and . _ @ - between them.")]
    return _email_of(form)


def _email_of(form: InviteForm | LinkForm) -> str:
    try:
        return check_contact(Contact(email=form.email.data or "", preferred_contact="email")).email or ""
    except ContactNotValid:
        form.email.errors = [_("This is not an e-mail address.")]
        return ""


@desk.get("/library/people/<id:staff_id>")
@open_to(Audience.ADMINISTRATOR)
def person(staff_id: int) -> str:
    """Show a colleague, and what can be done."""
    return _show(_found(staff_id), LinkForm(formdata=None))


def _found(staff_id: int) -> Person:
    try:
        return get_person(library_id=this_workplace().library_id, staff_id=staff_id)
    except NoSuchStaff:
        abort(404)


def _show(colleague: Person, form: LinkForm) -> str:
    workplace = this_workplace()
    if not form.is_submitted():
        form.email.data = read_email(library_id=workplace.library_id, staff_id=colleague.id)
    role = RoleForm(formdata=None, role=colleague.role)
    is_self = colleague.id == current_user.staff_id
    return render_template(
        "desk/library/person.html",
        workplace=workplace,
        person=colleague,
        form=form,
        role_form=role,
        is_self=is_self,
        now=now(),
    )


def _do(
    act: Callable[..., None], staff_id: int, done: str, *, leads_to: str = "", **given: object
) -> ResponseReturnValue:
    """Do an act on a colleague, and say what was done or why it was not."""
    try:
        with writing():
            act(by=current_user.staff_id, staff_id=staff_id, now=now(), **given)
    except NoSuchStaff:
        abort(404)
    except LastAdministrator:
        flash(_("Then no administrator would be left. Make somebody else an administrator first."), "danger")
    else:
        flash(done, "success")
        if leads_to:
            return redirect(leads_to)
    return redirect(url_for("desk.person", staff_id=staff_id))


@desk.post("/library/people/<id:staff_id>/role")
@open_to(Audience.ADMINISTRATOR)
@after_staff_step_up()
def person_role(staff_id: int) -> ResponseReturnValue:
    """Give a colleague another role."""
    form, colleague = RoleForm(), _found(staff_id)
    if not form.validate():
        abort(422)
    role = StaffRole(form.role.data)
    done = (
        _("%(name)s is an administrator now.", name=colleague.name)
        if role is StaffRole.ADMINISTRATOR
        else _("%(name)s works at the desk now, and is no administrator.", name=colleague.name)
    )
    leaves = colleague.id == current_user.staff_id and role is StaffRole.DESK
    return _do(change_role, staff_id, done, leads_to=url_for("desk.scan") if leaves else "", role=role)


@desk.post("/library/people/<id:staff_id>/suspend")
@open_to(Audience.ADMINISTRATOR)
@after_staff_step_up()
def person_suspend(staff_id: int) -> ResponseReturnValue:
    """Let a colleague in no more for now."""
    done = _("%(name)s is logged out everywhere and cannot log in.", name=_found(staff_id).name)
    return _do(suspend, staff_id, done)


@desk.post("/library/people/<id:staff_id>/reinstate")
@open_to(Audience.ADMINISTRATOR)
@after_staff_step_up()
def person_reinstate(staff_id: int) -> ResponseReturnValue:
    """Let a suspended colleague in again."""
    done = _("%(name)s can log in again.", name=_found(staff_id).name)
    return _do(reinstate, staff_id, done)


@desk.post("/library/people/<id:staff_id>/dismiss")
@open_to(Audience.ADMINISTRATOR)
@after_staff_step_up()
def person_dismiss(staff_id: int) -> ResponseReturnValue:
    """End a colleague's access for good."""
    done = _("%(name)s has no access any more.", name=_found(staff_id).name)
    return _do(dismiss_colleague, staff_id, done, leads_to=url_for("desk.people"))


@desk.post("/library/people/<id:staff_id>/link")
@open_to(Audience.ADMINISTRATOR)
@after_staff_step_up()
def person_link(staff_id: int) -> ResponseReturnValue:
    """Send a colleague a new link to set up the sign-in."""
    form, colleague, workplace = LinkForm(), _found(staff_id), this_workplace()
    email = _email_of(form)
    if not (colleague.awaits_setup or form.papers.data):
        form.papers.errors = [_("Look at papers first: whoever gets the link comes in.")]
    if form.email.errors or form.papers.errors or colleague.suspended_at is not None:
        return _show(colleague, form), 422
    try:
        take_tries(tries=[(SENT, workplace.library_id)], now=now())
    except TooManyAttempts as error:
        form.email.errors = [wait_sentence(error.retry_after)]
        return _show(colleague, form), 429
    done = _("%(name)s gets an e-mail. The link in it is good for three days.", name=colleague.name)
    try:
        return _do(send_link, staff_id, done, email=email, language=str(get_locale())[:2])
    except OwnSignIn:
        flash(_("Nobody sees their own papers. Ask another administrator, or whoever runs Lånekort."), "danger")
        return redirect(url_for("desk.person", staff_id=staff_id))
