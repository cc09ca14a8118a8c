"""What every page at the desk has around it."""

from collections.abc import Callable
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l

from app.desk.routes import desk
from app.desk.words import age_words
from app.register.staff.staff import Workplace
from app.rules.card.number import group_card_number
from app.web.gate import library_systems
from app.web.pages.patron_fields import choice_words

# The way between the desk's pages, by endpoint. A tab is shown where its page exists.
_TABS = (
    ("desk.scan", _l("Scan")),
    ("desk.find", _l("Find patron")),
    ("desk.enrol", _l("New patron")),
    ("desk.counter", _l("Counter")),
    ("desk.returns", _l("Returns")),
    ("desk.interlibrary", _l("Interlibrary loans")),
    ("desk.door", _l("The door")),
    ("desk.post", _l("Post")),
    ("desk.notices", _l("Notices")),
    ("desk.numbers", _l("Numbers")),
)
# A library with a system of its own lends there, and keeps its agreements there.
_WHERE_ITEMS_ARE = ("desk.counter", "desk.returns", "desk.interlibrary")
_WHERE_AGREEMENTS_ARE = ("desk.door",)


@desk.context_processor
def frame() -> dict[str, Callable[..., Any]]:
    """Give every template the tabs of a workplace, and the desk's words."""

    def desk_tabs(workplace: Workplace) -> list[tuple[str, object]]:
        systems = library_systems()
        absent: tuple[str, ...] = () if systems.lending(workplace.library_id) else _WHERE_ITEMS_ARE
        absent += () if systems.lending(workplace.library_id) else _WHERE_AGREEMENTS_ARE
        return [
            (endpoint, label)
            for endpoint, label in _TABS
            if endpoint in current_app.view_functions and endpoint not in absent
        ]

    return {
        "desk_tabs": desk_tabs,
        "age_words": age_words,
        "choice_words": choice_words,
        "group_card_number": group_card_number,
    }
