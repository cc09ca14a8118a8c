"""`flask machines connect`, `rotate`, `list`, `disconnect`: libraries' systems and kiosks."""

import click

from app.cli.failing import failing
from app.cli.showing import of_library, show_table
from app.cli.starting import RegisterCommands
from app.operator import acts
from app.register.patron.libraries import NoSuchLibrary
from app.register.staff import machines as register
from app.web.clock import now

machines = RegisterCommands("machines", help="Libraries' systems and kiosks, and their passwords.")


@machines.command("connect")
@click.argument("library_id")
@click.argument("username")
@click.option("--kind", type=click.Choice(["system", "kiosk", "supplier"]), required=True, help="What it is.")
def connect(library_id: str, username: str, kind: str) -> None:
    """Let a machine of the library LIBRARY_ID sign in as USERNAME. Its password is generated and shown once."""
    if not 1 <= len(username) <= 60 or ":" in username or not username.isprintable():
        raise click.ClickException("A user name has 1 to 60 characters, and no colon (RFC 7617).")
    password = register.draw_password()
    with failing("There is no such library, or the user name is taken.", NoSuchLibrary, register.UsernameTaken):
        acts.connect(library_id=library_id, username=username, kind=kind, password=password, now=now())
    click.echo(f"{username} is connected. Its password, which is shown this once:\n{password}")


@machines.command("rotate")
@click.argument("username")
def rotate(username: str) -> None:
    """Give USERNAME a new password, which is shown once. The former one works for seven days more."""
    with failing(f"There is no machine {username}.", register.NoSuchMachine):
        password = acts.rotate(username=username, now=now())
    click.echo(f"The new password of {username}, which is shown this once:\n{password}")
    click.echo(f"The former one works until {now() + register.FORMER_PASSWORD:%Y-%m-%d %H:%M} UTC.")


@machines.command("list")
@of_library
def list_command(library_id: str | None) -> None:
    """List the machines that may sign in, and until when (UTC) their former password works too."""
    show_table(
        "LIBRARY",
        "USER NAME",
        "KIND",
        "FORMER PASSWORD UNTIL",
        rows=(
            (each.library_id, each.username, each.kind, each.former_until)
            for each in register.list_machines(library_id=library_id)
        ),
    )


@machines.command("disconnect")
@click.argument("username")
def disconnect(username: str) -> None:
    """End the access of USERNAME immediately."""
    with failing(f"There is no machine {username}.", register.NoSuchMachine):
        acts.disconnect(username=username, now=now())
    click.echo(f"{username} is disconnected.")
