"""What a patron fills in at the portal."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import Length


class LoginForm(FlaskForm):
    """Card number and PIN. Whether they are right, and even whether they are any, the register decides."""

    card_number = StringField(_l("Card number"), validators=[Length(max=40)])
    pin = PasswordField(_l("PIN"), validators=[Length(max=40)])
    remember = BooleanField(_l("Keep me logged in on this phone"))
