"""What is served of others' style sheets is what the pages use."""

import re
from pathlib import Path

import pytest

from scripts.vendor import SHEETS, UNUSED, split_components

APP = Path(__file__).parents[2] / "app"


def test_no_page_has_a_component_whose_styles_are_left_out():
    sources = [*APP.rglob("templates/**/*.html"), *APP.glob("static/js/**/*.js")]
    used = {name for source in sources for name in re.findall(r"\bds-([a-z-]+)", source.read_text(encoding="utf-8"))}
    assert len(used) > 10
    assert used & UNUSED == set()


def test_each_component_that_is_served_has_the_styles_that_it_begins_with() -> None:
    served = "".join((APP / "static/vendor" / name).read_text(encoding="utf-8") for name in SHEETS)
    # A link that skips has only states, and uploads are on no page.
    components = {*set().union(*SHEETS.values())} - {"file-upload", "skip-link"}
    assert {name for name in components if f".ds-{name}{{" not in served} == set()


def a_sheet_of(*names: str) -> str:
    return "@layer ds.base;.ds-sr-only{}" + "".join(f"@layer ds.components{{.ds-{name}{{}}}}" for name in names)


def test_what_pages_use_is_served_and_the_rest_is_not() -> None:
    every, forms, tables = (sorted(names - {"sr-only"}) for names in SHEETS.values())
    served = split_components(a_sheet_of(*tables, *sorted(UNUSED), *forms, *every))
    parts = ["".join(f"@layer ds.components{{.ds-{name}{{}}}}" for name in names) for names in (every, forms, tables)]
    assert list(served.values()) == ["@layer ds.base;.ds-sr-only{}" + parts[0], *parts[1:]]


@pytest.mark.parametrize("names", [("button",), (*UNUSED.union(*SHEETS.values()), "carousel")])
def test_a_part_that_is_missing_or_new_is_told(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"alert|carousel"):
        split_components(a_sheet_of(*(name for name in names if name != "sr-only")))
