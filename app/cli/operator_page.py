"""`flask operator-page`: serves the operator's page until stopped."""

import click
from flask import current_app
from flask.cli import with_appcontext

from app.cli.failing import failing
from app.cli.starting import starting
from app.operator.serving import HERE, NotListening, listen


@click.command("operator-page")
@click.option("--port", default=8071, show_default=True, type=click.IntRange(1, 65535), help="Where it listens.")
@with_appcontext
@starting
def operator_page(port: int) -> None:
    """Serve the page of all libraries to this machine alone, until stopped, and show the link that opens it once.

    From your own computer: `ssh -L 8071:127.0.0.1:8071 SERVER`, and open the link there.
    """
    with failing(f"Port {port} cannot be listened at: is it in use?", NotListening):
        server, link = listen(current_app._get_current_object(), port=port)  # type: ignore[attr-defined]
    click.echo(f"Open this once, on this machine or through ssh -L {port}:{HERE}:{port}:")
    click.echo(link)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("Stopped. Who was in is out.")
