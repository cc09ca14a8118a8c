"""What staff fill in at the desk."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import Length


class StaffLoginForm(FlaskForm):
    """User name, password and the one-time code of the authenticator app."""

    username = StringField(_l("User name"), validators=[Length(max=60)])
    password = PasswordField(_l("Password"), validators=[Length(max=200)])
    code = StringField(_l("One-time code"), validators=[Length(max=20)])


class ScanForm(FlaskForm):
    """The field that a scanner types into."""

    payload = StringField(_l("Scan library card"), validators=[Length(max=200)])
