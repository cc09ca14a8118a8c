"""What must be right before the portal serves, or a command works with the register."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from flask.cli import AppGroup

from app.register.keys.recognition import note_keys
from app.register.store.database_faults import DATABASE_ERRORS
from app.web.faults.health import check_made, check_register
from app.work.sentences import sentence_of


def check_command() -> None:
    """Raise NotReady, WrongKeys or one of DATABASE_ERRORS; note what the keys are recognised by."""
    check_register()
    note_keys()


def check_start() -> None:
    """Raise what `check_command` raises, and NotReady where front end or texts are missing."""
    check_made()
    check_command()


def check_start_of_portal() -> None:
    """Raise what `check_start` raises. A database that is away is only named: until it is back, answers are 503."""
    try:
        check_start()
    except DATABASE_ERRORS as error:
        sys.stderr.write(f"{sentence_of(error)} Until then answers are 503.\n")


class RegisterCommands(AppGroup):
    """Commands that work with the register, and so are refused where it is not ready for them."""

    def command(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - click's
        """Return click's decorator."""
        decorate = super().command(*arguments, **named)
        return lambda function: decorate(_checking(function, check_command))


def starting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function of a command that serves, which is refused where the portal would be, in an app context."""
    return _checking(function, check_start)


def commanding(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function of a command that works with the register and stands in no group, in an app context."""
    return _checking(function, check_command)


def _checking(function: Callable[..., Any], check: Callable[[], None]) -> Callable[..., Any]:
    @wraps(function)
    def checked(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - click's
        try:
            check()
            return function(*arguments, **named)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            raise click.ClickException(sentence_of(error)) from error

    return checked
