"""`flask access-log verify`, `public-key`: whether anybody has tampered with the access log."""

from pathlib import Path

import click

from app.cli.starting import RegisterCommands
from app.register.log.roots import public_keys
from app.work.log_keeping import say_verified, verify_log

access_log = RegisterCommands(
    "access-log", help="The log of each access to a patron's data, and whether it was tampered with."
)


@access_log.command("verify")
@click.option(
    "--roots",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with roots that were kept elsewhere; without it the one of ACCESS_LOG_ROOTS.",
)
def verify_command(*, roots: Path | None) -> None:
    """Check every row of the log, the chain and the roots. Prints each fault; exit status 1 if there is any."""
    with click.progressbar(length=0, label="Links checked", show_pos=True) as bar:

        def progress(done: int, links: int) -> None:
            bar.length = links
            bar.update(done - bar.pos)

        found, compared = verify_log(roots=roots, progress=progress)
    *told, last = say_verified(found, compared)
    for line in told:
        click.echo(line)
    if found.findings:
        raise click.ClickException(last)
    click.echo(last)


@access_log.command("public-key")
def public_key() -> None:
    """Print the public keys (Ed25519, hex) by which roots are checked elsewhere, by the number of the vault's key."""
    for key_id, key in public_keys().items():
        click.echo(f"{key_id}:{key}")
