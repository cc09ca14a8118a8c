"""The page on which administrators change their library's contact and branches."""

from dataclasses import asdict

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf import FlaskForm

from app.desk.library.face.forms import BranchForm, FactsForm, blame_facts, read_number
from app.desk.routes import desk
from app.desk.terminal import this_workplace
from app.register.face.facts import (
    NoSuchBranch,
    TooManyBranches,
    add_branch,
    change_branch,
    change_facts,
    find_branch,
    list_branches,
    read_facts,
    remove_branch,
)
from app.register.face.opening import read_branch_hours
from app.register.staff.acts import note_library_act
from app.register.store.transaction import writing
from app.rules.library.face import BranchFacts, ChangedMeanwhile, FaceNotValid, Facts, version_of
from app.rules.library.staff import BRANCH_ADDED, BRANCH_CHANGED, BRANCH_REMOVED, FACE_CHANGED
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.pages.opening_words import open_sentence


@desk.route("/library/face", methods=["GET", "POST"])
@open_to(Audience.ADMINISTRATOR)
def library_face() -> ResponseReturnValue:
    """Show and change how the public reaches the library."""
    library_id = this_workplace().library_id
    form = FactsForm()
    if not form.is_submitted():
        return _show_facts(form, theirs=None, status=200)
    typed = Facts(**{name: form[name].data or "" for name in _names(Facts)})
    try:
        with writing():
            before = read_facts(library_id=library_id)
            facts = change_facts(library_id=library_id, facts=typed, shown=form.shown.data or "")
            new = [value for name, value in asdict(facts).items() if before and value != getattr(before, name)]
            _note(FACE_CHANGED, ", ".join(filter(None, new)) or facts.name)
    except FaceNotValid as error:
        blame_facts(form, error.faults)
        return _show_facts(form, theirs=None, status=422)
    except ChangedMeanwhile:
        return _show_facts(form, theirs=read_facts(library_id=library_id), status=409)
    flash(_("Saved. This is what patrons read now."), "success")
    return redirect(url_for("desk.library_face"))


def _show_facts(form: FactsForm, *, theirs: Facts | None, status: int) -> ResponseReturnValue:
    workplace = this_workplace()
    facts = read_facts(library_id=workplace.library_id)
    assert facts is not None
    if not form.is_submitted():
        _fill(form, facts)
    if theirs is not None or not form.is_submitted():
        # Who sends the form again has seen what the others wrote.
        form.shown.data = version_of(facts)
    every = read_branch_hours(library_id=workplace.library_id)
    page = render_template(
        "desk/library/face.html",
        workplace=workplace,
        form=form,
        differing=_differing(form, theirs),
        branches=list_branches(library_id=workplace.library_id),
        hours={id_: open_sentence(hours, now=now()) for id_, hours in every.items()},
    )
    return page, status


@desk.route("/library/branch", methods=["GET", "POST"])
@open_to(Audience.ADMINISTRATOR)
def library_branch() -> ResponseReturnValue:
    """Show and change a branch, or with no `id` in the address add one."""
    library_id, branch_id = this_workplace().library_id, _asked_branch()
    form = BranchForm()
    try:
        stored = None if branch_id is None else find_branch(library_id=library_id, branch_id=branch_id)
        if not form.is_submitted():
            return _show_branch(form, stored, theirs=None, status=200)
        typed = BranchFacts(**{name: form[name].data or "" for name in _names(BranchFacts)})
        with writing():
            if branch_id is None:
                added = add_branch(library_id=library_id, facts=typed)
            else:
                change_branch(library_id=library_id, branch_id=branch_id, facts=typed, shown=form.shown.data or "")
            _note(BRANCH_ADDED if branch_id is None else BRANCH_CHANGED, typed.name)
    except FaceNotValid as error:
        blame_facts(form, error.faults)
        return _show_branch(form, stored, theirs=None, status=422)
    except ChangedMeanwhile:
        return _show_branch(form, stored, theirs=stored, status=409)
    except TooManyBranches:
        flash(_("There are a hundred branches already."), "warning")
        return redirect(url_for("desk.library_face"))
    if branch_id is None:
        flash(_("Saved. Fill in when the branch is open, or copy the library's own hours."), "success")
        return redirect(url_for("desk.library_hours", branch=added))
    flash(_("Saved. This is what patrons read now."), "success")
    return redirect(url_for("desk.library_face", _anchor="branches"))


@desk.errorhandler(NoSuchBranch)
def _lead_back(_error: NoSuchBranch) -> ResponseReturnValue:
    flash(_("That branch is not there any more."), "warning")
    return redirect(url_for("desk.library_face"))


def _show_branch(
    form: BranchForm, stored: BranchFacts | None, *, theirs: BranchFacts | None, status: int
) -> ResponseReturnValue:
    if stored is not None and not form.is_submitted():
        _fill(form, stored)
    if stored is not None and (theirs is not None or not form.is_submitted()):
        form.shown.data = version_of(stored)
    page = render_template(
        "desk/library/branch.html",
        workplace=this_workplace(),
        form=form,
        branch_id=_asked_branch(),
        differing=_differing(form, theirs),
    )
    return page, status


@desk.post("/library/branch/remove")
@open_to(Audience.ADMINISTRATOR)
def library_branch_remove() -> ResponseReturnValue:
    """Take a branch away."""
    library_id, branch_id = this_workplace().library_id, _asked_branch()
    with writing():
        name = remove_branch(library_id=library_id, branch_id=branch_id or 0)
        _note(BRANCH_REMOVED, name)
    flash(_("%(branch)s is taken away.", branch=name), "success")
    return redirect(url_for("desk.library_face", _anchor="branches"))


def _asked_branch() -> int | None:
    return read_number(request.values.get("id", ""))


def _note(kind: str, subject: str) -> None:
    note_library_act(staff_id=current_user.staff_id, kind=kind, subject=subject, now=now())


def _names(kind: type[Facts | BranchFacts]) -> tuple[str, ...]:
    return tuple(kind.__dataclass_fields__)


def _fill(form: FlaskForm, facts: Facts | BranchFacts) -> None:
    for name, value in asdict(facts).items():
        form[name].data = value


def _differing(form: FlaskForm, theirs: Facts | BranchFacts | None) -> list[tuple[str, str, str]]:
    """Return the label, what is stored now, and what was typed, of each field in which they differ."""
    if theirs is None:
        return []
    pairs = [(form[name], value) for name, value in asdict(theirs).items()]
    return [(field.label.text, value, field.data or "") for field, value in pairs if value != (field.data or "")]
