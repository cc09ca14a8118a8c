"""`flask staff employ`, `reset-code`, `list`, `dismiss`: who works at a library's desk."""

import re

import click
import pyotp
import structlog
from flask import current_app

from app.cli.failing import failing
from app.cli.showing import draw_qr, of_library, show_table
from app.cli.starting import RegisterCommands
from app.register.patron.libraries import NoSuchLibrary
from app.register.staff.machines import UsernameTaken, draw_password
from app.register.staff.staff import NoSuchStaff, dismiss, employ, list_staff, reset_code
from app.register.store.transaction import writing

staff = RegisterCommands("staff", help="Those who work at libraries' desks.")
_log = structlog.get_logger()
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
    click.echo(f"{username} may sign in at {current_app.config['PUBLIC_URL']}/desk. What follows is shown this once.")
    click.echo(f"Password: {password}")
    _show_code_key(username, secret)


def _show_code_key(username: str, secret: str) -> None:
    address = pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=_ISSUER)
    click.echo(f"Key of the one-time codes: {secret}\nThe same for an app: {address}")
    click.echo(f"Let {username} scan it with an authenticator (an app for one-time codes) on their own phone:")
    click.echo(draw_qr(address))


@staff.command("reset-code")
@click.argument("username")
def reset_staff_code(username: str) -> None:
    """Give USERNAME another key of one-time codes, which is shown once, and end their sessions: for a lost phone."""
    secret = pyotp.random_base32()
    with failing(f"There is nobody called {username}.", NoSuchStaff), writing():
        library_id = reset_code(username=username, totp_secret=secret)
    _log.warning("key of one-time codes replaced", library=library_id)
    click.echo(f"{username} is signed out, and the former codes work no more. What follows is shown this once.")
    _show_code_key(username, secret)


@staff.command("list")
@of_library
def list_command(library_id: str | None) -> None:
    """List who works at a desk."""
    people = list_staff(library_id=library_id)
    show_table("LIBRARY", "USER NAME", "NAME", rows=((each.library_id, each.username, each.name) for each in people))


@staff.command("dismiss")
@click.argument("username")
def dismiss_staff(username: str) -> None:
    """End the access and the sessions of USERNAME immediately."""
    with failing(f"There is nobody called {username}.", NoSuchStaff), writing():
        dismiss(username=username)
    click.echo(f"{username} is dismissed.")
