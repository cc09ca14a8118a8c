"""Long words on pages may be divided where they are put together; what is sent has them as they are."""

import pytest
from flask.testing import FlaskClient

from app.web.pages.long_words import SOFT_HYPHEN, with_soft_hyphens
from tests.doors.visits import GUARDIAN, log_in, read_page


@pytest.mark.parametrize(
    ("word", "divided"),
    [
        ("Kontaktopplysningene", "Kontakt|opplysningene"),
        ("personvernforordningen", "person|vern|forordningen"),
        ("återlämningsdatum", "återlämnings|datum"),
        ("luoikkahankoartanummiris", "luoikkahan|koarta|nummiris"),
        ("Lånekortnummer", "Lånekortnummer"),
        ("bibliotek", "bibliotek"),
        ("telefonnummer", "telefonnummer"),
        ("rekommenderar om", "rekommen|derar om"),
        ("boarráseappot mearrideahppi", "boarrá|seappot mearri|deahppi"),
    ],
)
def test_a_long_word_is_divided_where_it_is_put_together(word: str, divided: str) -> None:
    assert with_soft_hyphens(f"Her: {word}.") == f"Her: {divided.replace('|', SOFT_HYPHEN)}."


def test_texts_and_the_labels_of_forms_are_divided_and_what_somebody_typed_is_not(client: FlaskClient) -> None:
    heading = read_page(client.get("/accessibility?lang=nb")).h1
    assert heading is not None
    assert heading.get_text() == f"Tilgjengelighets{SOFT_HYPHEN}erklæring"
    log_in(client, *GUARDIAN)
    assert f"Lånekort{SOFT_HYPHEN}nummeret" in client.get("/my/data?lang=nb").text
    assert SOFT_HYPHEN not in client.get("/my/data.json").text
