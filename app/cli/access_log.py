"""`flask access-log verify`, `public-key`: whether anybody has tampered with the access log."""

from pathlib import Path

import click
from flask import current_app

from app.cli.starting import RegisterCommands
from app.register.log.roots import public_keys
from app.register.log.sealing import seal_all
from app.register.log.verification import count_links, verify
from app.work.log_keeping import read_kept

access_log = RegisterCommands(
    "access-log", help="The log of each access to a patron's data, and whether it was tampered with."
)
_MOST_SHOWN = 100


@access_log.command("verify")
@click.option(
    "--roots",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with roots that were kept elsewhere; without it the one of ACCESS_LOG_ROOTS.",
)
def verify_command(*, roots: Path | None) -> None:
    """Check every row of the log, the chain and the roots. Prints each fault; exit status 1 if there is any."""
    place = current_app.config["ACCESS_LOG_ROOTS"]
    folder = roots or (Path(place) if place.startswith("/") else None)
    kept = read_kept(folder) if folder is not None else {}
    seal_all()
    with click.progressbar(length=count_links(), label="Links checked", show_pos=True) as progress:
        for done in verify(kept=kept, is_complete=roots is None and folder is not None):
            progress.update(done.links - progress.pos)
    for finding in done.findings[:_MOST_SHOWN]:
        click.echo(finding)
    click.echo(
        f"{done.links} links, {done.lines} lines, {done.removals} removals, {done.roots} roots here, "
        f"{len(kept)} roots kept elsewhere."
    )
    if not kept:
        click.echo("No root that was kept elsewhere was given: somebody with the keys could have made the log anew.")
    if done.findings:
        raise click.ClickException(f"{len(done.findings)} findings: the log was tampered with, or damaged.")
    click.echo("Nothing is wrong with the access log.")


@access_log.command("public-key")
def public_key() -> None:
    """Print the public keys (Ed25519, hex) by which roots are checked elsewhere, by the number of the vault's key."""
    for key_id, key in public_keys().items():
        click.echo(f"{key_id}:{key}")
