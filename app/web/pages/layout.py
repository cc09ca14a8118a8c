"""What every page's frame needs beside its own content."""

from typing import Any

from flask import Flask
from flask_babel import lazy_gettext as _l

from app.web.sign_in.eid import eid_name
from app.web.sign_in.identity import was_left

# Min side's tabs in order, by endpoint. A tab is shown where its page exists.
_TABS = (
    ("portal.my", _l("My page")),
    ("family.loans", _l("Loans")),
    ("card.show", _l("Library card")),
    ("family.settings", _l("Settings")),
    ("portal.data", _l("My data")),
)


def lay_out(app: Flask) -> None:
    """Give every template the tabs of Min side, and what the national sign-in is called, if there is one, and
    whether somebody left this browser without a network."""

    @app.context_processor
    def frame() -> dict[str, Any]:
        tabs = [(endpoint, label) for endpoint, label in _TABS if endpoint in app.view_functions]
        return {"tabs": tabs, "demo": None, "service": eid_name(), "was_left": was_left}
