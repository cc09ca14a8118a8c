"""`flask staff employ`, `dismiss`: who works at a library's desk."""

import re

import click
import pyotp
from flask.cli import AppGroup

from app.cli.failing import failing
from app.register.patron.libraries import NoSuchLibrary
from app.register.staff.machines import UsernameTaken, draw_password
from app.register.staff.staff import NoSuchStaff, dismiss, employ
from app.register.store.transaction import writing

staff = AppGroup("staff", help="Those who work at libraries' desks.")
_ISSUER = "Lånekort"
# The user names that a library's circulation takes.
_USERNAME = re.compile(r"[A-Za-z0-9._@-]{1,60}")


@staff.command("employ")
@click.argument("library_id")
@click.argument("username")
@click.argument("name")
def employ_staff(library_id: str, username: str, name: str) -> None:
    """Let NAME work at the desk of LIBRARY_ID as USERNAME. Password and the key of one-time codes are shown once."""
    if not _USERNAME.fullmatch(username):
        raise click.ClickException("A user name has 1 to 60 characters: A to Z, digits, and . _ @ - between them.")
    if not (1 <= len(name) <= 120 and name.isprintable()):
        raise click.ClickException("A name has 1 to 120 characters.")
    password, secret = draw_password(), pyotp.random_base32()
    with failing("There is no such library, or the user name is taken.", NoSuchLibrary, UsernameTaken), writing():
        employ(library_id=library_id, username=username, name=name, password=password, totp_secret=secret)
    address = pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=_ISSUER)
    click.echo(f"{username} may sign in at /desk. What follows is shown this once.")
    click.echo(f"Password: {password}\nKey of the one-time codes: {secret}\nThe same for an app: {address}")


@staff.command("dismiss")
@click.argument("username")
def dismiss_staff(username: str) -> None:
    """End the access and the sessions of USERNAME immediately."""
    with failing(f"There is nobody called {username}.", NoSuchStaff), writing():
        dismiss(username=username)
    click.echo(f"{username} is dismissed.")
