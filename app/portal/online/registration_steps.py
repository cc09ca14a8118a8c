"""The pages on the way to a card: who the child is, how to reach one, the home library, the code, the guardian."""

from dataclasses import asdict, replace
from typing import Any, Final

from flask import Response, current_app, flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.portal.online.registering import HANDLE, Progress, go_on, needs_guardian
from app.portal.online.registration_forms import ChildForm, DetailsForm, EmailForm, LibraryForm
from app.register.limits.budgets import TooManyAttempts, take_tries
from app.register.online.registration_codes import ask_for_email_code, confirm_email
from app.register.online.registrations import CHILD, SamePerson, fill_in, name_child
from app.register.patron.libraries import find_library_name, search_libraries
from app.register.sign_in.one_time import CodeNotValid
from app.register.store.transaction import writing
from app.rules.people.contact import ContactNotValid, check_contact
from app.rules.people.national_id import NotANationalId, SyntheticNationalId, parse_national_id
from app.rules.people.person import Person, PersonNotValid, check_person
from app.rules.pins.pin import CHILD_NUMBERS
from app.web.clock import now, today
from app.web.faults.errors import wait_page
from app.web.pages.patron_fields import show_faults

SHOWN_LIBRARIES: Final = 20


def show(
    step: str,
    progress: Progress,
    *,
    status: int = 200,
    wait: TooManyAttempts | None = None,
    **words: Any,  # noqa: ANN401
) -> Response:
    """Return the page of a step; with 429 where somebody has to `wait`."""
    place, of = progress.place_of(step)
    words |= {"progress": progress, "form_so_far": progress.draft.form, "place": place, "of": of}
    template = f"portal/register_{step}.html"
    return wait_page(template, wait, **words) if wait else make_response(render_template(template, **words), status)


def handle() -> str:
    """Return the handle of this browser's registration."""
    return str(session.get(HANDLE, ""))


def child(progress: Progress) -> ResponseReturnValue:
    """Take who the child is. The number is used in this request, and kept nowhere."""
    form = ChildForm(name=progress.draft.form.name, birth_date=progress.draft.form.birth_date)
    if not form.validate_on_submit():
        form.number.data = ""
        return show("child", progress, form=form, status=422 if form.is_submitted() else 200)
    take_tries(tries=[(CHILD_NUMBERS, f"guardian {progress.draft.owner}")], now=now())
    name, birth_date = form.name.data or "", form.birth_date.data
    assert birth_date is not None
    try:
        allow_synthetic = current_app.config["SYNTHETIC_IDS"]
        number = parse_national_id(form.number.data or "", today=today(), allow_synthetic=allow_synthetic)
        person = check_person(Person(name, birth_date, "unknown"), day=today())
        with writing():
            name_child(handle=handle(), national_id=number, name=person.name, birth_date=birth_date, now=now())
    except (NotANationalId, SyntheticNationalId):
        form.number.errors = [_("That is no national identity number. Look at it once more.")]
    except PersonNotValid as error:
        show_faults(form, error.faults)
    except SamePerson:
        form.number.errors = [_("That is your own number. Type the child's.")]
    else:
        return go_on()
    form.number.data = ""
    return show("child", progress, form=form, status=422)


def details(progress: Progress) -> ResponseReturnValue:
    """Take contact data; and name and birth date, where the sign-in service did not give them."""
    so_far = progress.draft.form
    given = {"name": so_far.name_verified, "birth_date": so_far.birth_date_verified}
    asked = [] if progress.draft.kind == CHILD else [name for name, is_given in given.items() if not is_given]
    form = DetailsForm(**asdict(so_far)) if not request.form else DetailsForm()
    if not form.validate_on_submit():
        return show("details", progress, form=form, asked=asked, status=422 if form.is_submitted() else 200)
    try:
        contact = check_contact(form.contact())
        if contact.email is None:
            raise ContactNotValid({"email": "needed"})
        who = _check_who(form, asked=asked)
    except (ContactNotValid, PersonNotValid) as error:
        show_faults(form, error.faults)
    else:
        with writing():
            fill_in(handle=handle(), now=now(), **asdict(contact), **who)
        return go_on()
    return show("details", progress, form=form, asked=asked, status=422)


def _check_who(form: DetailsForm, *, asked: list[str]) -> dict[str, object]:
    """Return what was typed of who it is. Raises PersonNotValid."""
    birth_date = form.birth_date.data if "birth_date" in asked else today()
    if birth_date is None:
        raise PersonNotValid({"birth_date": "missing"})
    name = form.name.data or "" if "name" in asked else "A"
    typed = asdict(check_person(Person(name, birth_date, "unknown"), day=today()))
    return {part: typed[part] for part in asked}


def library(progress: Progress) -> ResponseReturnValue:
    """Take the home library, found by name or place."""
    words = request.args.get("q", "")[:80]
    form, fault = LibraryForm(), ""
    if form.is_submitted():
        if not form.validate() or find_library_name(library_id=form.library_id.data or "") is None:
            fault = _("Choose one of the libraries.")
        else:
            if progress.draft.kind != CHILD or _is_for_child(progress, form.library_id.data or ""):
                with writing():
                    fill_in(handle=handle(), library_id=form.library_id.data, now=now())
                return go_on()
            fault = _("At this library the child is old enough to get the card without you. Let the child log in here.")
    chosen = progress.draft.form.library_id
    found = search_libraries(words=words, limit=SHOWN_LIBRARIES + 1)
    name = find_library_name(library_id=chosen) if chosen else None
    shown: dict[str, Any] = {"chosen": chosen, "chosen_name": name, "words": words, "found": found[:SHOWN_LIBRARIES]}
    shown["has_more"] = len(found) > SHOWN_LIBRARIES
    return show("library", progress, form=form, fault=fault, status=422 if fault else 200, **shown)


def _is_for_child(progress: Progress, library_id: str) -> bool:
    return needs_guardian(replace(progress.draft, form=replace(progress.draft.form, library_id=library_id)))


def email(progress: Progress) -> ResponseReturnValue:
    """Send a code to the e-mail address, and take it."""
    form = EmailForm()
    if not form.validate_on_submit():
        return show("email", progress, form=form, sent=progress.draft.awaits_code)
    if not form.code.data:
        try:
            ask_for_email_code(handle=handle(), now=now())
        except TooManyAttempts as error:
            return show("email", progress, wait=error, form=form, sent=progress.draft.awaits_code)
        return redirect(url_for("portal.register_step", step="email"))
    try:
        confirm_email(handle=handle(), code=form.code.data, address=request.remote_addr or "", now=now())
    except CodeNotValid:
        form.code.errors = [_("The code is wrong or too old.")]
        return show("email", progress, form=form, sent=True, status=422)
    except TooManyAttempts as error:
        return show("email", progress, wait=error, form=form, sent=True)
    flash(_("Your e-mail address is confirmed."), "success")
    return go_on()


def guardian(progress: Progress) -> ResponseReturnValue:
    """Say that a guardian goes on from here."""
    return show("guardian", progress)
