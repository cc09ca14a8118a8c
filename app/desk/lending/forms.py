"""What staff fill in at the desk."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, SelectChoice, SelectField, StringField
from wtforms.validators import AnyOf, DataRequired, Length

from app.web.pages.patron_fields import DayField, scanned, typed


class StaffLoginForm(FlaskForm):
    """User name, password and the one-time code of the authenticator app."""

    username = StringField(_l("User name"), filters=[typed], validators=[Length(max=60)])
    password = PasswordField(_l("Password"), validators=[Length(max=200)])
    code = StringField(_l("One-time code"), validators=[Length(max=20)])


class ScanForm(FlaskForm):
    """The field that a scanner types into."""

    payload = StringField(_l("Scan library card"), validators=[Length(max=200)])


class BarcodeForm(FlaskForm):
    """An item that is lent or returned."""

    barcode = StringField(_l("Item barcode"), filters=[scanned], validators=[DataRequired(), Length(max=40)])


class CounterLoanForm(FlaskForm):
    """A loan of the patron before the desk."""

    loan_id = HiddenField(validators=[DataRequired(), Length(max=80)])


class PayForm(FlaskForm):
    """What the patron pays. `key` is made with the page, so that a second click is not a second payment."""

    amount = StringField(_l("Amount in kroner"), validators=[DataRequired(), Length(max=20)])
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


class AgreementForm(FlaskForm):
    """An agreement that the patron before the desk makes or ends."""

    kind = HiddenField(validators=[AnyOf(["door", "tablet", "ebook"])])
    action = HiddenField(validators=[AnyOf(["note", "withdraw"])])
