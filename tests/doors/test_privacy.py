"""The privacy page keeps nine promises with their proof; and where a weakness is reported."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.register.leaving.inventory import read_inventory
from tests.conftest import Clock
from tests.doors.visits import main_text, read_page

HOUSE = Path(__file__).parents[2]


def test_there_are_nine_promises_each_with_a_page_and_a_proof_that_is_there(client: FlaskClient) -> None:
    page = read_page(client.get("/privacy"))
    assert [bool(promise.select("a[href]")) for promise in page.select(".promise")] == [True] * 9
    assert not page.select("code"), "a patron reads plain words"
    assert page.select_one('a[href="/privacy/proofs"]')
    proofs = read_page(client.get("/privacy/proofs")).select(".promise")
    assert len(proofs) == 9
    for proof in proofs:
        paths = [code.get_text() for code in proof.select("code")]
        assert paths
        for path in paths:
            assert (HOUSE / path).is_file(), path


def test_the_promises_say_in_bokmal_what_the_national_card_promises(client: FlaskClient) -> None:
    page = main_text(client.get("/privacy?lang=nb"))
    for words in (
        "Det lagres ikke opplysninger om utlån, reserveringer, svartelistinger",
        "bare opplysninger som ikke er sensitive",
        "ikke kan rekonstrueres og misbrukes",
        "ikke bli solgt eller gitt videre til andre instanser",
        "kryptert og beskyttet av brukernavn og passord",
        "mottar melding om dødsfall",
        "til enhver tid er lagret om deg",
        "endret eller slettet i alle bibliotek hvor du bruker kortet",
        "Gi beskjed i skranken",
    ):
        assert words in page


@pytest.mark.parametrize("lang", ["nb", "nn", "sv", "en"])
def test_every_right_and_the_authority_stand_there_in_every_language(client: FlaskClient, lang: str) -> None:
    page = read_page(client.get(f"/privacy?lang={lang}"))
    rights = page.select_one(".rights")
    assert rights is not None
    for article in ("15", "16", "17", "18", "19", "20", "21", "22", "7(3)"):
        assert any(quiet.get_text().endswith(article) for quiet in rights.select(".quiet")), article
    assert page.select_one('a[href="https://www.datatilsynet.no/"]')


def test_the_periods_are_those_of_the_inventory(client: FlaskClient) -> None:
    page = main_text(client.get("/privacy"))
    for table in ("patrons", "access_log", "presented_steps", "messages", "library_notices"):
        assert next(iter(read_inventory()[table].values())).kept in page


def test_the_page_is_reached_from_every_footer_and_from_the_start_page(client: FlaskClient) -> None:
    for path, place in (("/", "main"), ("/login", "footer"), ("/libraries/Mull/rules", "footer")):
        assert read_page(client.get(path)).select(f'{place} a[href="/privacy"]'), path


def test_a_weakness_is_reported_where_security_txt_says(app: APIFlask, client: FlaskClient, clock: Clock) -> None:
    answer = client.get("/.well-known/security.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields["Contact"].startswith(("mailto:", "https://"))
    assert fields["Canonical"] == "https://card.example.org/.well-known/security.txt"
    expires = datetime.fromisoformat(fields["Expires"])
    # RFC 9116: in the future, and less than a year away.
    assert clock() + timedelta(days=30) < expires < clock() + timedelta(days=365)
