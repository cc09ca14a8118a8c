"""`flask unusual list`: libraries that did far more in an hour than is usual there."""

from datetime import timedelta

import click

from app.cli.starting import RegisterCommands
from app.register.limits.unusual import list_unusual
from app.web.clock import now

unusual = RegisterCommands("unusual", help="Libraries that do far more than is usual there.")


@unusual.command("list")
@click.option("--days", type=click.IntRange(1, 30), default=7, show_default=True, help="How far back.")
def list_hours(days: int) -> None:
    """List the hours (UTC) in which a library was slowed down, newest first: check whether its login was stolen."""
    for each in list_unusual(since=now() - timedelta(days=days)):
        click.echo(f"{each.hour:%Y-%m-%d %H}:00  {each.library_id}  {each.kind}: {each.taken}")
