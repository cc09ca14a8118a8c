"""Every text of the pages is there in every language that they have."""

import ast
import runpy
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from app.web.pages.languages import LANGUAGES

APP = Path(__file__).parents[2] / "app"
TRANSLATIONS = APP / "translations"
DOCS = APP.parent / "docs"
METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**/templates/**.txt", "jinja2")]
METHODS_OF_DOCS = [("register-inventory.md", "app.register.leaving.inventory:extract")]
may_be_in_bokmal = runpy.run_path(str(APP.parent / "scripts" / "untranslated.py"))["may_be_in_bokmal"]
LAZY = {"_l": None, "lazy_gettext": None, "lazy_ngettext": (1, 2), "lazy_pgettext": ((1, "c"), 2)}


def texts_of_the_pages() -> set[str | tuple[str, ...]]:
    """Return every text that a page, a form or a message asks a catalog for."""
    found = extract_from_dir(APP, method_map=METHODS, keywords=DEFAULT_KEYWORDS | LAZY)
    inventory = extract_from_dir(DOCS, method_map=METHODS_OF_DOCS)
    return {message for _file, _line, message, _comments, _context in chain(found, inventory)}


@pytest.fixture(scope="module", params=sorted(LANGUAGES.keys() - {"en"}))
def catalog(request: pytest.FixtureRequest) -> Catalog:
    with (TRANSLATIONS / request.param / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=request.param)


@pytest.fixture
def translations(tmp_path: Path) -> Path:
    """Return a copy of the catalogs in which nothing is left to translate."""
    return shutil.copytree(TRANSLATIONS, tmp_path / "translations")


def find_untranslated(folder: Path) -> tuple[int, list[str]]:
    program = APP.parent / "scripts" / "untranslated.py"
    done = subprocess.run([sys.executable, program, folder], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.splitlines()


def test_texts_are_found_in_code_in_forms_on_pages_and_in_the_inventory():
    texts = texts_of_the_pages()
    assert {"Too many attempts. Try again in %(minutes)s minutes.", "Keep me logged in on this phone"} <= texts
    assert "Telephone number, for messages about the card" in texts
    assert len(texts) > 100


def test_every_text_is_in_the_catalog(catalog):
    in_catalog = {message.id if isinstance(message.id, str) else tuple(message.id) for message in catalog if message.id}
    assert texts_of_the_pages() - in_catalog == set()


def test_no_text_is_asked_for_within_an_f_string_where_older_pythons_do_not_find_it():
    asked = [
        f"{path}:{call.lineno}"
        for path in APP.rglob("*.py")
        for text in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in {"_", "_l", "ngettext"}
    ]
    assert asked == []


def test_every_language_of_the_pages_has_a_catalog():
    assert {path.name for path in TRANSLATIONS.iterdir() if path.is_dir()} == LANGUAGES.keys() - {"en"}


def test_every_text_of_the_catalog_is_translated_and_none_is_a_guess(catalog):
    for message in catalog:
        if message.id and not may_be_in_bokmal(message, str(catalog.locale)):
            strings = [message.string] if isinstance(message.string, str) else list(message.string)
            assert strings, message.id
            assert all(strings), message.id
            assert not message.fuzzy, message.id


@pytest.mark.usefixtures("programs")
def test_nothing_is_left_to_translate():
    assert find_untranslated(TRANSLATIONS) == (0, [])


@pytest.mark.usefixtures("programs")
def test_a_blanked_translation_is_named_in_each_language(translations):
    for language in ("nb", "sv"):
        path = translations / language / "LC_MESSAGES" / "messages.po"
        lines = path.read_text(encoding="utf-8").splitlines()
        lines[lines.index('msgid "Log out"') + 1] = 'msgstr ""'
        path.write_text("\n".join(lines), encoding="utf-8")
    assert find_untranslated(translations) == (1, ["nb: not translated: Log out", "sv: not translated: Log out"])


@pytest.mark.usefixtures("programs")
def test_a_reworded_sentence_keeps_its_translations_as_proposals_that_are_named(translations, tmp_path):
    template = tmp_path / "messages.pot"
    template.write_text('msgid ""\nmsgstr ""\n\nmsgid "This is much too long. Make it shorter."\nmsgstr ""\n')
    update = next(line for line in (APP.parent / "manage").read_text().splitlines() if "--ignore-obsolete" in line)
    pybabel = [sys.executable, "-m", "babel.messages.frontend", "--quiet", "update"]
    options = [word for word in update.split() if word.startswith("--")]
    subprocess.run([*pybabel, "-i", template, "-d", translations, *options], check=True)
    proposal = "proposal to check: This is much too long. Make it shorter."
    assert find_untranslated(translations) == (1, [f"{language}: {proposal}" for language in ("nb", "nn", "se", "sv")])
    bokmal = (translations / "nb" / "LC_MESSAGES" / "messages.po").read_text(encoding="utf-8")
    assert 'msgstr "Dette er for langt. Gjør det kortere."' in bokmal


def test_every_translation_keeps_the_names_that_the_program_fills_in(catalog):
    for message in catalog:
        assert list(message.check()) == [], message.id


def test_readability_is_words_in_a_sentence_and_the_share_of_long_words():
    lix_of = runpy.run_path(str(APP.parent / "scripts" / "readability.py"))["lix_of"]
    # Eleven words in two sentences, and one of them has more than six letters.
    assert lix_of("Boka er klar for deg. Hent den på biblioteket i dag.") == 11 / 2 + 100 / 11
    assert lix_of("") == 0


@pytest.mark.usefixtures("programs")
def test_readability_is_reported_for_each_language_and_stops_nobody(catalog):
    language = str(catalog.locale)
    program = APP.parent / "scripts" / "readability.py"
    done = subprocess.run([sys.executable, program, TRANSLATIONS, language], capture_output=True, text=True, check=True)
    *files, total = done.stdout.splitlines()
    assert f"{language} in all; " in total
    assert any("app/portal/templates/portal/privacy.html" in line for line in files)
    assert not any("app/desk/" in line for line in files)
