"""What is stored of a person, as it is filled in at the portal and at the desk, and what is wrong with a value."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from flask import Flask
from flask_babel import gettext, lazy_gettext
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, Field, SelectChoice, SelectField, StringField
from wtforms.validators import Length

from app.rules.people.contact import CONTACT_FIELDS, Contact
from app.rules.people.fields import FIELD, FIELDS, Editor, PatronField, choices_of
from app.rules.typed import clean_identifier, clean_scan, clean_typed, read_day
from app.web.pages.library_words import in_a_row, small_first

_Form = TypeVar("_Form", bound=FlaskForm)


def scanned(value: str | None) -> str | None:
    """Clean what a scanner sent: a field's filter."""
    return value and clean_scan(value)


def typed(value: str | None) -> str | None:
    """Clean an identifier that was typed: a field's filter."""
    return value and clean_identifier(value)


class DayField(DateField):
    """A day, which may be left out. A browser without a calendar sends it as people write it (`read_day`)."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed. Raises ValueError."""
        text = clean_typed(valuelist[0]) if valuelist else ""
        self.data = read_day(text)
        self.raw_data = [self.data.isoformat() if self.data else text]
        if text and self.data is None:
            raise ValueError("not-valid")


def choices_for(field: PatronField) -> list[SelectChoice]:
    """Return what a field may be, in the reader's words."""
    return [SelectChoice(value, lazy_gettext(words)) for value, words in (field.choices or {}).items()]


def with_fields(names: Iterable[str]) -> Callable[[type[_Form]], type[_Form]]:
    """Give a form the declared fields of these names."""

    def add(form: type[_Form]) -> type[_Form]:
        for name in names:
            setattr(form, name, _field_for(FIELD[name]))
        return form

    return add


def corrected_by(editor: Editor) -> list[str]:
    """Return the fields that somebody may correct."""
    return [field.name for field in FIELDS if editor in field.editors]


def _field_for(field: PatronField) -> Any:  # noqa: ANN401 - wtforms binds it later
    label = lazy_gettext(field.label)
    if field.is_day:
        return DayField(label)
    if field.is_mark:
        return BooleanField(label)
    if field.choices is not None or field.is_library:
        return SelectField(label, choices=choices_for(field), default=next(iter(field.choices or ()), None))
    return StringField(label, validators=[Length(max=400)])


@with_fields(CONTACT_FIELDS)
class ContactFields(FlaskForm):
    """How to reach somebody. What may stand in the fields, the rules decide, for every field at once."""

    preferred_contact: SelectField

    def contact(self) -> Contact:
        """Return what was filled in; None where a field is empty."""
        filled: dict[str, Any] = {name: self[name].data or None for name in CONTACT_FIELDS}
        return Contact(**filled)


class PatronForm(ContactFields):
    """The declared fields that somebody may correct: a subclass gets them by `with_fields`."""

    def others(self) -> dict[str, Any]:
        """Return what was filled in beside the contact data."""
        return {field.name: self[field.name].data for field in self._others()}

    def further(self) -> list[Field]:
        """Return the fields that have no place of their own on the pages."""
        placed = ("name", "birth_date", "gender", "address_hidden")
        return [self[field.name] for field in self._others() if field.name not in placed]

    def _others(self) -> list[PatronField]:
        return [field for field in FIELDS if field.editors and field.name in self and field.name not in CONTACT_FIELDS]


def field_label(name: str) -> str:
    """Return what a field is called."""
    return gettext(FIELD[name].label)


def give_field_words(app: Flask) -> None:
    """Let templates name the declared fields and their values."""
    app.jinja_env.globals |= {"field_label": field_label, "choice_words": choice_words}


def choice_words(name: str, value: str) -> str:
    """Return what the value of a field is called."""
    return gettext(choices_of(name)[value])


def list_corrected(editor: Editor, *, but: Editor | None = None) -> str:
    """Return what somebody may correct, in a row; without what `but` may correct too."""
    fields = [field for field in FIELDS if editor in field.editors and but not in field.editors]
    labels = [gettext(field.label) for field in fields]
    return in_a_row(map(small_first, labels))


def fault_words(form: FlaskForm, field: str, fault: str) -> str:
    """Return what is wrong with a value of this form, by the rules' word for it, and what to do."""
    label = form.preferred_contact.label.text if "preferred_contact" in form else ""
    match field, fault:
        case "email", "missing":
            return _("Write an address, or choose SMS or letter under %(label)s.", label=label)
        case "phone", "missing":
            return _("Write a number, or choose e-mail or letter under %(label)s.", label=label)
        case _field, "hidden":
            return _("The address is hidden, so none is stored here. Leave all three fields empty.")
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
        case "phone", "no-sms":
            return _(
                "This number cannot receive text messages. Write a mobile number, or choose e-mail or letter under "
                "%(label)s.",
                label=label,
            )
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
