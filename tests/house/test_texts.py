"""Every text of the pages is there in bokmål."""

from itertools import chain
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

APP = Path(__file__).parents[2] / "app"
DOCS = APP.parent / "docs"
METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**/templates/**.txt", "jinja2")]
METHODS_OF_DOCS = [("register-inventory.md", "app.register.leaving.inventory:extract")]
LAZY = {"_l": None, "lazy_gettext": None, "lazy_ngettext": (1, 2), "lazy_pgettext": ((1, "c"), 2)}


def texts_of_the_pages() -> set[str | tuple[str, ...]]:
    """Return every text that a page, a form or a message asks a catalog for."""
    found = extract_from_dir(APP, method_map=METHODS, keywords=DEFAULT_KEYWORDS | LAZY)
    inventory = extract_from_dir(DOCS, method_map=METHODS_OF_DOCS)
    return {message for _file, _line, message, _comments, _context in chain(found, inventory)}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    with (APP / "translations" / "nb" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale="nb")


def test_texts_are_found_in_code_in_forms_on_pages_and_in_the_inventory():
    texts = texts_of_the_pages()
    assert {"Too many attempts. Try again in %(minutes)s minutes.", "Keep me logged in on this phone"} <= texts
    assert "Telephone number, for messages about the card" in texts
    assert len(texts) > 100


def test_every_text_is_in_the_catalog(catalog):
    in_catalog = {message.id if isinstance(message.id, str) else tuple(message.id) for message in catalog if message.id}
    assert texts_of_the_pages() - in_catalog == set()


def test_every_text_of_the_catalog_is_translated_and_none_is_a_guess(catalog):
    for message in catalog:
        if message.id:
            strings = [message.string] if isinstance(message.string, str) else list(message.string)
            assert strings, message.id
            assert all(strings), message.id
            assert not message.fuzzy, message.id


def test_every_translation_keeps_the_names_that_the_program_fills_in(catalog):
    for message in catalog:
        assert list(message.check()) == [], message.id
