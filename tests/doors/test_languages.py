"""The language of the pages: asked for, remembered, or the browser's; bokmål otherwise."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from apiflask import APIFlask
from babel.messages.pofile import read_po
from flask.testing import FlaskClient
from flask_babel import format_date, format_time, ngettext
from flask_babel import gettext as _

from app.web.access import Audience
from app.web.faults.errors import wait_sentence
from app.web.pages.languages import LANGUAGES, message_language, speak
from app.web.pages.library_words import day_of_year, money
from tests.doors.pages import list_pages
from tests.doors.visits import GUARDIAN, desk_log_in, log_in, read_page

TRANSLATIONS = Path(__file__).parents[2] / "app" / "translations"
# For programmers, staff and the demonstration.
BESIDES = ("/api", "/desk", "/demo")


@pytest.fixture
def browser(client: FlaskClient) -> FlaskClient:
    """A browser that never chose a language."""
    client.delete_cookie("lang")
    return client


def language_of(browser: FlaskClient, path: str = "/", **headers: str) -> str:
    html = read_page(browser.get(path, headers=headers)).html
    assert html is not None
    return str(html["lang"])


def test_pages_are_in_bokmal_by_default(browser: FlaskClient) -> None:
    assert language_of(browser) == "nb"


@pytest.mark.parametrize("lang", ["nb", "nn", "sv", "en", "se"])
def test_the_address_chooses_and_the_browser_remembers(browser: FlaskClient, lang: str) -> None:
    assert language_of(browser, f"/?lang={lang}") == lang
    assert language_of(browser, "/login", **{"Accept-Language": "de"}) == lang


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("no", "nb"),
        ("nb-NO", "nb"),
        ("no-NO,en;q=0.5", "nb"),
        ("NN-no", "nn"),
        ("sv-SE,sv;q=0.9,en;q=0.8", "sv"),
        ("sv-FI", "sv"),
        ("en-GB,nb;q=0.9", "en"),
        ("de-DE,fi;q=0.9", "nb"),
        ("de,en;q=0.5", "en"),
        ("en;q=0.1,nn;q=0.9", "nn"),
        ("se-NO,nb;q=0.9", "se"),
        ("smi", "se"),
        ("SME-SE", "se"),
        ("sma-NO,no;q=0.5", "nb"),
        ("*", "nb"),
        ("", "nb"),
        (";;;,,=", "nb"),
    ],
)
def test_the_browsers_language_is_taken_where_nobody_chose(browser: FlaskClient, accepted: str, lang: str) -> None:
    assert language_of(browser, **{"Accept-Language": accepted}) == lang


@pytest.mark.parametrize("unknown", ["de", "nb-NO", "NB", "", "xx", "../nb"])
def test_an_unknown_language_is_neither_shown_nor_remembered(browser: FlaskClient, unknown: str) -> None:
    response = browser.get("/", query_string={"lang": unknown})
    assert 'lang="nb"' in response.text
    assert browser.get_cookie("lang") is None


def test_the_last_choice_wins(browser: FlaskClient) -> None:
    browser.get("/?lang=sv")
    assert language_of(browser, "/?lang=nn") == "nn"
    assert language_of(browser) == "nn"


def test_every_language_is_offered_by_its_own_name(browser: FlaskClient) -> None:
    links = read_page(browser.get("/")).select("footer a[hreflang]")
    assert [(link["hreflang"], link.get_text()) for link in links] == [
        ("nb", "Bokmål"),
        ("nn", "Nynorsk"),
        ("sv", "Svenska"),
        ("en", "English"),
        ("se", "Davvisámegiella"),
    ]
    assert [link["hreflang"] for link in links if link.get("aria-current")] == ["nb"]


@pytest.mark.parametrize(
    ("lang", "day", "norwegian", "swedish"),
    [
        ("nb", "30. november 2026", "40 kr", "40,50 SEK"),
        ("nn", "30. november 2026", "40 kr", "40,50 SEK"),
        ("sv", "30 november 2026", "40 norska kronor", "40,50 kr"),
        ("en", "30 November 2026", "NOK 40", "SEK 40.50"),
    ],
)
def test_dates_times_and_amounts_are_written_as_the_reader_writes_them(
    app: APIFlask, lang: str, day: str, norwegian: str, swedish: str
) -> None:
    with app.test_request_context(f"/?lang={lang}"):
        assert (money(4000, "NOK").replace("\N{NO-BREAK SPACE}", " "), format_date(date(2026, 11, 30), "long")) == (
            norwegian,
            day,
        )
        assert money(4050, "SEK") == swedish.replace(" ", "\N{NO-BREAK SPACE}")
        assert format_time(datetime(2026, 11, 30, 14, 5, tzinfo=UTC), "short") == "15:05"
    with app.test_request_context("/?lang=nb"), speak(lang):
        assert format_date(date(2026, 11, 30), "long") == day


def texts(language: str) -> dict[str, str]:
    """Return the translations of the texts that count nothing by their English text, without the demonstration's."""
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    return {
        message.id: str(message.string)
        for message in catalog
        if isinstance(message.id, str)
        and message.id
        and not all(file.startswith("app/demo/") for file, _line in message.locations)
    }


def test_a_patron_reads_northern_sami_and_nothing_else(app: APIFlask, new_browser: Callable[..., FlaskClient]) -> None:
    sami = set(texts("se").values()) | set(LANGUAGES.values())
    other = (set(texts("nb")) | set(texts("nb").values())) - sami
    browser = new_browser(lang="se")
    log_in(browser, *GUARDIAN)
    paths = [*list_pages(app, Audience.ANYONE), *list_pages(app, Audience.PATRON)]
    for path in paths:
        response = browser.get(path)
        if response.mimetype == "text/html" and not path.startswith(BESIDES):
            page = read_page(response)
            for named in page.select("body [lang]:not([lang=se])"):
                named.decompose()
            shown = {" ".join(each.split()) for each in page.stripped_strings}
            assert shown & other == set(), path


def test_what_is_for_staff_is_in_bokmal_where_northern_sami_lacks_it(new_browser: Callable[..., FlaskClient]) -> None:
    staff = new_browser(lang="se")
    desk_log_in(staff)
    page = staff.get("/desk").text
    assert '<html lang="se"' in page
    assert "Skann kort eller eksemplar" in page
    assert "Scan a card or an item" not in page


def test_northern_sami_counts_one_two_and_more(app: APIFlask) -> None:
    with app.test_request_context(), speak("se"):
        overdue = [ngettext("%(num)s is overdue.", "%(num)s are overdue.", number) for number in (1, 2, 3)]
        assert overdue == ["1 lea maŋŋonan.", "2 leaba maŋŋonan.", "3 leat maŋŋonan."]
        assert _("Loans") == "Loanat"


def test_northern_sami_dates_and_money(app: APIFlask) -> None:
    with app.test_request_context(), speak("se"):
        assert format_date(date(2026, 11, 29), "long") == "29.11.2026"
        assert format_date(date(2026, 11, 29), "full") == "sotnabeaivi 29.11.2026"
        assert day_of_year((6, 1)) == "1.6."
        assert money(4050, "NOK").replace("\N{NO-BREAK SPACE}", " ") == "40,50 kr"
    with app.test_request_context(), speak("nb"):
        assert format_date(date(2026, 11, 29), "long") == "29. november 2026"


def test_messages_to_one_who_reads_northern_sami_come_in_bokmal(app: APIFlask) -> None:
    with app.test_request_context(), speak("se"):
        assert message_language() == "nb"


def test_who_waits_a_minute_reads_of_one(app: APIFlask) -> None:
    with app.test_request_context(), speak("nb"):
        assert wait_sentence(31).endswith("Prøv igjen om et minutt.")
        assert wait_sentence(61).endswith("Prøv igjen om 2 minutter.")
