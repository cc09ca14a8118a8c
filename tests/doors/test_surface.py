"""What outsiders rely on: the pages, their fields and their words in bokmål, as the table that they were given."""

from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from tests.doors.visits import CHILD, GUARDIAN, csrf_token, desk_log_in, log_in, submit
from tests.town import Town, build_town

SIGNED_OUT, PATRON, STAFF = "signed out", "patron", "staff"

PAGES = """
signed out | /login                   | card_number pin         | Lånekortnummer · PIN-kode · Logg inn
patron     | /my                      |                         | Min side · Lån · Lånekort · Innstillinger · Mine opplysninger · Logg ut
patron     | /card                    |                         | Lånekort
patron     | /my/loans                |                         | Lån
patron     | /my/settings             | guardian_card_number    | Familiemappa · Gi tillatelse til å se mine lån · Send tillatelse · Lånere jeg har tilgang til · Slå på · Trekk tilbake tillatelse
patron     | /my/data                 |                         | Mine opplysninger · Hvem har sett · Endre · Last ned · Slett alt om meg
patron     | /my/data/erase           | confirm_pin             | Bekreft sletting
signed out | /new-pin                 | card_number             | Bestill ny PIN
signed out | /register                |                         | Få digitalt lånekort
signed out | /receipt                 | code                    | Kvittering
signed out | /desk/login              | username password code  |
staff      | /desk                    | payload                 | Skann kort eller eksemplar
signed out | /libraries/2023500/rules |                         | Låneregler
"""  # noqa: E501 - a table
LANGUAGES = {
    "nb": "Mine opplysninger",
    "nn": "Opplysningane mine",
    "sv": "Mina uppgifter",
    "en": "My data",
    "se": "Mu dieđut",
}


@pytest.fixture
def town(tmp_path, clock) -> Iterator[Town]:
    built = build_town(tmp_path / "libraries", clock=clock)
    yield built
    built.close()


@pytest.fixture
def visitors(app: APIFlask, town: Town) -> dict[str, FlaskClient]:
    """Browsers that say nothing of a language; the guardian both gives and gets a permission."""
    app.extensions["ils"] = town.systems
    found = {who: app.test_client() for who in (SIGNED_OUT, PATRON, STAFF)}
    child = app.test_client()
    assert log_in(child, *CHILD).status_code == 302
    submit(child, "/my/settings", guardian_card_number=GUARDIAN[0])
    assert log_in(found[PATRON], *GUARDIAN).status_code == 302
    submit(found[PATRON], "/my/settings", guardian_card_number=CHILD[0])
    assert desk_log_in(found[STAFF]).status_code == 302
    return found


def words_of(page: BeautifulSoup) -> set[str]:
    """Return the text of every heading, label, legend, link, button and title on a page."""
    found = page.find_all(["h1", "h2", "h3", "label", "legend", "a", "button", "title", "summary"])
    return {" ".join(each.get_text(" ").split()) for each in found}


def test_every_page_is_there_with_its_fields_and_its_words(visitors: dict[str, FlaskClient]) -> None:
    for line in PAGES.strip().splitlines():
        who, path, fields, words = (part.strip() for part in line.split("|"))
        response = visitors[who].get(path)
        assert response.status_code == 200, path
        page = BeautifulSoup(response.text, "html.parser")
        assert page.html is not None
        assert page.html["lang"] == "nb", path
        names = {str(each.get("name")) for each in page.find_all(["input", "select", "textarea"])}
        assert set(fields.split()) <= names, path
        missing = {word for word in words.split(" · ") if word} - words_of(page)
        assert missing == set(), path


def test_what_is_switched_on_can_be_switched_off(visitors: dict[str, FlaskClient]) -> None:
    patron = visitors[PATRON]
    page = BeautifulSoup(patron.get("/my/settings").text, "html.parser")
    (switch,) = [form for form in page.find_all("form") if "Slå på" in form.get_text()]
    patron.post(str(switch["action"]), data={"csrf_token": csrf_token(patron, "/my/settings")})
    assert "Slå av" in words_of(BeautifulSoup(patron.get("/my/settings").text, "html.parser"))


def test_a_deletion_ends_at_its_receipt(visitors: dict[str, FlaskClient]) -> None:
    answer = submit(visitors[PATRON], "/my/data/erase", confirm_pin=GUARDIAN[1])
    assert answer.location.startswith("/receipt/")
    receipt = visitors[SIGNED_OUT].get(answer.location)
    assert receipt.status_code == 200
    assert "Kvittering" in words_of(BeautifulSoup(receipt.text, "html.parser"))


def test_the_picture_alone_and_the_data_alone(visitors: dict[str, FlaskClient]) -> None:
    for path, kind in (
        ("/card/code.svg", "image/svg+xml"),
        ("/card/code.png", "image/png"),
        ("/my/data.json", "application/json"),
    ):
        response = visitors[PATRON].get(path)
        assert (response.status_code, response.mimetype) == (200, kind), path


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_language_is_chosen_in_the_address_or_by_the_browser(
    visitors: dict[str, FlaskClient], app: APIFlask, lang: str
) -> None:
    by_address = visitors[PATRON].get(f"/my/data?lang={lang}", follow_redirects=True)
    assert f'<html lang="{lang}"' in by_address.text
    assert LANGUAGES[lang] in words_of(BeautifulSoup(by_address.text, "html.parser"))
    by_browser = visitors[SIGNED_OUT].get("/login", headers={"Accept-Language": lang})
    assert f'<html lang="{lang}"' in by_browser.text


def test_a_language_that_is_not_spoken_gets_bokmal(visitors: dict[str, FlaskClient]) -> None:
    for path, headers in (("/login?lang=xx", {}), ("/login", {"Accept-Language": "fr"})):
        assert '<html lang="nb"' in visitors[SIGNED_OUT].get(path, headers=headers).text
