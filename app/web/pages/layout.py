"""What every page's frame needs beside its own content."""

import re
from typing import Any

from flask import Flask
from flask_babel import lazy_gettext as _l
from jinja2.ext import Extension

from app.web.sign_in.device_label import device_name
from app.web.sign_in.eid import eid_name
from app.web.sign_in.identity import was_left
from app.web.sign_in.passkeys import passkey_origin

# Min side's tabs in order, by endpoint. A tab is shown where its page exists.
_TABS = (
    ("portal.my", _l("My page")),
    ("family.loans", _l("Loans")),
    ("card.show", _l("Library card")),
    ("family.settings", _l("Settings")),
    ("portal.data", _l("My data")),
)
# What a phone's bar leads to: endpoint, word, icon, and the tabs that it stands for.
_BAR = (
    ("card.show", _l("Card"), "card", ("card.show",)),
    ("family.loans", _l("Loans"), "book", ("family.loans",)),
    ("family.settings", _l("Family"), "family", ("family.settings",)),
    ("portal.my", _l("Me"), "person", ("portal.my", "portal.data")),
)


class WithoutIndentation(Extension):
    """Leaves out the indentation of templates, a fifth of a page that may not be compressed as it holds secrets."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the template with the same lines, each from its first letter."""
        return re.sub(r"\n[ \t]+", "\n", source)


def lay_out(app: Flask) -> None:
    """Give every template the tabs of Min side, a phone's bar, what the national sign-in is called, if there is one,
    whether somebody left this browser without a network, and at which address passkeys
    work; and the filter that names devices."""

    app.jinja_env.add_extension(WithoutIndentation)
    app.jinja_env.filters["device_name"] = device_name

    @app.context_processor
    def frame() -> dict[str, Any]:
        tabs = [(endpoint, label) for endpoint, label in _TABS if endpoint in app.view_functions]
        return {
            "tabs": tabs,
            "bar": [entry for entry in _BAR if entry[0] in app.view_functions],
            "demo": None,
            "service": eid_name(),
            "was_left": was_left,
            "passkey_origin": passkey_origin(),
        }
