"""On the way to a card: the library that is looked for, the code to the address, and what cannot be right."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.register.store.transaction import db
from app.register.tables.library import Library
from tests.conftest import Clock
from tests.doors.eid_sign_in import DETAILS, Come, app, come_back, read_code, service
from tests.doors.visits import main_text, read_page, submit
from tests.eid import ANNE

__all__ = ["app", "come_back", "read_code", "service"]


def test_giving_up_is_asked_once(client: FlaskClient, come_back: Come) -> None:
    come_back(client, ANNE, "card")
    form = read_page(client.get("/register/details")).select_one("form[action$='/register/stop']")
    assert form is not None
    question = form.find_parent("details")
    assert question is not None
    assert not question.has_attr("open")
    assert "It cannot be undone." in question.get_text()


# --- the library ---


def test_a_library_is_found_by_name_and_by_place(client: FlaskClient, come_back: Come) -> None:
    come_back(client, ANNE, "card")
    submit(client, "/register/details", preferred_contact="email", **DETAILS)
    for words, name in (("jessheim", "Ullensaker"), ("ULLENS bib", "Ullensaker"), ("MULLSJÖ", "Mullsjö")):
        page = client.get("/register/library", query_string={"q": words})
        (field,) = read_page(page).find_all("input", attrs={"name": "library_id"})
        assert name in main_text(page)
        assert field.get("checked") is not None
    assert "No library is called that" in main_text(client.get("/register/library?q=nowhere%25"))


def test_of_very_many_libraries_the_first_are_shown_and_the_rest_is_searched(
    app: APIFlask, client: FlaskClient, come_back: Come
) -> None:
    with app.app_context():
        db.session.add_all(Library(id=f"X{n}", name=f"Åmot filial {n:03d}", kind="folkbib") for n in range(900))
        db.session.commit()
    come_back(client, ANNE, "card")
    submit(client, "/register/details", preferred_contact="email", **DETAILS)
    page = client.get("/register/library")
    assert len(read_page(page).find_all("input", attrs={"name": "library_id"})) == 20
    assert "Search to find yours" in main_text(page)
    assert "Åmot filial 417" in main_text(client.get("/register/library", query_string={"q": "åmot 417"}))


def test_a_library_that_is_not_there_is_refused(client: FlaskClient, come_back: Come) -> None:
    come_back(client, ANNE, "card")
    submit(client, "/register/details", preferred_contact="email", **DETAILS)
    for library_id in ("nowhere", "", "x" * 500):
        answer = submit(client, "/register/library", library_id=library_id)
        assert answer.status_code == 422
        assert "Choose one of the libraries" in main_text(answer)


# --- e-mail ---


def test_an_address_with_norwegian_letters_is_taken_and_no_browser_refuses_it(
    client: FlaskClient, come_back: Come
) -> None:
    come_back(client, ANNE, "card")
    field = read_page(client.get("/register/details")).find("input", attrs={"name": "email"})
    assert field is not None
    form = field.find_parent("form")
    assert form is not None
    assert form.has_attr("novalidate")
    answer = submit(client, "/register/details", preferred_contact="email", **DETAILS | {"email": "åse@blåbær.example"})
    assert answer.location == "/register/library"


def test_a_wrong_code_is_said_to_be_wrong_and_guesses_are_few(client: FlaskClient, come_back: Come) -> None:
    come_back(client, ANNE, "card")
    submit(client, "/register/details", preferred_contact="email", **DETAILS)
    submit(client, "/register/library", library_id="2023500")
    submit(client, "/register/email")
    said = [submit(client, "/register/email", code="000000").status_code for _ in range(6)]
    assert said == [422] * 5 + [429]


def test_somebody_who_comes_back_with_the_code_can_type_it(
    client: FlaskClient, come_back: Come, read_code: Callable[[], str], clock: Clock
) -> None:
    come_back(client, ANNE, "card")
    submit(client, "/register/details", preferred_contact="email", **DETAILS)
    submit(client, "/register/library", library_id="2023500")
    assert read_page(client.get("/register/email")).find("input", attrs={"name": "code"}) is None
    assert submit(client, "/register/email").location == "/register/email", "a reload sends no second code"
    come_back(client, ANNE, "card")
    assert read_page(client.get("/register/email")).find("input", attrs={"name": "code"}) is not None
    clock.turn(seconds=1)
    assert submit(client, "/register/email", code=read_code()).location == "/register/finish"


def test_another_address_awaits_a_code_of_its_own(client: FlaskClient, come_back: Come) -> None:
    come_back(client, ANNE, "card")
    submit(client, "/register/details", preferred_contact="email", **DETAILS)
    submit(client, "/register/library", library_id="2023500")
    submit(client, "/register/email")
    submit(client, "/register/details", preferred_contact="email", **DETAILS | {"email": "other@example.org"})
    assert read_page(client.get("/register/email")).find("input", attrs={"name": "code"}) is None


def test_nobodys_mail_is_flooded(client: FlaskClient, come_back: Come) -> None:
    come_back(client, ANNE, "card")
    submit(client, "/register/details", preferred_contact="email", **DETAILS)
    submit(client, "/register/library", library_id="2023500")
    said = [submit(client, "/register/email").status_code for _ in range(6)]
    assert said == [302] * 5 + [429]


@pytest.mark.parametrize(
    "fields",
    [
        {"email": ""},
        {"email": "nobody"},
        {"phone": "12"},
        {"postcode": ""},
        {"place": "x" * 300},
        {"preferred_contact": "fax"},
    ],
)
def test_contact_data_that_cannot_be_right_is_asked_for_again(
    client: FlaskClient, come_back: Come, fields: dict[str, str]
) -> None:
    come_back(client, ANNE, "card")
    answer = submit(client, "/register/details", **{"preferred_contact": "email"} | DETAILS | fields)
    assert answer.status_code == 422
    assert read_page(answer).select("[data-field=validation]")
    assert read_page(answer).select_one("[role=alert][autofocus]")
    if "phone" not in fields:
        assert 'value="99900123"' in answer.text
