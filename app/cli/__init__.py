"""Commands for the operator, on the server. `flask --help` lists them."""

import signal
from pathlib import Path
from threading import Event

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from app.cli.access_log import access_log
from app.cli.erasures import erasures, refuse_if_behind
from app.cli.keys import keys
from app.cli.machines import machines
from app.cli.sip2_gateway import sip2_gateway
from app.cli.staff import staff
from app.cli.unusual import unusual
from app.cli.webhooks import webhooks
from app.register.patron.libraries import NotALibraryList, allow_static_codes, import_libraries, let_join_online
from app.register.store.transaction import db
from app.work.clean_up import clean_up
from app.work.worker import work

libraries = AppGroup("libraries", help="The list of public libraries.")
retention = AppGroup("retention", help="What is kept for a time only.")


@libraries.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_file(file: Path) -> None:
    """Add or correct the libraries in a CSV FILE. Bad rows are named by line; good ones are kept.

    UTF-8, with commas, and a heading row. The columns: name, type, and sigel, biblioteknummer or id; and, if you have
    them, address, postcode, place, municipality_code. Other columns are passed over.
    """
    try:
        with file.open("rb") as lines:
            report = import_libraries(lines)
    except NotALibraryList as error:
        raise click.ClickException(f"{file.name}: {error}") from error
    db.session.commit()
    for bad in report.bad:
        click.echo(f"{file.name}:{bad.line}: {bad.fault}", err=True)
    click.echo(
        f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, {len(report.bad)} bad rows"
    )
    if report.bad:
        raise SystemExit(1)


@libraries.command("join-online")
@click.argument("library_id")
@click.option("--off", is_flag=True, help="Only the desk activates cards again.")
def join_online(library_id: str, off: bool) -> None:
    """Let patrons activate their card at LIBRARY_ID by themselves, once they have accepted its rules."""
    if not let_join_online(library_id=library_id, allowed=not off):
        raise click.ClickException(f"There is no library {library_id}.")
    db.session.commit()
    click.echo(f"{library_id}: cards are activated {'at the desk' if off else 'at the desk and online'}.")


@libraries.command("static-codes")
@click.argument("library_id")
@click.option("--off", is_flag=True, help="Take them no more, from the next scan on.")
def static_codes(library_id: str, off: bool) -> None:
    """Let LIBRARY_ID take codes that stand still, as Apple Wallet shows them. Anybody can copy such a code."""
    if not allow_static_codes(library_id=library_id, allowed=not off):
        raise click.ClickException(f"There is no library {library_id}.")
    db.session.commit()
    click.echo(f"{library_id}: {'only rotating codes are taken' if off else 'codes that stand still are taken too'}.")


@retention.command("run")
@click.option(
    "--rewrite/--no-rewrite",
    default=True,
    help="On PostgreSQL, write tables anew so that no byte of what is gone stays in a file (each is locked meanwhile).",
)
def run(*, rewrite: bool) -> None:
    """Warn and erase whoever does not use the card, and throw away what is past its time. Daily, or at any time."""
    refuse_if_behind()
    done = clean_up(rewrite=rewrite)
    click.echo(", ".join(f"{what}: {count}" for what, count in done.items()))


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Send messages and tell libraries what is new, until stopped: what is on its way then is let end."""
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    work(current_app._get_current_object(), go_on=lambda: not stopping.is_set())  # type: ignore[attr-defined]


def add_commands(app: Flask) -> None:
    """Give the app its commands."""
    for command in (
        access_log,
        erasures,
        keys,
        libraries,
        machines,
        staff,
        retention,
        worker,
        sip2_gateway,
        unusual,
        webhooks,
    ):
        app.cli.add_command(command)
