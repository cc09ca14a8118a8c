"""Personvern: what is promised, what proves it, one's rights, and how long anything is kept."""

from collections.abc import Iterator, Sequence
from typing import Final

from flask import render_template
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.portal.my_data.data_words import TABLES, UNTRACEABLE
from app.portal.routes import portal
from app.register.leaving.inventory import read_inventory
from app.register.leaving.own_data import OWN_TABLES
from app.rules.people.fields import Editor
from app.web.access import Audience, open_to
from app.web.pages.patron_fields import list_corrected

_PROOFS: Final[Sequence[tuple[LazyString, Sequence[str]]]] = (
    (
        _l(
            "The inventory names every column. The program is tested against it: what is not on the list cannot be "
            "stored, and a book that is borrowed in a test leaves no trace in the register."
        ),
        ("docs/register-inventory.md", "tests/wall/test_inventory.py", "tests/wall/test_canary.py"),
    ),
    (
        _l("The inventory has no column for anything sensitive, and a hidden address is taken out."),
        ("docs/register-inventory.md", "tests/wall/test_inventory.py"),
    ),
    (
        _l(
            "Only a key outside the database can make the token. A test takes a copy of the register and tries every "
            "number there is: it finds none of 1,000."
        ),
        ("tests/wall/test_offline_cracking.py", "SECURITY.md"),
    ),
    (
        _l(
            "Every look is logged before anything is shown. A test sends everybody to every page, and nobody gets "
            "anything of a stranger's."
        ),
        ("tests/wall/test_every_route.py", "tests/wall/test_reads_are_logged.py"),
    ),
    (
        _l("The register answers over HTTPS only. A library's password can be changed without a stop."),
        ("tests/doors/test_api.py", "docs/adr/0005-machines-passwords-and-a-keyed-hash.md"),
    ),
    (
        _l("The program that deletes is tested against the periods of the inventory."),
        ("docs/register-inventory.md", "tests/register/test_retention.py"),
    ),
    (
        _l("A test compares the page with the database, column by column."),
        ("tests/doors/test_my_data.py", "app/register/leaving/own_data.py"),
    ),
    (
        _l("Tests follow a change and a deletion to every library, and back to the receipt."),
        ("tests/register/test_corrections.py", "tests/register/test_erasure.py"),
    ),
    (
        _l("After opting out no other library is answered or told anything."),
        ("tests/register/test_membership.py",),
    ),
)
"""What proves each of the nine promises, in their order: a sentence, and files of the program."""


@portal.get("/privacy")
@open_to(Audience.ANYONE)
def privacy() -> str:
    """Show the privacy page."""
    return render_template(
        "portal/privacy.html",
        periods=list(_periods()),
        untraceable=UNTRACEABLE.values(),
        own_corrects=list_corrected(Editor.PATRON),
        desk_corrects=list_corrected(Editor.DESK, but=Editor.PATRON),
    )


@portal.get("/privacy/proofs")
@open_to(Audience.ANYONE)
def proofs() -> str:
    """Show experts what proves the promises."""
    return render_template("portal/proofs.html", proofs=_PROOFS)


def _periods() -> Iterator[tuple[str, str]]:
    """Yield each kind of information with how long it is kept, as the inventory has it."""
    seen = set()
    for name, own in OWN_TABLES.items():
        table = own.table.__tablename__
        if table not in seen:
            seen.add(table)
            first = next(iter(read_inventory()[table].values()))
            yield str(TABLES.get(name, name)), _(first.kept)
