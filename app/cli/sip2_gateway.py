"""`flask sip2-gateway`: serve kiosks that only speak SIP2."""

import asyncio
import os
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from app.cli.starting import starting
from app.register.journal.journaling import check_journal
from app.register.staff.machines import list_machines
from app.sip2.gateway import run_until_stopped
from app.sip2.settings import BadGateway, GatewaySettings, read_gateway


@click.command("sip2-gateway")
@with_appcontext
@starting
def sip2_gateway() -> None:
    """Run the gateway between SIP2 kiosks and their libraries' systems, as SIP2_GATEWAY_FILE says, until stopped."""
    check_journal()
    settings = _read_settings(os.environ.get("SIP2_GATEWAY_FILE", ""))
    _name_unknown_kiosks(settings)
    try:
        asyncio.run(run_until_stopped(current_app._get_current_object(), settings))  # type: ignore[attr-defined]
    except OSError as error:
        raise click.ClickException(f"A port cannot be listened at: {error.strerror or error}") from None


def _read_settings(path: str) -> GatewaySettings:
    try:
        text = Path(path).read_text(encoding="utf-8") if path else ""
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text:
        raise click.ClickException("SIP2_GATEWAY_FILE must be the path of a TOML file that can be read.")
    try:
        return read_gateway(text, environ=os.environ)
    except BadGateway as error:
        raise click.ClickException(f"{path}:\n{error}") from None


def _name_unknown_kiosks(settings: GatewaySettings) -> None:
    """Print which kiosks of the file the register does not know. The others are served all the same."""
    for library in settings.libraries:
        connected = {each.username for each in list_machines(library_id=library.library_id) if each.kind == "kiosk"}
        for kiosk in (*library.kiosks_by_address.values(), *library.kiosks_by_login.values()):
            if kiosk not in connected:
                click.echo(f"libraries.{library.library_id}.kiosks.{kiosk}: no such kiosk is connected", err=True)
