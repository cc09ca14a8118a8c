"""What a patron fills in at the portal."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, SelectField, StringField
from wtforms.validators import Length

from app.rules.people.fields import Editor
from app.rules.typed import clean_typed
from app.web.pages.patron_fields import PatronForm, corrected_by, typed, with_fields


def _cleaned(value: str | None) -> str:
    return clean_typed(value or "")


class LoginForm(FlaskForm):
    """Card number and PIN. Whether they are right, and even whether they are any, the register decides."""

    card_number = StringField(_l("Card number"), validators=[Length(max=40)])
    pin = PasswordField(_l("PIN"), validators=[Length(max=40)])
    remember = BooleanField(_l("Keep me logged in on this phone"))


class LoginCodeForm(FlaskForm):
    """The code that was sent because the card does not know this device."""

    code = StringField(_l("Code"), validators=[Length(max=40)])


class OrderPinForm(FlaskForm):
    """For which card a new PIN is ordered."""

    card_number = StringField(_l("Card number"), validators=[Length(max=40)])


class PasskeyForm(FlaskForm):
    """What a passkey is called."""

    label = StringField(_l("Name"), filters=[_cleaned], validators=[Length(max=60)])


class LetterCodeForm(FlaskForm):
    """The code that stands in a letter."""

    code = StringField(_l("The code in the letter"), validators=[Length(max=300)])


class PinForm(FlaskForm):
    """The PIN, which is asked for however fresh it is."""

    confirm_pin = PasswordField(_l("PIN"), validators=[Length(max=40)])


class NewPinForm(FlaskForm):
    """A PIN that a patron chooses. Whether it is a good one, the register decides."""

    new_pin = StringField(_l("New PIN"), filters=[typed])


@with_fields(corrected_by(Editor.PATRON))
class CorrectionForm(PatronForm):
    """What a patron may correct."""

    home_library_id: SelectField
    language: SelectField
