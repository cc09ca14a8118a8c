"""What a patron does with the own data: corrects it, freezes the card, signs out elsewhere."""

from collections.abc import Callable
from datetime import date

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.register.store.transaction import db
from app.register.tables.patrons import Patron, Session
from app.work.worker import work_once
from tests.conftest import Clock
from tests.doors.conftest import Contents
from tests.doors.visits import (
    CHILD,
    GUARDIAN,
    csrf_token,
    log_in,
    main_text,
    read_page,
    result_of,
    scan_at_desk,
    shown_code,
    submit,
)

CONTACT = {
    "email": "guardian@example.org",
    "phone": "999 00 001",
    "address": "Furuveien 3",
    "postcode": "2050",
    "place": "Jessheim",
    "preferred_contact": "email",
    "home_library_id": "2023500",
    "language": "nb",
}


def save(browser: FlaskClient, /, **changed: str) -> TestResponse:
    return submit(browser, "/my/data/edit", **(CONTACT | changed))


def stored(app: APIFlask, card_number: str = GUARDIAN[0]) -> Patron:
    with app.app_context():
        return db.session.scalars(select(Patron).where(Patron.card_number == card_number)).one()


def test_what_is_the_patrons_to_correct_is_corrected_and_told_to_the_old_address_too(
    app: APIFlask, phone: FlaskClient
) -> None:
    answer = save(
        phone,
        email="ingrid@example.org",
        phone="+46 70 174 06 05",
        address="Granlia 1",
        postcode="2051",
        place="Kløfta",
        home_library_id="Mull",
        language="sv",
    )
    assert answer.location == "/my/data#your-address"
    page = main_text(phone.get("/my/data"))
    for shown in ("ingrid@example.org", "+46701740605", "Granlia 1 2051 Kløfta", "Mullsjö bibliotek", "Svenska"):
        assert shown in page
    patron = stored(app)
    assert (patron.home_library_id, patron.language) == ("Mull", "sv")
    with app.app_context():
        while work_once():
            pass
        told = app.extensions["post"].read()
    assert {message.to for message in told} >= {"ingrid@example.org", "guardian@example.org"}


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"email": "nobody"}, "email", "not an e-mail address"),
        ({"email": ""}, "email", "or choose SMS or letter under Preferred contact"),
        ({"email": "x@" + "y" * 300}, "email", "too long"),
        ({"phone": "12"}, "phone", "not a telephone number"),
        ({"phone": "", "preferred_contact": "sms"}, "phone", "or choose e-mail or letter under Preferred contact"),
        ({"postcode": ""}, "postcode", "needs a postcode"),
        ({"place": " "}, "place", "needs a post town"),
        ({"address": "x" * 300}, "address", "too long"),
        ({"preferred_contact": "pigeon"}, "preferred_contact", "Choose one"),
        ({"home_library_id": "0000000"}, "home_library_id", "where your card is activated"),
        ({"language": "xx"}, "language", "one of the languages"),
    ],
)
def test_what_cannot_be_right_is_explained_at_its_field_and_what_was_typed_stays(
    phone: FlaskClient, read_database: Callable[[], Contents], changed: dict[str, str], field: str, said: str
) -> None:
    before = read_database()
    answer = save(phone, **({"address": "Typed Street 9"} | changed))
    assert answer.status_code == 422
    page = read_page(answer)
    error = page.find(id=f"{field}-error")
    assert error is not None
    assert said in error.get_text()
    assert [each["id"] for each in page.select(".ds-validation-message")] == [f"{field}-error"]
    if "address" not in changed:
        assert page.select_one("[name=address]")["value"] == "Typed Street 9"
    assert read_database() == before


def test_all_faults_are_told_at_once(phone: FlaskClient) -> None:
    page = read_page(save(phone, email="x", phone="y", postcode=""))
    assert {str(each["id"]) for each in page.select(".ds-validation-message")} == {
        "email-error",
        "phone-error",
        "postcode-error",
    }


def test_name_birth_date_card_number_and_owner_cannot_be_changed_by_naming_them(
    app: APIFlask, phone: FlaskClient
) -> None:
    before = stored(app)
    save(
        phone,
        name="Somebody Else",
        birth_date="2000-01-01",
        gender="male",
        card_number=CHILD[0],
        patron_id="2",
        id="2",
        local_to="Mull",
        version="99",
        frozen_at="",
    )
    after = stored(app)
    for column in Patron.__table__.columns:
        assert getattr(after, column.name) == getattr(before, column.name), column.name


def test_an_address_that_is_hidden_is_taken_out(app: APIFlask, phone: FlaskClient) -> None:
    save(phone, address="", postcode="", place="")
    assert (stored(app).address, stored(app).postcode, stored(app).place) == (None, None, None)
    assert "Not stored." in main_text(phone.get("/my/data"))


def test_what_is_left_of_an_address_is_shown_and_not_said_to_be_none(phone: FlaskClient) -> None:
    save(phone, address="", postcode="9170", place="Longyearbyen")
    text = main_text(phone.get("/my/data"))
    assert "Address 9170 Longyearbyen" in text
    assert "Not stored." not in text


def test_a_button_that_is_pressed_twice_is_answered_once(phone: FlaskClient) -> None:
    for _ in range(2):
        submit(phone, "/my/data/freeze", page="/card")
    assert main_text(phone.get("/my/data")).count("The card is frozen.") == 1


def test_a_frozen_card_is_refused_and_a_thawed_one_is_taken(
    phone: FlaskClient, desk: FlaskClient, clock: Clock
) -> None:
    assert submit(phone, "/my/data/freeze", page="/my/data").location == "/my/data#frozen"
    assert "Your card is frozen" in main_text(phone.get("/my/data"))
    assert result_of(scan_at_desk(desk, shown_code(phone))) == ("REVOKED", "Card is frozen")
    submit(phone, "/my/data/thaw", page="/my/data")
    clock.turn(seconds=30)
    assert result_of(scan_at_desk(desk, shown_code(phone)))[1] == "Accepted"


def test_who_finds_the_phone_later_can_freeze_the_card_but_not_thaw_it(
    app: APIFlask, phone: FlaskClient, clock: Clock
) -> None:
    clock.turn(seconds=660)
    submit(phone, "/my/data/freeze", page="/my/data")
    assert stored(app).frozen_at == clock()
    question = submit(phone, "/my/data/thaw", page="/my/data")
    assert "PIN" in main_text(question)
    assert stored(app).frozen_at is not None
    submit(phone, "/my/data/thaw", page="/my/data", confirm_pin="0000")
    assert stored(app).frozen_at is not None
    submit(phone, "/my/data/thaw", page="/my/data", confirm_pin=GUARDIAN[1])
    assert stored(app).frozen_at is None


@pytest.fixture
def other_phones(new_browser: Callable[..., FlaskClient]) -> list[FlaskClient]:
    phones = [new_browser(), new_browser()]
    for each in phones:
        log_in(each, *GUARDIAN, keep=True)
    return phones


def end_buttons(phone: FlaskClient) -> list[str]:
    forms = read_page(phone.get("/my/data")).select("form[action$='/end']")
    return [str(form["action"]) for form in forms]


def test_one_other_sign_in_is_ended_and_the_rest_stay(phone: FlaskClient, other_phones: list[FlaskClient]) -> None:
    code = shown_code(other_phones[1])
    assert len(end_buttons(phone)) == 2
    # The newest comes first; a second press says the same again, once.
    newest = end_buttons(phone)[0]
    for _ in range(2):
        assert submit(phone, newest, page="/my/data").location == "/my/data#devices"
    assert other_phones[1].get("/my").location == "/login"
    assert other_phones[0].get("/my").status_code == 200
    assert phone.get("/my").status_code == 200
    assert code
    assert len(end_buttons(phone)) == 1


def test_all_other_sign_ins_are_ended_with_their_cards(
    phone: FlaskClient, other_phones: list[FlaskClient], desk: FlaskClient
) -> None:
    code = shown_code(other_phones[0])
    submit(phone, "/my/data/sign-ins/end-others", page="/my/data")
    assert [each.get("/my").location for each in other_phones] == ["/login", "/login"]
    assert phone.get("/my").status_code == 200
    assert end_buttons(phone) == []
    assert result_of(scan_at_desk(desk, code))[0] in ("REVOKED", "UNKNOWN")


def test_ones_own_sign_in_ends_by_its_number_too(app: APIFlask, phone: FlaskClient) -> None:
    with app.app_context():
        own = db.session.scalars(select(Session.id).where(Session.patron_id.is_not(None))).one()
    assert submit(phone, f"/my/data/sign-ins/{own}/end", page="/my/data").location == "/"
    assert phone.get("/my").location == "/login"


def test_nobody_ends_a_strangers_sign_in(app: APIFlask, phone: FlaskClient, client: FlaskClient) -> None:
    log_in(client, *CHILD)
    with app.app_context():
        strangers = db.session.scalars(select(Session.id).where(Session.patron_id == 2)).one()
    assert submit(phone, f"/my/data/sign-ins/{strangers}/end", page="/my/data").location == "/my/data#devices"
    assert client.get("/my").status_code == 200


def test_the_buttons_need_their_token(phone: FlaskClient, read_database: Callable[[], Contents]) -> None:
    before = read_database()
    for path in ("/my/data/edit", "/my/data/freeze", "/my/data/thaw", "/my/data/sign-ins/end-others"):
        assert phone.post(path, data=CONTACT).status_code == 400
        assert phone.post(path, data=CONTACT | {"csrf_token": csrf_token(phone, "/my") + "x"}).status_code == 400
    assert read_database() == before


def test_who_grew_up_is_asked_for_the_rules_on_min_side_and_reads_the_answer_under_my_data(
    app: APIFlask, phone: FlaskClient
) -> None:
    log_in(phone, *GUARDIAN)
    question = "You decide about your card yourself now"
    assert question not in phone.get("/my").text
    with app.app_context():
        db.session.execute(update(Patron).where(Patron.id == 1).values(consent_ends_on=date(2018, 1, 1)))
        db.session.commit()
    page = phone.get("/my")
    assert question in page.text
    assert read_page(page).find("a", href="/libraries/Mull/rules") is not None
    for _ in range(2):
        assert submit(phone, "/my/rules", page="/my").location == "/my"
    page = phone.get("/my").text
    assert question not in page
    assert "It is noted under My data." in page
    assert "You accepted the rules yourself" in phone.get("/my/data").text
    assert phone.get("/my/data.json").json["data"]["patrons"][0]["rules_accepted_at"] is not None
