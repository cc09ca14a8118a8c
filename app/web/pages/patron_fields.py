"""How to reach somebody, as it is filled in at the portal and at the desk, and what is wrong with a value."""

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectChoice, SelectField, StringField
from wtforms.validators import Length

from app.rules.people.contact import CONTACT_FIELDS, Contact
from app.web.pages.languages import LANGUAGES

CHANNEL_CHOICES: Final = [
    SelectChoice("email", _l("E-mail")),
    SelectChoice("sms", _l("SMS")),
    SelectChoice("letter", _l("Letter")),
]


class ContactFields(FlaskForm):
    """How to reach somebody. What may stand in the fields, the rules decide, for every field at once."""

    email = StringField(_l("E-mail"), validators=[Length(max=400)])
    phone = StringField(_l("Telephone"), validators=[Length(max=400)])
    address = StringField(_l("Address"), validators=[Length(max=400)])
    postcode = StringField(_l("Postcode"), validators=[Length(max=400)])
    place = StringField(_l("Post town"), validators=[Length(max=400)])
    preferred_contact = SelectField(_l("Preferred contact"), choices=CHANNEL_CHOICES, default="email")

    def contact(self) -> Contact:
        """Return what was filled in; None where a field is empty."""
        filled: dict[str, Any] = {name: self[name].data or None for name in CONTACT_FIELDS}
        return Contact(**filled)


class LanguageField(FlaskForm):
    """The language of messages."""

    language = SelectField(
        _l("Language of messages"), choices=[SelectChoice(*each) for each in LANGUAGES.items()], default="nb"
    )


def fault_words(form: FlaskForm, field: str, fault: str) -> str:
    """Return what is wrong with a value of this form, by the rules' word for it, and what to do."""
    match field, fault:
        case "email", "missing":
            label = form.preferred_contact.label.text
            return _("Write an address, or choose SMS or letter under %(label)s.", label=label)
        case "phone", "missing":
            label = form.preferred_contact.label.text
            return _("Write a number, or choose e-mail or letter under %(label)s.", label=label)
        case "postcode", "missing":
            return _("This is needed. An address needs a postcode; leave all three fields empty to store none.")
        case "place", "missing":
            return _("This is needed. An address needs a post town; leave all three fields empty to store none.")
        case _field, "missing" | "needed":
            return _("This is needed.")
        case _field, "too-long":
            return _("This is too long. Make it shorter.")
        case "email", _fault:
            return _("This is not an e-mail address. One looks like this: name@example.org")
        case "phone", _fault:
            return _("This is not a telephone number. Begin with + and the country where it is not Norwegian.")
        case "birth_date", _fault:
            return _("This is not the birth date of anybody alive.")
        case "name", _fault:
            return _("This is not a name. Write it as it stands in a passport.")
        case "card_number", _fault:
            return _("A card number is an N and nine digits.")
        case _other:
            return _("Choose one of these.")


def show_faults(form: FlaskForm, faults: Mapping[str, str]) -> None:
    """Put each fault of a value beside its field."""
    for name, fault in faults.items():
        form[name].errors = [fault_words(form, name, fault)]


def reword_faults(form: FlaskForm) -> None:
    """Say in the reader's language what the fields themselves found wrong."""
    faults = {
        field.name: "too-long" if isinstance(field, StringField) else "not-valid" for field in form if field.errors
    }
    show_faults(form, faults)
