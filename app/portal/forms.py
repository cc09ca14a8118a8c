"""What a patron fills in at the portal."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, PasswordField, SelectChoice, SelectField, StringField
from wtforms.validators import Length

from app.rules.people.contact import Contact
from app.web.pages.languages import LANGUAGES


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


class LetterCodeForm(FlaskForm):
    """The code that stands in a letter."""

    code = StringField(_l("The code in the letter"), validators=[Length(max=300)])


class NewPinForm(FlaskForm):
    """A PIN that a patron chooses. Whether it is a good one, the register decides."""

    new_pin = StringField(_l("New PIN"))


class CorrectionForm(FlaskForm):
    """What a patron may correct. Whether a value can be right the register decides, for every field at once."""

    email = StringField(_l("E-mail"))
    phone = StringField(_l("Telephone"))
    address = StringField(_l("Address"))
    postcode = StringField(_l("Postcode"))
    place = StringField(_l("Post town"))
    preferred = SelectField(
        _l("Preferred contact"),
        choices=[
            SelectChoice("email", _l("E-mail")),
            SelectChoice("sms", _l("SMS")),
            SelectChoice("letter", _l("Letter")),
        ],
        validate_choice=False,
    )
    home_library_id = SelectField(_l("Home library"), validate_choice=False)
    language = SelectField(
        _l("Language of messages"),
        choices=[SelectChoice(code, name) for code, name in LANGUAGES.items()],
        validate_choice=False,
    )


class ShownContactForm(FlaskForm):
    """The contact data that the page showed. What was changed since is not confirmed."""

    email = HiddenField(validators=[Length(max=400)])
    phone = HiddenField(validators=[Length(max=400)])
    address = HiddenField(validators=[Length(max=400)])
    postcode = HiddenField(validators=[Length(max=400)])
    place = HiddenField(validators=[Length(max=400)])
    preferred = HiddenField(validators=[Length(max=10)])

    def contact(self) -> Contact:
        """Return what was shown."""
        return Contact(
            email=self.email.data or None,
            phone=self.phone.data or None,
            address=self.address.data or None,
            postcode=self.postcode.data or None,
            place=self.place.data or None,
            preferred=self.preferred.data or "",
        )
