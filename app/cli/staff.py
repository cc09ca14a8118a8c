"""`flask staff invite`, `send-link`, `employ`, `reset-code`, `list`, `dismiss`: who works at a library's desk."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
import pyotp
import structlog
from flask import current_app

from app.cli.failing import failing
from app.cli.showing import draw_qr, of_library, show_table
from app.cli.starting import RegisterCommands
from app.operator import acts
from app.register.patron.libraries import NoSuchLibrary
from app.register.staff.acts import note_operators_act
from app.register.staff.machines import UsernameTaken, draw_password
from app.register.staff.staff import NoSuchStaff, employ, list_staff, reset_code
from app.register.store.transaction import writing
from app.rules.library.staff import (
    ADMINISTRATOR_EMPLOYED,
    STAFF_CODE_RESET,
    STAFF_EMPLOYED,
    StaffRole,
)
from app.rules.people.contact import LANGUAGES, ContactNotValid
from app.web.clock import now

staff = RegisterCommands("staff", help="Those who work at libraries' desks.")
_log = structlog.get_logger()
_ISSUER = "Lånekort"
_NOT_POSSIBLE = "There is no such library, or the user name is taken."


_as_role: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--role", type=click.Choice([role.value for role in StaffRole]), default=StaffRole.DESK.value
)
_in_language: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--language", type=click.Choice(LANGUAGES), default="nb", help="In which the e-mail is written."
)


@staff.command("invite")
@click.argument("library_id")
@click.argument("username")
@click.argument("name")
@click.argument("email")
@_as_role
@_in_language
def invite_staff(library_id: str, username: str, name: str, email: str, role: str, language: str) -> None:
    """Send NAME, who is to work at LIBRARY_ID as USERNAME, a link to set up the sign-in. The worker sends it."""
    with _saying_what_is_wrong(), failing(_NOT_POSSIBLE, NoSuchLibrary, UsernameTaken):
        acts.invite_staff(
            library_id=library_id, username=username, name=name, email=email, role=role, language=language, now=now()
        )
    click.echo(f"{username} gets an e-mail. The link in it is good for three days, and once.")


@staff.command("send-link")
@click.argument("username")
@click.argument("email")
@_in_language
def send_staff_link(username: str, email: str, language: str) -> None:
    """Send USERNAME a new link to set up the sign-in; what they signed in with counts no more. See papers first."""
    with _saying_what_is_wrong(), failing(f"There is nobody called {username}.", NoSuchStaff):
        acts.send_staff_link(username=username, email=email, language=language, now=now())
    click.echo(f"{username} is signed out, and gets an e-mail. The link in it is good for three days, and once.")


@contextmanager
def _saying_what_is_wrong() -> Iterator[None]:
    with (
        failing("This is not an e-mail address.", ContactNotValid),
        failing("A user name has 1 to 60 characters: A to Z, digits, and . _ @ - between them.", acts.NotAUsername),
        failing("A name has 1 to 120 characters.", acts.NotAName),
    ):
        yield


@staff.command("employ")
@click.argument("library_id")
@click.argument("username")
@click.argument("name")
@_as_role
def employ_staff(library_id: str, username: str, name: str, role: str) -> None:
    """Let NAME work at the desk of LIBRARY_ID as USERNAME. Password and the key of one-time codes are shown once."""
    with _saying_what_is_wrong():
        acts.check_names(username, name)
    password, secret = draw_password(), pyotp.random_base32()
    with failing(_NOT_POSSIBLE, NoSuchLibrary, UsernameTaken), writing():
        employ(library_id=library_id, username=username, name=name, password=password, totp_secret=secret, role=role)
        kind = ADMINISTRATOR_EMPLOYED if role == StaffRole.ADMINISTRATOR else STAFF_EMPLOYED
        note_operators_act(library_id=library_id, kind=kind, subject=username, now=now())
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
        note_operators_act(library_id=library_id, kind=STAFF_CODE_RESET, subject=username, now=now())
    _log.warning("key of one-time codes replaced", library=library_id)
    click.echo(f"{username} is signed out, and the former codes work no more. What follows is shown this once.")
    _show_code_key(username, secret)


@staff.command("list")
@of_library
def list_command(library_id: str | None) -> None:
    """List who works at a desk."""
    people = list_staff(library_id=library_id)
    rows = ((each.library_id, each.username, each.role, each.name) for each in people)
    show_table("LIBRARY", "USER NAME", "ROLE", "NAME", rows=rows)


@staff.command("dismiss")
@click.argument("username")
def dismiss_staff(username: str) -> None:
    """End the access and the sessions of USERNAME immediately."""
    with failing(f"There is nobody called {username}.", NoSuchStaff):
        acts.dismiss_staff(username=username, now=now())
    click.echo(f"{username} is dismissed.")
