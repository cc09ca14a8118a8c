"""`flask webhooks listen`, `list`, `stop`: where libraries' systems are notified of changes."""

import click

from app.cli.failing import failing
from app.cli.showing import of_library, show_table
from app.cli.starting import RegisterCommands
from app.ils.webhook import NotAWebhook, check_url, draw_key, write_key
from app.operator.acts import listen_webhook, stop_webhook
from app.register.library.webhooks import list_webhooks
from app.register.patron.libraries import NoSuchLibrary
from app.web.clock import now

webhooks = RegisterCommands("webhooks", help="Where libraries' systems are notified of changes.")


@webhooks.command("listen")
@click.argument("library_id")
@click.argument("url")
def listen(library_id: str, url: str) -> None:
    """Notify the library LIBRARY_ID of changes at URL. The key of the signatures is generated and shown once."""
    key = draw_key()
    with failing("The address must be https, or http to this machine, without a user name.", NotAWebhook):
        address = check_url(url)
    with failing(f"There is no library {library_id}.", NoSuchLibrary):
        listen_webhook(library_id=library_id, url=address, key=key, now=now())
    click.echo(
        f"{library_id} is notified at {url}. The key of the signatures, which is shown this once:\n{write_key(key)}"
    )


@webhooks.command("list")
@of_library
def list_command(library_id: str | None) -> None:
    """List who is notified where, when (UTC) something last arrived, and why the next did not."""
    show_table(
        "LIBRARY",
        "ADDRESS",
        "LAST DELIVERY",
        "FAULT SINCE",
        rows=(
            (each.library_id, each.url, each.last_delivered_at, each.last_fault)
            for each in list_webhooks(library_id=library_id)
        ),
    )


@webhooks.command("stop")
@click.argument("library_id")
def stop(library_id: str) -> None:
    """Notify the library LIBRARY_ID no more. It can still fetch its changes."""
    with failing(f"{library_id} listens nowhere.", NoSuchLibrary):
        stop_webhook(library_id=library_id, now=now())
    click.echo(f"{library_id} is notified no more.")
