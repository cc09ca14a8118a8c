"""What tests of a library's own rules share."""

from typing import Any

from circulation.settings import POLICIES
from tests.circulation.conftest import STAFF, Building

FILE = (POLICIES / "Mull.toml").read_text("utf-8")
FRIDAY = "2026-03-06"

# A valid body for each call where `write_rules` was called.
BODIES: dict[str, dict[str, Any]] = {
    "rules/state": {**STAFF},
    "rules/show": {"number": 1, **STAFF},
    "rules/draft": {"revision": 3, "number": 1, **STAFF},
    "rules/discard": {"revision": 3, **STAFF},
    "rules/compare": {"valid_from": "2026-04-30", **STAFF},
    "rules/publish": {"revision": 3, "valid_from": "2026-04-30", **STAFF},
    "rules/withdraw": {"revision": 3, "number": 2, **STAFF},
}


def show(mull: Building, *, draft: bool = False) -> dict[str, Any]:
    """The draft, or the newest rules that stand."""
    versions = mull.act("rules/state", **STAFF)["versions"]
    newest = next(version["number"] for version in versions if version["state"] != "withdrawn")
    return mull.act("rules/show", number=0 if draft else newest, **STAFF)


def document(mull: Building, *, draft: bool = False) -> dict[str, Any]:
    result: dict[str, Any] = show(mull, draft=draft)["document"]
    return result


def revision(mull: Building) -> int:
    result: int = mull.act("rules/state", **STAFF)["revision"]
    return result


def change(mull: Building, category: str = "dvd", **values: int) -> dict[str, Any]:
    """The newest rules with other values for a kind of media."""
    rules = document(mull)
    rules["categories"][category] |= values
    return rules


def publish(mull: Building, rules: dict[str, Any], valid_from: str, **note: str) -> int:
    """Save a draft and let it hold from a day. Returns its number."""
    mull.act("rules/draft", revision=revision(mull), document=rules, **STAFF)
    done = mull.act("rules/publish", revision=revision(mull), valid_from=valid_from, **note, **STAFF)
    number: int = done["number"]
    return number


def write_rules(mull: Building) -> None:
    """Rules for a day to come, and a draft after them: revision 3."""
    publish(mull, change(mull, overdue_per_day_ore=1500), "2026-04-29")
    mull.act("rules/draft", revision=2, document=change(mull, overdue_per_day_ore=1600), **STAFF)
