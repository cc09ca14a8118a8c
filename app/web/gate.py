"""The way from a page to the libraries' systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from app.ils.systems import Systems


def library_systems() -> Systems:
    """Return the libraries' systems that this installation is connected to."""
    return cast("Systems", current_app.extensions["ils"])
