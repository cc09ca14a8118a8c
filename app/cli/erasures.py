"""`flask erasures replay`: after a backup was restored, erase again the patrons who had been erased since."""

import click

from app.cli.starting import RegisterCommands
from app.register.leaving.overwriting import cut_off_log
from app.register.leaving.replay import count_patrons, forget_journal, replay
from app.web.clock import now

erasures = RegisterCommands("erasures", help="The journal of erasures, which outlives the database's backups.")


@erasures.command("replay")
@click.option("--journal-is-lost", is_flag=True, help="The journal is gone for good: begin another, and erase nobody.")
def replay_command(*, journal_is_lost: bool) -> None:
    """Erase again every patron of the journal whom a restored database still has. Safe to stop and run again."""
    if journal_is_lost:
        forget_journal()
        click.echo("The register knows of no journal now; the next erasure begins one.")
        return
    erased = 0
    with click.progressbar(length=count_patrons(), label="Patrons checked", show_pos=True) as progress:
        for done in replay(now=now()):
            progress.update(done.looked_at - progress.pos)
            erased = done.erased
    cut_off_log()
    click.echo(f"{erased} of those in the journal were still in the register, and are erased again.")
