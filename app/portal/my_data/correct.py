"""Endre: a patron corrects what is theirs to correct (GDPR art. 16)."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from wtforms import SelectChoice

from app.portal.forms import CorrectionForm
from app.portal.routes import portal
from app.register.change import corrections
from app.register.patron.patrons import list_affiliations
from app.register.store.transaction import writing
from app.rules.people.contact import ContactNotValid
from app.rules.people.fields import Editor
from app.rules.people.person import PersonNotValid
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.pages.patron_fields import ContactFields, list_corrected, show_faults
from app.web.sign_in.step_up import after_step_up, is_known


@portal.route("/my/data/edit", methods=["GET", "POST"])
@open_to(Audience.PATRON)
@after_step_up()
def edit() -> ResponseReturnValue:
    """Change address, telephone, e-mail, preferred contact, home library and language."""
    patron_id = current_user.patron_id
    known = is_known()
    form = CorrectionForm(data=corrections.get_correctable(patron_id=patron_id, editor=Editor.PATRON))
    joined = list_affiliations(patron_ids=[patron_id])[patron_id]
    form.home_library_id.choices = [SelectChoice(library_id, name) for library_id, name in joined.items()]
    shown = {"known": known, "desk_corrects": list_corrected(Editor.DESK, but=Editor.PATRON)}
    if not form.is_submitted():
        return render_template("portal/edit.html", form=form, **shown)
    proof = corrections.Proof.CHANGED if known else corrections.Proof.NOTHING
    changes = corrections.Correction(contact=form.contact(), **form.others())
    try:
        with writing():
            corrections.correct_patron(patron_id=patron_id, changes=changes, proof=proof, now=now())
    except (ContactNotValid, PersonNotValid) as error:
        show_faults(form, error.faults)
    except corrections.NotYourLibrary:
        form.home_library_id.errors = [_("Choose one of the libraries where your card is activated.")]
    except corrections.LanguageNotKnown:
        form.language.errors = [_("Choose one of the languages.")]
    else:
        flash(_("Saved. The libraries that you use are told that there is something new."), "success")
        return redirect(url_for("portal.data"))
    return render_template("portal/edit.html", form=form, **shown), 422


@portal.post("/my/data/confirm-contact")
@open_to(Audience.PATRON)
@after_step_up()
def confirm_addresses() -> ResponseReturnValue:
    """Let links and codes go to the addresses that the patron was shown, and says are theirs."""
    form = ContactFields()
    if not is_known():
        refusal = _(
            "Not confirmed: on a device that the card does not know, the PIN alone is not enough. Confirm it "
            "where you have logged in with a code or with the national login, or show photo id at the desk."
        )
        flash(refusal, "danger")
    elif form.validate() and writing()(corrections.confirm_contact)(
        patron_id=current_user.patron_id, shown=form.contact(), now=now()
    ):
        flash(_("Confirmed. Links to a new PIN and codes go there from now on."), "success")
    else:
        flash(_("Not confirmed: something was changed meanwhile. Look at it once more."), "danger")
    return redirect(url_for("portal.data"))
