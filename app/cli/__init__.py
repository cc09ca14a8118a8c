"""Commands for the operator, on the server. `flask --help` lists them."""

import signal
from pathlib import Path
from threading import Event

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from prometheus_client import start_http_server

from app.cli.access_log import access_log
from app.cli.erasures import erasures
from app.cli.failing import failing
from app.cli.keys import keys
from app.cli.machines import machines
from app.cli.moving.import_patrons import import_patrons
from app.cli.operator_page import operator_page
from app.cli.sip2_gateway import sip2_gateway
from app.cli.staff import staff
from app.cli.starting import RegisterCommands, starting
from app.cli.unusual import unusual
from app.cli.webhooks import webhooks
from app.operator.acts import set_library, take_list
from app.register.patron.libraries import NoSuchLibrary, read_settings
from app.rules.library.listing import NotALibraryList
from app.rules.library.settings import LIBRARY_SETTINGS, SettingNotValid
from app.web.clock import now
from app.web.metrics.process import watch_process
from app.work.clean_up import clean_up
from app.work.worker import work

libraries = RegisterCommands("libraries", help="The list of public libraries.")
retention = RegisterCommands("retention", help="Data that is kept for a limited time.")


@libraries.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would become of it.")
def import_file(file: Path, *, dry_run: bool) -> None:
    """Add or correct the libraries in FILE, CSV or text. Bad rows are named by line; good ones are kept.

    UTF-8, UTF-16 or Windows-1252, with commas, semicolons or tabs, and a heading row. The columns: name, type, and
    sigel, biblioteknummer or id; and, if you have them, address, postcode, place, municipality_code. Other columns are
    ignored.
    """
    try:
        report = take_list(file.read_bytes(), dry_run=dry_run)
    except NotALibraryList as error:
        raise click.ClickException(f"{file.name}: {error}") from error
    click.echo(f"Read {file.name} as {report.encoding} with {report.separator}s.")
    for bad in report.bad:
        click.echo(f"{file.name}:{bad.line}: {bad.fault}", err=True)
    click.echo(
        f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, {len(report.bad)} bad rows"
    )
    if report.bad:
        raise SystemExit(1)


@libraries.command("set")
@click.argument("library_id")
@click.argument("name", type=click.Choice(list(LIBRARY_SETTINGS)), metavar="NAME")
@click.argument("value")
def set_value(library_id: str, name: str, value: str) -> None:
    """Set NAME of the library LIBRARY_ID to VALUE; `show` names them all. It counts from the next request on."""
    setting = LIBRARY_SETTINGS[name]
    with (
        failing(f"{name} takes {setting.takes}.", SettingNotValid),
        failing(f"There is no library {library_id}.", NoSuchLibrary),
    ):
        set_library(library_id=library_id, name=name, text=value, now=now())
    click.echo(f"{library_id}: {name} is {value}. {setting.says}")


@libraries.command("show")
@click.argument("library_id")
def show(library_id: str) -> None:
    """Show what the library LIBRARY_ID has set, what each setting takes and what it does."""
    with failing(f"There is no library {library_id}.", NoSuchLibrary):
        values = read_settings(library_id=library_id)
    for name, setting in LIBRARY_SETTINGS.items():
        click.echo(f"{name} = {setting.write(values[name])} ({setting.takes}). {setting.says}")


@retention.command("run")
@click.option(
    "--rewrite/--no-rewrite",
    default=True,
    help="On PostgreSQL, write tables anew so that no byte of what is gone stays in a file (docs/adr/0027).",
)
def run(*, rewrite: bool) -> None:
    """Warn and erase patrons who do not use the card, and delete what has expired. Run it daily, or at any time."""
    done = clean_up(rewrite=rewrite, tell=click.echo)
    click.echo(", ".join(f"{what}: {count}" for what, count in done.items()))


@click.command("worker")
@with_appcontext
@starting
def worker() -> None:
    """Send messages and notify libraries until stopped; work that was begun is finished first."""
    app, stopping = current_app._get_current_object(), Event()  # type: ignore[attr-defined]
    if port := app.config["WORKER_METRICS_PORT"]:
        with failing(f"Port {port} of WORKER_METRICS_PORT cannot be listened at.", OSError):
            start_http_server(port, addr="127.0.0.1")
        watch_process(app)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    work(app, go_on=lambda: not stopping.is_set())


def add_commands(app: Flask) -> None:
    """Give the app its commands."""
    groups = (access_log, erasures, keys, libraries, machines, retention, staff, unusual, webhooks)
    for command in (*groups, import_patrons, operator_page, sip2_gateway, worker):
        app.cli.add_command(command)
