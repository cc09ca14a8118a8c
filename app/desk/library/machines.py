"""A library's machines: connected, given new passwords and disconnected by its administrators, who see how they do."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Final

from flask import Response, abort, current_app, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import SelectChoice, SelectField, StringField
from wtforms.validators import Regexp

from app.desk.library.step_up import after_staff_step_up
from app.desk.routes import desk
from app.desk.terminal import this_workplace
from app.register.library.webhooks import list_webhooks
from app.register.staff.acts import note_library_act
from app.register.staff.machine_use import WRONG_PASSWORD, UsedMachine, list_used_machines
from app.register.staff.machines import (
    FORMER_PASSWORD,
    NoSuchMachine,
    UsernameTaken,
    connect_machine,
    disconnect_machine,
    draw_password,
    rotate_password,
)
from app.register.store.transaction import writing
from app.rules.card.scan import Reason
from app.rules.library.staff import MACHINE_CONNECTED, MACHINE_DISCONNECTED, MACHINE_ROTATED
from app.rules.typed import clean_identifier
from app.web.access import Audience, open_to
from app.web.clock import now

KINDS: Final = {
    "kiosk": _l("Kiosk or door: reads cards and checks PINs"),
    "system": _l("The library's system: reads and changes your patrons' data"),
    "supplier": _l("Supplier of e-books: checks card number and PIN"),
}
REFUSED_FOR: Final[Mapping[str, object]] = {
    WRONG_PASSWORD: _l("wrong password: has it the newest one?"),
    Reason.NOT_OURS: _l("no library card: somebody scanned something else"),
    Reason.MISREAD: _l("read wrongly: is the glass clean?"),
    Reason.UNKNOWN: _l("unknown or deleted card"),
    Reason.REVOKED: _l("blocked card"),
    Reason.EXPIRED: _l("the patron must log in again on the phone"),
    Reason.CLOCK: _l("too old a code: the phone's clock is wrong, or it was a picture"),
    Reason.REPLAY: _l("a code that was used already"),
    Reason.THROTTLED: _l("too many wrong codes"),
    Reason.STATIC_FORBIDDEN: _l("a plastic card's code, which your library does not take"),
}
"""Why a machine was refused, and what one can look at."""

NOT_DELIVERED: Final[Mapping[str, object]] = {
    "no_answer": _l("No answer. Is the address right and public, and its certificate valid?"),
    "too_slow": _l("No answer within ten seconds."),
    "not_admitted": _l("It answered that the signature is wrong: has it the newest key?"),
    "busy": _l("It answered that it is busy."),
    "bad_answer": _l("It answered with an error of its own."),
}
"""Why a notice did not arrive."""


class ConnectForm(FlaskForm):
    """A new machine. Its user name begins with the library's number, so that no two libraries want the same."""

    kind = SelectField(_l("What it is"), choices=[SelectChoice(*each) for each in KINDS.items()])
    name = StringField(
        _l("Name"),
        filters=[lambda text: text and clean_identifier(text).lower()],
        validators=[Regexp(r"[a-z0-9]{1,30}\Z", message=_l("1 to 30 letters a to z and digits."))],
    )


class WebhookForm(FlaskForm):
    """Where the library's system is notified."""

    url = StringField(_l("Address"), filters=[lambda text: text and text.strip()])


def _own(username: str) -> UsedMachine:
    """Return a machine of this library; another library's is answered as one that is not there."""
    found = list_used_machines(library_id=this_workplace().library_id, now=now())
    return next((each for each in found if each.username == username), None) or abort(404)


def _of_this_library(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    # Before anything is asked: who it is, too.
    @wraps(view)
    def check(machine: str) -> ResponseReturnValue:
        return view(machine=_own(machine).username)

    return check


@desk.get("/library/machines")
@open_to(Audience.ADMINISTRATOR)
def machines() -> str:
    """Show the library's machines, and the webhook of its system."""
    return show_machines(ConnectForm(formdata=None), WebhookForm(formdata=None))


def show_machines(form: ConnectForm, webhook_form: WebhookForm) -> str:
    """Return the page with both of its forms as they are."""
    workplace = this_workplace()
    library_id = workplace.library_id
    return render_template(
        "desk/library/machines.html",
        workplace=workplace,
        machines=list_used_machines(library_id=library_id, now=now()),
        webhook=next(iter(list_webhooks(library_id=library_id)), None),
        form=form,
        webhook_form=webhook_form,
        kinds=KINDS,
        refused_for=REFUSED_FOR,
        not_delivered=NOT_DELIVERED,
        former_days=FORMER_PASSWORD.days,
    )


@desk.post("/library/machines")
@open_to(Audience.ADMINISTRATOR)
@after_staff_step_up()
def connect() -> ResponseReturnValue:
    """Let a machine sign in, and show its password, this once."""
    form = ConnectForm()
    if not form.validate():
        return show_machines(form, WebhookForm(formdata=None)), 422
    library_id, password = this_workplace().library_id, draw_password()
    username = f"{library_id}-{form.name.data}"
    try:
        with writing():
            connect_machine(username=username, library_id=library_id, kind=form.kind.data, password=password)
            note_library_act(staff_id=current_user.staff_id, kind=MACHINE_CONNECTED, subject=username, now=now())
    except UsernameTaken:
        form.name.errors = [_("A machine has this name already.")]
        return show_machines(form, WebhookForm(formdata=None)), 422
    return _show_password(_own(username), password)


@desk.post("/library/machines/<machine>/password")
@open_to(Audience.ADMINISTRATOR)
@_of_this_library
@after_staff_step_up()
def rotate(machine: str) -> ResponseReturnValue:
    """Give a machine a new password, and show it, this once. The former one works for a week more."""
    try:
        with writing():
            password = rotate_password(username=machine, now=now())
            note_library_act(staff_id=current_user.staff_id, kind=MACHINE_ROTATED, subject=machine, now=now())
    except NoSuchMachine:
        abort(404)
    return _show_password(_own(machine), password)


@desk.get("/library/machines/<machine>/password")
@open_to(Audience.ADMINISTRATOR)
@_of_this_library
def back_from_password(machine: str) -> ResponseReturnValue:
    """Redirect to the list: a password is shown by the POST that draws it, and never again."""
    return redirect(url_for("desk.machines"))


@desk.post("/library/machines/<machine>/disconnect")
@open_to(Audience.ADMINISTRATOR)
@_of_this_library
@after_staff_step_up()
def disconnect(machine: str) -> ResponseReturnValue:
    """End a machine's access at once."""
    try:
        with writing():
            disconnect_machine(username=machine)
            note_library_act(staff_id=current_user.staff_id, kind=MACHINE_DISCONNECTED, subject=machine, now=now())
    except NoSuchMachine:
        abort(404)
    flash(_("%(name)s is disconnected, and cannot sign in any more.", name=machine), "success")
    return redirect(url_for("desk.machines"))


@desk.get("/library/machines/<machine>/sheet.txt")
@open_to(Audience.ADMINISTRATOR)
def machine_sheet(machine: str) -> Response:
    """Return what who sets the machine up has to know, as a text file. The password is not in it."""
    own = _own(machine)
    workplace = this_workplace()
    text = render_template(
        "desk/library/machine_sheet.txt",
        machine=own,
        library=workplace.library,
        library_id=workplace.library_id,
        url=current_app.config["PUBLIC_URL"].rstrip("/"),
    )
    sheet = make_response(text)
    sheet.headers["Content-Type"] = "text/plain; charset=utf-8"
    sheet.headers["Content-Disposition"] = f'attachment; filename="{own.username}.txt"'
    return sheet


def _show_password(machine: UsedMachine, password: str) -> str:
    return render_template(
        "desk/library/machine_password.html", workplace=this_workplace(), machine=machine, password=password
    )
