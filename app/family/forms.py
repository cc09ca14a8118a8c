"""What is filled in about the family folder and the loans."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, IntegerField, PasswordField, SelectField, StringField
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, NumberRange


class PermissionForm(FlaskForm):
    """To whom a patron gives permission. The PIN is asked for where it was entered too long ago."""

    guardian_card_number = StringField(
        _l("Give permission to see my loans"), validators=[Length(max=40)], description=_l("The guardian's card number")
    )
    may_carry_card = BooleanField(_l("The guardian may have my card on their phone"))
    pin = PasswordField(_l("PIN"), validators=[Length(max=40)])


class ActForm(FlaskForm):
    """For whom something is done at which library. `permission_id` is empty for oneself."""

    library_id = HiddenField(validators=[Length(max=20)])
    permission_id = HiddenField(validators=[Length(max=18)])


class LoanForm(ActForm):
    """Which loan is meant."""

    loan_id = HiddenField(validators=[Length(max=80)])


class HoldForm(ActForm):
    """What is to become of which reservation. `title` is for the answer alone; days are as YYYY-MM-DD."""

    hold_id = HiddenField(validators=[Length(max=300)])
    title = HiddenField(validators=[Length(max=2000)])
    act = HiddenField(validators=[AnyOf(("cancel", "pause", "resume", "places", "move"))])
    paused_from = HiddenField(validators=[Length(max=10)])
    paused_until = HiddenField(validators=[Length(max=10)])
    place_id = HiddenField(validators=[Length(max=80)])


class InterlibraryForm(FlaskForm):
    """A book that the library is asked to borrow from another one."""

    library_id = SelectField(_l("Library"), validate_choice=True)
    title = StringField(_l("Title"), validators=[DataRequired(), Length(max=200)])
    author = StringField(_l("Author"), validators=[DataRequired(), Length(max=200)])
    publication_year = IntegerField(_l("Year of publication"), validators=[InputRequired(), NumberRange(1450, 2200)])
    category = SelectField(_l("What it is"), validate_choice=True)
    key = HiddenField(validators=[Length(min=8, max=64)])


class CancelForm(FlaskForm):
    """Which request at which library is taken back. `title` is for the answer alone."""

    library_id = HiddenField(validators=[DataRequired(), Length(max=20)])
    request_id = HiddenField(validators=[DataRequired(), Length(max=80)])
    title = HiddenField(validators=[Length(max=2000)])
