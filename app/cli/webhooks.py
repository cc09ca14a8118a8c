"""`flask webhooks listen`, `stop`: where libraries' systems are told what is new."""

import click
from flask.cli import AppGroup

from app.ils.webhook import NotAWebhook, check_url, draw_key, write_key
from app.register.library.webhooks import listen_at, stop_listening
from app.register.patron.libraries import NoSuchLibrary
from app.register.store.transaction import writing
from app.web.clock import now

webhooks = AppGroup("webhooks", help="Where libraries' systems are told what is new.")


@webhooks.command("listen")
@click.argument("library_id")
@click.argument("url")
def listen(library_id: str, url: str) -> None:
    """Tell the library LIBRARY_ID at URL what is new. The key of the signatures is drawn and shown once."""
    key = draw_key()
    try:
        with writing():
            listen_at(library_id=library_id, url=check_url(url), key=key, now=now())
    except NotAWebhook:
        raise click.ClickException("The address must be https, or http to this machine, without a user name.") from None
    except NoSuchLibrary:
        raise click.ClickException(f"There is no library {library_id}.") from None
    click.echo(f"{library_id} is told at {url}. The key of the signatures, which is shown this once:\n{write_key(key)}")


@webhooks.command("stop")
@click.argument("library_id")
def stop(library_id: str) -> None:
    """Tell the library LIBRARY_ID nothing any more. It may still fetch what is new."""
    try:
        with writing():
            stop_listening(library_id=library_id)
    except NoSuchLibrary:
        raise click.ClickException(f"{library_id} listens nowhere.") from None
    click.echo(f"{library_id} is told nothing any more.")
