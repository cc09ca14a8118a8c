"""What staff fill in about a patron: whom they look for, and what they write down."""

import re

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, SelectChoice, SelectField, StringField
from wtforms.validators import DataRequired, Length

from app.rules.people.fields import Editor
from app.web.pages.patron_fields import DayField, PatronForm, corrected_by, with_fields

_ROW_ID = re.compile(r"[1-9][0-9]{0,17}")


class FindForm(FlaskForm):
    """Two things that somebody tells of themselves."""

    name = StringField(_l("Name, or the beginning of each name"), validators=[Length(max=120)])
    birth_date = DayField(_l("Birth date"))
    phone = StringField(_l("Telephone"), validators=[Length(max=40)])
    email = StringField(_l("E-mail"), validators=[Length(max=254)])
    postcode = StringField(_l("Postcode"), validators=[Length(max=12)])
    card_number = StringField(_l("Card number"), validators=[Length(max=40)])


class HitForm(FlaskForm):
    """One of those who were found."""

    patron_id = HiddenField()

    @property
    def chosen(self) -> int | None:
        """The patron, None where the field holds no row's number."""
        given = self.patron_id.data or ""
        return int(given) if _ROW_ID.fullmatch(given) else None


class RecentForm(FlaskForm):
    """One of those whom the desk has just served, by the mark of that visit."""

    visit = HiddenField()


class PapersForm(FlaskForm):
    """That papers were seen, which stands in the access log then."""

    papers = BooleanField(_l("I have seen photo id or other papers that show who it is"))


@with_fields(corrected_by(Editor.DESK))
class PatronFields(PatronForm, PapersForm):
    """Who somebody is, and how to reach them."""

    name: StringField
    birth_date: DayField
    gender: SelectField
    language: SelectField


class NationalIdForm(PapersForm):
    """The number by which somebody has one card, whichever library they come to."""

    national_id = StringField(_l("National id number"), validators=[Length(max=40)])


class EnrolForm(PatronFields):
    """Somebody who gets a card. `sealed_id` is their encrypted national id, `visit` names the visit that is opened."""

    sealed_id = HiddenField(validators=[Length(max=400)])
    visit = HiddenField(validators=[Length(min=32, max=32)])
    rules = BooleanField(_l("The patron accepts the library's rules"))
    consent = BooleanField(_l("A guardian consents"))
    kind = SelectField(
        _l("Valid"),
        choices=[
            SelectChoice("national", _l("At every library (national card)")),
            SelectChoice("local", _l("At this library only (local card)")),
        ],
    )
    card_number = StringField(_l("Number on the card"), validators=[Length(max=40)])
    another = BooleanField(_l("None of them is this person"))


class ActivateForm(FlaskForm):
    """First use of a card at this library."""

    rules = BooleanField(_l("The patron accepts the library's rules"), validators=[DataRequired()])
    consent = BooleanField(_l("A guardian consents"))
    papers = BooleanField(_l("I have seen photo id, or the plastic card"))


class NewPinForm(FlaskForm):
    """How the way to a new PIN reaches the patron."""

    by = SelectField(choices=["link", "letter"])


class DeathForm(FlaskForm):
    """That somebody is dead."""

    sure = BooleanField(_l("The message about the death is certain"), validators=[DataRequired()])


class ReplaceForm(FlaskForm):
    """A new card for the patron before the desk. `replaces` is the number that it replaces, so that it does so once."""

    replaces = HiddenField(validators=[DataRequired(), Length(max=10)])
    card_number = StringField(_l("Number on the new card"), validators=[Length(max=40)])


class ReserveForm(FlaskForm):
    """A row of card numbers. `rows` is how many the library had when the page was made."""

    count = SelectField(_l("How many numbers"), choices=["100", "500", "1000", "5000"])
    rows = HiddenField(validators=[DataRequired(), Length(max=6)])
