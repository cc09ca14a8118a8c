"""`flask keys new`, `new-push`, `rotate`: the keys that are kept outside the database."""

import secrets

import click
from cryptography.hazmat.primitives.asymmetric import ec

from app.cli.starting import RegisterCommands
from app.register.keys.rotation import BATCH, count_older, count_older_pins, list_renewables, newest_key_in_use, renew
from app.register.keys.vault import vault

keys = RegisterCommands("keys", help="The keys in VAULT_KEYS, under which tokens, seals and PINs stand.")
_LAST_KEY = 255


@keys.command("new")
def new() -> None:
    """Generate the next key, to be appended to VAULT_KEYS after a comma. It is stored nowhere."""
    if vault.key_id == _LAST_KEY:
        raise click.ClickException(f"Key {_LAST_KEY} is the last one.")
    click.echo(f"{vault.key_id + 1}:{secrets.token_hex(32)}")


@keys.command("new-push")
def new_push() -> None:
    """Generate a key for PUSH_KEY, by which push services know this portal. It is stored nowhere."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    click.echo(number.to_bytes(32, "big").hex())


@keys.command("rotate")
@click.option("--batch", type=click.IntRange(1, 100_000), default=BATCH, show_default=True, help="Rows a transaction.")
def rotate(batch: int) -> None:
    """Renew everything that stands under an older key. Safe to stop at any point and run again."""
    newest = newest_key_in_use()
    if newest > vault.key_id:
        raise click.ClickException(
            f"Key {newest} is in use and not in VAULT_KEYS. Put it back: who stands under it is not found without it."
        )
    left = 0
    for renewable in list_renewables():
        name = f"{renewable.table.name}: {', '.join(renewable.columns)}"
        renewed = 0
        with click.progressbar(length=count_older(renewable), label=name, show_pos=True) as progress:
            for rows in renew(renewable, batch=batch):
                renewed += rows
                progress.update(rows)
        still = count_older(renewable)
        left += still
        click.echo(f"{name}: {renewed} renewed" + (f", {still} could not be" if still else ""))
    click.echo(f"PINs under older keys, each renewed when its owner next signs in: {count_older_pins()}")
    click.echo(
        f"The newest key is {vault.key_id}. Every older one stays in VAULT_KEYS: tokens are chained through all."
    )
    if left:
        raise click.ClickException(f"{left} rows still stand under older keys. Run this again.")
