"""A child's card on a guardian's page: by the child's permission, on an own phone and on a borrowed one."""

from apiflask import APIFlask
from flask.testing import FlaskClient

from app.register.store.transaction import db
from tests.conftest import Clock
from tests.doors.test_phone import agree
from tests.doors.visits import (
    CHILD,
    GUARDIAN,
    log_in,
    log_out,
    main_text,
    read_page,
    scan_at_desk,
    scan_at_kiosk,
    submit,
)
from tests.register.counting import statements_sent


def permit(app: APIFlask, *, carry: bool = True) -> FlaskClient:
    child = app.test_client()
    child.set_cookie("lang", "en")
    log_in(child, *CHILD)
    ticked = {"may_carry_card": "y"} if carry else {}
    assert submit(child, "/my/settings", guardian_card_number=GUARDIAN[0], **ticked).status_code == 302
    return child


def switch_on(guardian: FlaskClient) -> None:
    page = read_page(guardian.get("/my/settings"))
    form = page.find("form", action=lambda action: bool(action) and str(action).endswith("/on"))
    assert form is not None
    submit(guardian, str(form["action"]), page="/my/settings")
    # Here the name is said.
    guardian.get("/my/settings")


def test_a_childs_card_is_on_the_guardians_card_page_by_name(app: APIFlask, phone: FlaskClient) -> None:
    permit(app)
    assert "Jonas Solvang" not in phone.get("/card").text
    switch_on(phone)
    page = read_page(phone.get("/card"))
    assert [str(name.get_text()) for name in page.find_all(class_="pass-name")] == ["Ingrid Solvang", "Jonas Solvang"]
    assert [link.get_text(strip=True) for link in page.find_all(class_="pass-link")] == [
        "Ingrid Solvang",
        "Jonas Solvang",
    ]
    _own, child = phone.get("/card/app.json").json["cards"]
    assert child["name"] == "Jonas Solvang"
    assert agree(phone, card=child["card"]).status_code == 200


def test_a_borrowed_device_shows_a_childs_card_for_as_long_as_the_guardian_is_signed_in(
    app: APIFlask, phone: FlaskClient, client: FlaskClient, clock: Clock
) -> None:
    child = permit(app)
    switch_on(phone)

    def phones() -> int:
        return main_text(child.get("/card/devices")).count("The phone of guardian")

    log_in(client, *GUARDIAN)
    page = client.get("/card").text
    assert "Jonas Solvang" in page
    assert "data-keeps" not in page
    assert client.get("/card/app.json").json["cards"] == []
    (shown,) = client.get("/card/codes.json").json["carried"].values()
    assert phones() == 2
    log_out(client)
    assert phones() == 1
    assert scan_at_kiosk(client, shown[0]["digits"].replace(" ", "")).json["reason"] == "REVOKED"


def test_switching_on_shows_the_childs_card_on_a_borrowed_device_too(app: APIFlask, client: FlaskClient) -> None:
    permit(app)
    log_in(client, *GUARDIAN)
    assert "Jonas Solvang" not in client.get("/card").text
    switch_on(client)
    assert "Jonas Solvang" in client.get("/card").text


def test_a_card_that_carries_nobody_elses_is_asked_for_in_no_more_statements(app: APIFlask, phone: FlaskClient) -> None:
    def statements() -> int:
        with app.app_context(), statements_sent(db.engine) as sent:
            phone.get("/card")
        return len(sent)

    phone.get("/card")
    alone = statements()
    permit(app)
    switch_on(phone)
    assert statements() == alone + 1


def test_without_the_box_of_its_own_nothing_is_carried(app: APIFlask, phone: FlaskClient) -> None:
    permit(app, carry=False)
    switch_on(phone)
    assert "Jonas Solvang" not in phone.get("/card").text
    assert len(phone.get("/card/app.json").json["cards"]) == 1


def test_the_child_sees_whose_phone_it_is_and_takes_the_card_off_it(app: APIFlask, phone: FlaskClient) -> None:
    child = permit(app)
    switch_on(phone)
    (carried,) = phone.get("/card/codes.json").json["carried"].values()
    listed = main_text(child.get("/card/devices"))
    assert "guardian N000100001" in listed
    page = read_page(child.get("/card/devices"))
    item = next(item for item in page.find_all("li", class_="ds-card") if "N000100001" in item.get_text())
    assert item.form is not None
    submit(child, str(item.form["action"]), page="/card/devices")
    assert "N000100001" not in main_text(child.get("/card/devices"))
    assert "Jonas Solvang" not in phone.get("/card").text
    assert "Ingrid Solvang" in phone.get("/card").text
    code = carried[0]["digits"].replace(" ", "")
    assert scan_at_kiosk(phone, code).json["reason"] == "REVOKED"


def test_the_desk_sees_that_a_guardian_carries_the_card(app: APIFlask, phone: FlaskClient, desk: FlaskClient) -> None:
    permit(app)
    switch_on(phone)
    ((code, *_later),) = phone.get("/card/codes.json").json["carried"].values()
    answer = scan_at_desk(desk, code["digits"].replace(" ", ""))
    if answer.status_code == 302:
        answer = desk.get(answer.location)
    shown = main_text(answer)
    assert "Jonas Solvang" in shown
    assert "a guardian's phone" in shown


def test_the_child_can_let_the_card_be_carried_later_and_end_it(app: APIFlask, phone: FlaskClient) -> None:
    child = permit(app, carry=False)
    switch_on(phone)
    for ending, cards in (("/carry", 2), ("/no-carry", 1)):
        page = read_page(child.get("/my/settings"))
        form = page.find("form", action=lambda action, ending=ending: bool(action) and str(action).endswith(ending))
        assert form is not None
        assert submit(child, str(form["action"]), page="/my/settings").status_code == 302
        assert len(phone.get("/card/app.json").json["cards"]) == cards
