"""Errors as sentences for the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def failing(sentence: str, *errors: type[Exception]) -> Iterator[None]:
    """End the command with a sentence and exit status 1 if one of these errors is raised. Raises ClickException."""
    try:
        yield
    except errors:
        raise click.ClickException(sentence) from None
