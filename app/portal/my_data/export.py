"""Taking one's data along (GDPR art. 15 and 20): a file for programs, and pages for people and paper."""

from datetime import date, datetime
from typing import Any, Final

from flask import jsonify, render_template
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_login import current_user

from app.portal.my_data.data_words import UNTRACEABLE, WITHHELD
from app.portal.my_data.stored import explain_all
from app.portal.routes import portal
from app.register.leaving.inventory import read_inventory
from app.register.leaving.own_data import OWN_TABLES, name_libraries, read_own_data
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.sign_in.step_up import after_step_up

FORMAT: Final = "lanekort-own-data"
VERSION: Final = 1
"""Grows when a reader of the file would have to change; a new table or column alone is none."""

_FILE = "lanekort-mine-opplysninger.json"


@portal.get("/my/data/download")
@open_to(Audience.PATRON)
@after_step_up()
def download() -> str:
    """Say what is in the file, and give it."""
    return render_template("portal/download.html")


@portal.get("/my/data.json")
@open_to(Audience.PATRON)
@after_step_up()
def data_json() -> ResponseReturnValue:
    """Give everything that is stored as a file of JSON."""
    response = jsonify(_export(current_user.patron_id))
    response.headers.set("Content-Disposition", "attachment", filename=_FILE)
    return response


@portal.get("/my/data/print")
@open_to(Audience.PATRON)
@after_step_up()
def data_print() -> str:
    """Show everything that is stored on one page that can be printed."""
    sections = explain_all(patron_id=current_user.patron_id)
    empty = [table.heading for tables in sections.values() for table in tables if not table.rows]
    return render_template(
        "portal/print.html", sections=sections, empty=empty, untraceable=UNTRACEABLE.values(), made_at=now()
    )


def _export(patron_id: int) -> dict[str, Any]:
    """Return the export: names and explanations in English, dates as ISO 8601, instants in UTC."""
    inventory = read_inventory()
    rows = read_own_data(patron_id=patron_id)
    with force_locale("en"):
        return {
            "format": FORMAT,
            "version": VERSION,
            "made_at": now().isoformat(),
            "data": {name: [{key: _plain(row[key]) for key in row} for row in rows[name]] for name in rows},
            "withheld": {
                name: {column: str(WITHHELD[why]) for column, why in own.withheld.items()}
                for name, own in OWN_TABLES.items()
                if own.withheld
            },
            "not_traceable": {name: str(words) for name, words in UNTRACEABLE.items()},
            "explained": {
                name: {
                    column: {"purpose": entry.purpose, "legal_ground": entry.ground, "kept": entry.kept}
                    for column, entry in inventory[own.table.__tablename__].items()
                }
                for name, own in OWN_TABLES.items()
            },
            "libraries": name_libraries(rows),
        }


def _plain(value: Any) -> Any:  # noqa: ANN401 - a column's value
    return value.isoformat() if isinstance(value, date | datetime) else value
