"""What staff fill in at the desk."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, SelectChoice, SelectField, StringField
from wtforms.validators import AnyOf, DataRequired, Length, Optional, Regexp

from app.rules.typed import clean_text, clean_typed
from app.web.pages.patron_fields import DayField, scanned, typed


class StaffLoginForm(FlaskForm):
    """User name, password and the one-time code of the authenticator app."""

    username = StringField(_l("User name"), filters=[typed], validators=[Length(max=60)])
    password = PasswordField(_l("Password"), validators=[Length(max=200)])
    code = StringField(_l("One-time code"), validators=[Length(max=20)])


class ScanForm(FlaskForm):
    """The field that a scanner types into, on every page of the desk.

    `place` is empty or `return`. A page with a script sends `visit`, the mark of the visit in which it was scanned (or
    empty, where nobody was being served), and `key`, by which a scan whose answer is lost is done once.
    """

    payload = StringField(_l("Scan a card or an item"), validators=[Length(max=200)])
    place = HiddenField(validators=[AnyOf(["", "return"])], default="")
    visit = HiddenField(validators=[Length(max=32)])
    key = HiddenField(validators=[Optional(), Regexp(r"[A-Za-z0-9_-]{8,64}\Z")])


class UndoForm(FlaskForm):
    """What one scan did, sealed; `script` is 1 where the page's own script asks."""

    done = HiddenField(validators=[DataRequired(), Length(max=2000)])
    script = HiddenField(validators=[AnyOf(["", "1"])], default="")

    def is_scripted(self) -> bool:
        """Whether a line is wanted in place of a page."""
        return self.script.data == "1"


class BarcodeForm(FlaskForm):
    """An item that is lent or returned."""

    barcode = StringField(_l("Item barcode"), filters=[scanned], validators=[DataRequired(), Length(max=40)])


class TitleForm(FlaskForm):
    """What a patron wants to reserve."""

    text = StringField(
        _l("Title, author or barcode"),
        filters=[lambda text: text and clean_typed(text)],
        validators=[DataRequired(), Length(max=200)],
    )


class ReserveForm(BarcodeForm):
    """A title that is reserved for the patron of a visit, by a copy's barcode; `script` as in UndoForm."""

    visit = HiddenField(validators=[DataRequired(), Length(max=32)])
    script = HiddenField(validators=[AnyOf(["", "1"])], default="")


class CancelHoldForm(FlaskForm):
    """A reservation of the patron before the desk."""

    hold_id = HiddenField(validators=[DataRequired(), Length(max=80)])


class CounterLoanForm(FlaskForm):
    """A loan of the patron before the desk."""

    loan_id = HiddenField(validators=[DataRequired(), Length(max=80)])


class PayForm(FlaskForm):
    """What the patron pays. `key` is made with the page, so that a second click is not a second payment."""

    amount = StringField(_l("Amount"))
    key = HiddenField(validators=[Length(min=8, max=64)])


class WaiveForm(FlaskForm):
    """Which fee is waived, and why."""

    fee_id = HiddenField(validators=[DataRequired(), Length(max=80)])
    reason = SelectField(
        _l("Reason"),
        choices=[
            SelectChoice("mistake", _l("Our mistake")),
            SelectChoice("goodwill", _l("Goodwill")),
            SelectChoice("illness", _l("Illness")),
            SelectChoice("hardship", _l("Hardship")),
            SelectChoice("item_found", _l("The item was found")),
            SelectChoice("other", _l("Another reason")),
        ],
    )


class LostForm(BarcodeForm):
    """An item that does not come back, or not whole."""

    what = SelectField(
        _l("What happened"), choices=[SelectChoice("lost", _l("Lost")), SelectChoice("destroyed", _l("Destroyed"))]
    )


class InterlibraryWorkForm(FlaskForm):
    """What staff do with a request for an interlibrary loan."""

    request_id = HiddenField(validators=[DataRequired(), Length(max=80)])
    action = HiddenField(validators=[AnyOf(["order", "arrive", "refuse"])])
    barcode = StringField(_l("Item barcode"), filters=[scanned], validators=[Length(max=40)])
    due_on = DayField(_l("Due back at the lending library"))
    lender = StringField(
        _l("Lending library"), filters=[lambda text: text and clean_text(text)], validators=[Length(max=120)]
    )


class AgreementForm(FlaskForm):
    """An agreement that the patron before the desk makes or ends."""

    kind = HiddenField(validators=[AnyOf(["door", "tablet", "ebook"])])
    action = HiddenField(validators=[AnyOf(["note", "withdraw"])])
