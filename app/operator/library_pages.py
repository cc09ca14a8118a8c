"""The operator's page of one library: how it is, and what is safe to do for it.

Each act calls what the command of the same name calls, and stands in the library's own list of what was done.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from flask import abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.operator import acts
from app.operator.country import kind_of
from app.operator.door import kept, operator
from app.operator.pages import FAULTS, begin_round
from app.register.figures.backlog import read_library_backlog
from app.register.library.waiting import retry_waiting
from app.register.library.webhooks import list_webhooks
from app.register.patron.libraries import NoSuchLibrary, find_library_name, read_settings
from app.register.staff.machine_use import list_used_machines
from app.register.staff.machines import NoSuchMachine, UsernameTaken
from app.register.staff.staff import NoSuchStaff, list_staff
from app.register.store.transaction import writing
from app.rules.library.settings import LIBRARY_SETTINGS, SettingNotValid
from app.rules.library.staff import StaffRole
from app.rules.people.contact import LANGUAGES, ContactNotValid
from app.rules.people.fields import choices_of
from app.rules.typed import clean_text, clean_typed
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems
from app.web.pages.languages import message_language

_UNDO: Final = "operators_undo"
"""Under this the browser's cookie keeps the library, the setting and its former value, until the page is shown."""


@operator.get("/libraries/<library_id>")
@open_to(Audience.OPERATOR)
def library(library_id: str) -> ResponseReturnValue:
    """Show one library: state, settings, staff, machines, and its line of notices."""
    return _show(library_id)


def _show(library_id: str, *, invited: Mapping[str, str] | None = None) -> str:
    name = find_library_name(library_id=library_id) or abort(404)
    begin_round()
    staff = list_staff(library_id=library_id)
    undone = session.pop(_UNDO, None)
    return render_template(
        "operator/library.html",
        library_id=library_id,
        name=name,
        kind=kind_of(library_systems(), library_id),
        answer=kept().watch.seen()[0].get(library_id),
        faults=FAULTS,
        settings=LIBRARY_SETTINGS.values(),
        values=read_settings(library_id=library_id),
        undo=undone[1:] if undone and undone[0] == library_id else None,
        staff=staff,
        has_administrator=any(each.role == StaffRole.ADMINISTRATOR for each in staff),
        machines=list_used_machines(library_id=library_id, now=now()),
        webhook=next(iter(list_webhooks(library_id=library_id)), None),
        backlog=read_library_backlog(library_id=library_id, now=now()),
        languages_of_mail=choices_of("language"),
        language=message_language(),
        typed=invited or {},
    )


def _back(library_id: str, said: str) -> ResponseReturnValue:
    flash(said, "success")
    return redirect(url_for("operator.library", library_id=library_id))


def _link_said(username: str) -> str:
    return _("%(name)s gets an e-mail. The link in it is good for three days, and once.", name=username)


def _again(library_id: str, said: str, *, invited: Mapping[str, str] | None = None) -> ResponseReturnValue:
    """Show the page with what is wrong, and what was typed of an invitation."""
    flash(said, "danger")
    return _show(library_id, invited=invited), 422


@operator.post("/libraries/<library_id>/settings")
@open_to(Audience.OPERATOR)
def set_value(library_id: str) -> ResponseReturnValue:
    """Change one setting of a library (`libraries set`), and offer to undo it."""
    setting = LIBRARY_SETTINGS.get(request.form.get("name", "")) or abort(400)
    text = request.form.get("value", "").strip()
    try:
        before = acts.set_library(library_id=library_id, name=setting.name, text=text, now=now())
    except NoSuchLibrary:
        abort(404)
    except SettingNotValid:
        flash(_("%(name)s takes %(what)s.", name=setting.name, what=setting.takes), "danger")
        return redirect(url_for("operator.library", library_id=library_id))
    if before != text:
        session[_UNDO] = [library_id, setting.name, before]
    return _back(library_id, _("%(name)s is %(value)s.", name=setting.name, value=text))


@operator.post("/libraries/<library_id>/retry")
@open_to(Audience.OPERATOR)
def retry(library_id: str) -> ResponseReturnValue:
    """Try a library's notices now."""
    with writing():
        retry_waiting(library_id=library_id, now=now())
    return _back(library_id, _("The notices are tried now."))


@operator.post("/libraries/<library_id>/webhook/stop")
@open_to(Audience.OPERATOR)
def stop_webhook(library_id: str) -> ResponseReturnValue:
    """Notify a library's system no more (`webhooks stop`)."""
    try:
        acts.stop_webhook(library_id=library_id, now=now())
    except NoSuchLibrary:
        abort(404)
    return _back(library_id, _("Its system is notified no more. It can still fetch what has changed."))


@operator.post("/libraries/<library_id>/machines/disconnect")
@open_to(Audience.OPERATOR)
def disconnect(library_id: str) -> ResponseReturnValue:
    """End a machine's access at once (`machines disconnect`)."""
    username = request.form.get("username", "")
    try:
        acts.disconnect(username=username, now=now(), library_id=library_id)
    except NoSuchMachine:
        abort(404)
    return _back(library_id, _("%(name)s is disconnected, and cannot sign in any more.", name=username))


@operator.post("/libraries/<library_id>/staff/invite")
@open_to(Audience.OPERATOR)
def invite(library_id: str) -> ResponseReturnValue:
    """Send somebody a link to set up their sign-in (`staff invite`): the first administrator invites the rest."""
    role, language = request.form.get("role", ""), request.form.get("language", "")
    if role not in set(StaffRole) or language not in LANGUAGES:
        abort(400)
    username = clean_typed(request.form.get("username", ""))
    again = partial(_again, library_id, invited=request.form)
    try:
        acts.invite_staff(
            library_id=library_id,
            username=username,
            name=clean_text(request.form.get("name", "")),
            email=request.form.get("email", ""),
            role=role,
            language=language,
            now=now(),
        )
    except NoSuchLibrary:
        abort(404)
    except acts.NotAName:
        return again(_("Write a name of at most 120 characters."))
    except ContactNotValid:
        return again(_("This is not an e-mail address."))
    except acts.NotAUsername:
        return again(_("A user name has 1 to 60 characters: A to Z, digits, and . _ @ - between them."))
    except UsernameTaken:
        return again(_("This user name is taken. Choose another one."))
    return _back(library_id, _link_said(username))


@operator.post("/libraries/<library_id>/staff/link")
@open_to(Audience.OPERATOR)
def send_link(library_id: str) -> ResponseReturnValue:
    """Send somebody whose papers were seen a new link (`staff send-link`)."""
    username, language = request.form.get("username", ""), request.form.get("language", "")
    if language not in LANGUAGES:
        abort(400)
    try:
        acts.send_staff_link(
            username=username,
            email=request.form.get("email", ""),
            language=language,
            now=now(),
            library_id=library_id,
        )
    except NoSuchStaff:
        abort(404)
    except ContactNotValid:
        return _again(library_id, _("This is not an e-mail address."))
    return _back(library_id, _link_said(username))


@operator.post("/libraries/<library_id>/staff/dismiss")
@open_to(Audience.OPERATOR)
def dismiss(library_id: str) -> ResponseReturnValue:
    """End somebody's access and sessions at once (`staff dismiss`)."""
    username = request.form.get("username", "")
    try:
        acts.dismiss_staff(username=username, now=now(), library_id=library_id)
    except NoSuchStaff:
        abort(404)
    return _back(library_id, _("%(name)s cannot sign in any more.", name=username))
