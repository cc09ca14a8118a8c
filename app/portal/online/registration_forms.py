"""What somebody fills in to get a card online."""

from typing import Final

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, RadioField, SelectChoice, StringField
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, Optional

from app.rules.people.contact import CHANNELS
from app.rules.people.fields import FIELD
from app.web.pages.patron_fields import ContactFields, DayField, choices_for, typed

_NO_CARD: Final = _l("Without that there is no card.")


class ChildForm(FlaskForm):
    """Who the child is, as the guardian says."""

    name = StringField(_l("The child's full name"), validators=[InputRequired(), Length(max=400)])
    birth_date = DayField(_l("The child's birth date"), validators=[InputRequired()])
    number = StringField(_l("The child's national identity number"), validators=[InputRequired(), Length(max=40)])
    guardian = BooleanField(
        _l("I am the child's guardian"), validators=[DataRequired(_l("Only a guardian can get a child a card."))]
    )


class DetailsForm(ContactFields):
    """How to reach the patron; and who it is, where the sign-in service does not tell."""

    name = StringField(_l("Full name"), validators=[Optional(), Length(max=400)])
    birth_date = DayField(_l("Birth date"))
    preferred_contact = RadioField(
        _l("How do you want to be reached?"),
        choices=choices_for(FIELD["preferred_contact"]),
        validators=[AnyOf(CHANNELS)],
        default="email",
    )


class LibraryForm(FlaskForm):
    """The home library."""

    library_id = HiddenField(validators=[DataRequired(), Length(max=20)])


class EmailForm(FlaskForm):
    """The code that was sent to the e-mail address."""

    code = StringField(_l("Code"), validators=[Length(max=40)])


class FinishForm(FlaskForm):
    """The PIN, and what one agrees to."""

    way = RadioField(
        _l("PIN"),
        choices=[SelectChoice("drawn", _l("This random one:")), SelectChoice("own", _l("One that I choose"))],
        validators=[AnyOf(("drawn", "own"))],
        default="drawn",
    )
    drawn_pin = HiddenField(validators=[Length(max=40)])
    new_pin = StringField(_l("Your own PIN"), filters=[typed], validators=[Length(max=40)])
    rules = BooleanField(_l("I accept the rules for the library card"), validators=[DataRequired(_NO_CARD)])
    privacy = BooleanField(_l("I have read what is stored about me, and why"), validators=[DataRequired(_NO_CARD)])
    remember = BooleanField(_l("Keep me logged in on this phone"))
