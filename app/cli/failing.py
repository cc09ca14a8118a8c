"""Errors as sentences for the terminal; never a driver's or a library's, which may hold addresses or data."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import click

from app.work.sentences import sentence_of


@contextmanager
def failing(sentence: str, *errors: type[Exception]) -> Iterator[None]:
    """End the command with a sentence and exit status 1 if one of these errors is raised. Raises ClickException."""
    try:
        yield
    except errors:
        raise click.ClickException(sentence) from None


def end_with_a_sentence(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say why the program ends, in the place of Python's traceback (sys.excepthook)."""
    if isinstance(error, Exception):
        sys.stderr.write(f"Error: {sentence_of(error)}\n")
    else:
        sys.__excepthook__(kind, error, trace)
