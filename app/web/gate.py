"""The way from a page to the libraries' systems."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import wait
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from flask import current_app, flash

from app.ils.budget import start
from app.ils.overview import ask_libraries, find_copies
from app.ils.port import Account, Refused, Unavailable
from app.rules.library.closing import closing_time
from app.web.pages.library_words import refusal_words

if TYPE_CHECKING:
    from app.ils.systems import Systems


DESK_PATIENCE_SECONDS = 0.8


def library_systems() -> Systems:
    """Return the libraries' systems that this installation is connected to."""
    return current_app.extensions["ils"]


@contextmanager
def flash_refusals(*, silent: str, category: str = "danger", title: str = "") -> Iterator[None]:
    """Flash why the library's system refused what is asked of it in the block; `silent` is said where it is silent.

    The `title` that it is about may be given only where the page is shown at once: else it is kept in the session.
    """
    try:
        yield
    except Refused as refused:
        flash(_about(title, refusal_words(refused.code)), category)
    except Unavailable:
        flash(_about(title, silent), category)


def _about(title: str, words: str) -> str:
    return f"{title}: {words}" if title else words


def ask_account(*, library_id: str, card_number: str) -> Account | None:
    """Return what a card has at a library, by that library's own word.

    None where it is not connected, or does not say before somebody at the desk would begin to wait.
    """
    if library_systems().get(library_id) is None:
        return None
    overview = ask_libraries(
        systems=library_systems(), wanted={library_id: [card_number]}, timeout=DESK_PATIENCE_SECONDS
    )
    accounts = overview.accounts.get(library_id)
    return None if accounts is None else accounts[0]


def ask_closing_time(*, library_id: str, day: date) -> str | None:
    """Return the local time at which a library closes on a day, as `20:00`; None where its system does not say now."""
    lending = library_systems().lending(library_id)
    if lending is None:
        return None
    asked = start(lending.rules)
    wait([asked], timeout=DESK_PATIENCE_SECONDS)
    if not asked.done() or asked.exception() is not None:
        return None
    return closing_time(asked.result().staffed_hours, day=day)


def find_copies_elsewhere(*, library_ids: Collection[str], barcode: str, staff: str) -> Mapping[str, str]:
    """Return the title of a copy that may be one of other libraries', by library id, as far as they say now."""
    return find_copies(
        systems=library_systems(),
        library_ids=library_ids,
        barcode=barcode,
        staff=staff,
        timeout=DESK_PATIENCE_SECONDS,
    )


def ask_blocks(*, library_id: str, card_number: str) -> tuple[str, ...] | None:
    """Return why a card may not borrow at a library; None as `ask_account`."""
    account = ask_account(library_id=library_id, card_number=card_number)
    return None if account is None else tuple(block.reason for block in account.blocks)


def channels_served() -> Collection[str]:
    """Return the ways to a patron that a machine serves here."""
    return current_app.extensions["post"].channels
