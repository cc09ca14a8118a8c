"""The language of the pages: asked for, remembered, or the browser's; bokmål otherwise."""

import pytest
from flask.testing import FlaskClient

from tests.doors.visits import read_page


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


@pytest.mark.parametrize("lang", ["nb", "nn", "sv", "en"])
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
    ]
    assert [link["hreflang"] for link in links if link.get("aria-current")] == ["nb"]
