"""What lists and secrets look like on a terminal."""

import io
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import click
import qrcode

of_library: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--library", "library_id", metavar="ID", help="Those of one library alone."
)


def show_table(*headings: str, rows: Iterable[Iterable[object]]) -> None:
    """Print rows in columns as wide as they must be, with headings; instants in UTC, None as a hyphen."""
    lines = [list(headings), *([_written(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _written(cell: object) -> str:
    return f"{cell:%Y-%m-%d %H:%M}" if isinstance(cell, datetime) else "-" if cell is None else str(cell)


def draw_qr(text: str) -> str:
    """Return a QR code for a terminal, light on dark or dark on light."""
    code, drawn = qrcode.QRCode(border=2), io.StringIO()
    code.add_data(text)
    code.print_ascii(out=drawn, invert=True)
    return drawn.getvalue()
