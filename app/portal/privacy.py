"""Personvern: what is promised, what proves it, one's rights, and how long anything is kept."""

from collections.abc import Iterator

from flask import render_template
from flask_babel import gettext as _

from app.portal.my_data.data_words import TABLES, UNTRACEABLE
from app.portal.routes import portal
from app.register.leaving.inventory import read_inventory
from app.register.leaving.own_data import OWN_TABLES
from app.rules.people.fields import Editor
from app.web.access import Audience, open_to
from app.web.pages.patron_fields import list_corrected


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


def _periods() -> Iterator[tuple[str, str]]:
    """Yield each kind of information with how long it is kept, as the inventory has it."""
    seen = set()
    for name, own in OWN_TABLES.items():
        table = own.table.__tablename__
        if table not in seen:
            seen.add(table)
            first = next(iter(read_inventory()[table].values()))
            yield str(TABLES.get(name, name)), _(first.kept)
