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
from app.register.patron.proven import list_unproven
from app.register.store.transaction import writing
from app.rules.people.contact import ContactNotValid
from app.rules.people.fields import FIELDS, Editor, PatronField
from app.rules.people.person import PersonNotValid
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.pages.library_words import in_a_row
from app.web.pages.patron_fields import ContactFields, field_label, list_corrected, show_faults
from app.web.sign_in.step_up import after_step_up, is_known


@portal.route("/my/data/edit", methods=["GET", "POST"])
@open_to(Audience.PATRON)
@after_step_up()
def edit() -> ResponseReturnValue:
    """Change address, telephone, e-mail, preferred contact, home library and language."""
    patron_id = current_user.patron_id
    known = is_known()
    stored = corrections.get_correctable(patron_id=patron_id, editor=Editor.PATRON)
    hidden, form = stored["address_hidden"], CorrectionForm(data=stored)
    joined = list_affiliations(patron_ids=[patron_id])[patron_id]
    form.home_library_id.choices = [SelectChoice(library_id, name) for library_id, name in joined.items()]
    shown = {"known": known, "hidden": hidden, "desk_corrects": list_corrected(Editor.DESK, but=Editor.PATRON)}
    if not form.is_submitted():
        return render_template("portal/edit.html", form=form, **shown)
    proof = corrections.Proof.CHANGED if known else corrections.Proof.NOTHING
    changes = corrections.Correction(contact=form.contact(), **form.others())
    try:
        with writing():
            changed = corrections.correct_patron(patron_id=patron_id, changes=changes, proof=proof, now=now())
    except (ContactNotValid, PersonNotValid) as error:
        show_faults(form, error.faults)
    except corrections.NotYourLibrary:
        form.home_library_id.errors = [_("Choose one of the libraries where your card is activated.")]
    except corrections.LanguageNotKnown:
        form.language.errors = [_("Choose one of the languages.")]
    else:
        return _back_to([field for field in FIELDS if field.name in changed])
    return render_template("portal/edit.html", form=form, **shown), 422


@portal.post("/my/data/address-not-hidden")
@open_to(Audience.PATRON)
@after_step_up()
def address_is_not_hidden() -> ResponseReturnValue:
    """Take away the mark of a hidden address, so that one is accepted again."""
    with writing():
        corrections.note_address_is_not_hidden(patron_id=current_user.patron_id, now=now())
    flash(_("Saved. You can write your address now."), "success")
    return redirect(url_for("portal.edit", _anchor="address"))


def _back_to(changed: list[PatronField]) -> ResponseReturnValue:
    """Name what was changed, and lead to the first of it."""
    if not changed:
        flash(_("Nothing was changed: it was saved like this already."), "info")
        return redirect(url_for("portal.data", _anchor="you"))
    names = in_a_row(field_label(field.name) for field in changed)
    saved = _("Saved: %(fields)s. The libraries that you use are told that there is something new.", fields=names)
    flash(saved, "success")
    first = changed[0].name if changed[0].on_page else "address"
    return redirect(url_for("portal.data", _anchor=f"your-{first}"))


@portal.post("/my/data/confirm-contact")
@open_to(Audience.PATRON)
@after_step_up()
def confirm_addresses() -> ResponseReturnValue:
    """Let links and codes go to the addresses that the patron was shown, and says are theirs."""
    form, patron_id = ContactFields(), current_user.patron_id
    unproven = list_unproven(patron_id=patron_id)
    if not is_known():
        refusal = _(
            "Not confirmed: on a new device the PIN alone is not enough. "
            "Confirm it where you have logged in with a code or with the national login, or show photo id at the desk."
        )
        flash(refusal, "danger")
    elif form.validate() and writing()(corrections.confirm_contact)(
        patron_id=patron_id, shown=form.contact(), now=now()
    ):
        confirmed = [field for channel, field in corrections.FIELD_OF.items() if channel in unproven]
        names = in_a_row(map(field_label, confirmed))
        flash(_("Confirmed: %(fields)s. Links to a new PIN and codes go there from now on.", fields=names), "success")
        return redirect(url_for("portal.data", _anchor=f"your-{confirmed[0]}" if confirmed else "you"))
    else:
        flash(_("Not confirmed: something was changed meanwhile. Look at it once more."), "danger")
    return redirect(url_for("portal.data"))
