"""The way from a page to the libraries' systems."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flask import current_app, flash

from app.ils.overview import ask_libraries
from app.ils.port import Refused, Unavailable
from app.web.pages.library_words import refusal_words

if TYPE_CHECKING:
    from app.ils.systems import Systems


DESK_PATIENCE_SECONDS = 0.8


def library_systems() -> Systems:
    """Return the libraries' systems that this installation is connected to."""
    return current_app.extensions["ils"]


@contextmanager
def flash_refusals(*, silent: str, category: str = "danger") -> Iterator[None]:
    """Flash why the library's system refused what is asked of it in the block; `silent` is said where it is silent."""
    try:
        yield
    except Refused as refused:
        flash(refusal_words(refused.code), category)
    except Unavailable:
        flash(silent, category)


def ask_blocks(*, library_id: str, card_number: str) -> tuple[str, ...] | None:
    """Return why a card may not borrow at a library, by that library's own word.

    None where it is not connected, or does not say before somebody at the desk would begin to wait.
    """
    if library_systems().get(library_id) is None:
        return None
    overview = ask_libraries(
        systems=library_systems(), wanted={library_id: [card_number]}, timeout=DESK_PATIENCE_SECONDS
    )
    accounts = overview.accounts.get(library_id)
    return None if accounts is None else tuple(block.reason for block in accounts[0].blocks)


def channels_served() -> Collection[str]:
    """Return the ways to a patron that a machine serves here."""
    return current_app.extensions["post"].channels
