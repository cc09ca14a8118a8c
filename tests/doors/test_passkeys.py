"""A patron's own passkeys: added, named, removed, offered, and used in place of PIN and code."""

from apiflask import APIFlask
from flask.testing import FlaskClient

from app.register.tables.devices import Passkey
from tests.authenticator import Authenticator
from tests.conftest import Clock, MakeApp
from tests.doors.passkeys import (
    ADD,
    DEVICES,
    LOGIN,
    REMOVE,
    Browsers,
    add,
    confirm,
    count,
    kinds,
    options,
    remove,
    sign_in,
)
from tests.doors.visits import CHILD, GUARDIAN, csrf_token, log_in, main_text, read_page, submit


def test_a_patron_adds_a_passkey_and_signs_in_with_it_alone(
    client: FlaskClient, new_browser: Browsers, own: Authenticator
) -> None:
    log_in(client, *GUARDIAN)
    assert add(client, own, label="My own phone").location == f"{DEVICES}#passkey-1"
    assert "My own phone" in main_text(client.get(DEVICES))
    elsewhere = new_browser()

    assert sign_in(elsewhere, own).location == "/my"
    assert GUARDIAN[0] in main_text(elsewhere.get("/my"))
    assert GUARDIAN[0] not in own.passkeys[0].user_name


def test_a_child_may_have_one_of_its_own(client: FlaskClient, new_browser: Browsers, own: Authenticator) -> None:
    log_in(client, *CHILD)
    add(client, own)
    elsewhere = new_browser()
    sign_in(elsewhere, own)

    assert CHILD[0] in main_text(elsewhere.get("/my"))


def test_a_removed_passkey_is_refused_and_the_other_one_is_not(
    app: APIFlask, has_passkey: FlaskClient, new_browser: Browsers, own: Authenticator
) -> None:
    second = Authenticator()
    add(has_passkey, second)
    assert remove(has_passkey, place=1).location == f"{DEVICES}#passkeys"

    assert sign_in(new_browser(), own).status_code == 401
    assert sign_in(new_browser(), second).location == "/my"
    assert kinds(app) == ["passkey-added", "passkey-added", "passkey-removed"]


def test_a_passkey_replaces_pin_and_code_for_ten_minutes(
    has_passkey: FlaskClient, own: Authenticator, clock: Clock
) -> None:
    clock.turn(seconds=660)
    asked = has_passkey.get("/my/pin")
    assert asked.location == "/my/confirm?next=portal.pin"
    assert "Confirm with face, finger or screen lock" in main_text(has_passkey.get(asked.location))

    assert confirm(has_passkey, own, "/my/confirm", next="portal.pin").location == "/my/pin"
    assert has_passkey.get("/my/pin").status_code == 200
    clock.turn(seconds=600)
    assert has_passkey.get("/my/pin").status_code == 302


def test_a_form_that_was_sent_too_late_is_kept_while_the_passkey_is_asked_for(
    app: APIFlask, has_passkey: FlaskClient, own: Authenticator, clock: Clock
) -> None:
    clock.turn(seconds=660)
    question = submit(has_passkey, "/my/data/edit", page="/my", name="x", language="nn")
    forms = [form for form in read_page(question).find_all("form") if form.get("data-passkey") == "get"]
    sent = {field["name"]: field["value"] for field in forms[0].find_all("input") if field.get("value")}
    assert sent["language"] == "nn"
    assert forms[0]["action"] == "/my/data/edit"


def test_whoever_always_asks_takes_a_passkey_in_place_of_the_pin(
    app: APIFlask, has_passkey: FlaskClient, own: Authenticator
) -> None:
    page = has_passkey.get("/my/data/erase")
    receipt = read_page(page).find("input", attrs={"name": "receipt"})["value"]
    refused = submit(has_passkey, "/my/data/erase", page="/my", receipt=receipt, confirm_passkey="{}")
    assert refused.status_code == 422
    erased = confirm(has_passkey, own, "/my/data/erase", receipt=receipt)

    assert erased.location.startswith("/receipt/")
    assert count(app, Passkey) == 0


def test_somebody_elses_passkey_confirms_nothing(
    has_passkey: FlaskClient, new_browser: Browsers, own: Authenticator, clock: Clock
) -> None:
    child, childs = new_browser(), Authenticator()
    log_in(child, *CHILD)
    add(child, childs)
    clock.turn(seconds=660)
    asked = options(has_passkey, "/my/confirm/passkey", page="/my")
    answer = childs.sign(asked, passkey=childs.passkeys[0])
    refused = submit(has_passkey, "/my/confirm", page="/my", confirm_passkey=answer, next="portal.pin")

    assert refused.status_code == 422
    assert "That did not work." in main_text(refused)
    assert has_passkey.get("/my/pin").status_code == 302


def test_nobody_adds_one_without_being_asked_who_they_are(
    app: APIFlask, client: FlaskClient, own: Authenticator, clock: Clock
) -> None:
    log_in(client, *GUARDIAN)
    made = own.create(options(client, "/my/passkeys/options", page=ADD))
    clock.turn(seconds=299)
    clock.turn(seconds=361)
    assert client.get(ADD).location == "/my/confirm?next=portal.passkey_add"
    submit(client, ADD, page="/my", answer=made, label="")

    assert count(app, Passkey) == 0


def test_what_was_made_for_another_challenge_is_not_added(
    app: APIFlask, client: FlaskClient, own: Authenticator
) -> None:
    log_in(client, *GUARDIAN)
    made = own.create(options(client, "/my/passkeys/options", page=ADD))
    options(client, "/my/passkeys/options", page=ADD)
    refused = submit(client, ADD, answer=made, label="")

    assert refused.status_code == 422
    assert "Nothing was added." in main_text(refused)
    assert count(app, Passkey) == 0


def test_a_passkey_has_a_name_and_gets_another(has_passkey: FlaskClient) -> None:
    rename = REMOVE.findall(has_passkey.get(DEVICES).text)[0].replace("remove", "name")
    submit(has_passkey, rename, page=DEVICES, label=" The  tablet ")
    assert "The tablet" in main_text(has_passkey.get(DEVICES))
    for wrong in ("", "x" * 61):
        submit(has_passkey, rename, page=DEVICES, label=wrong)
        assert "The tablet" in main_text(has_passkey.get(DEVICES))


def test_nobody_changes_a_passkey_of_somebody_else(
    app: APIFlask, has_passkey: FlaskClient, new_browser: Browsers
) -> None:
    path = REMOVE.findall(has_passkey.get(DEVICES).text)[0]
    child = new_browser()
    log_in(child, *CHILD)

    assert submit(child, path, page=DEVICES).status_code == 409
    assert submit(child, path.replace("remove", "name"), page=DEVICES, label="mine").status_code == 409
    assert count(app, Passkey) == 1


def test_it_is_offered_right_after_a_sign_in_on_an_own_device_and_to_nobody_who_has_one(
    client: FlaskClient, new_browser: Browsers, own: Authenticator, clock: Clock
) -> None:
    log_in(client, *GUARDIAN, keep=True)
    assert "Faster next time" in client.get("/my").text
    clock.turn(seconds=660)
    assert "Faster next time" not in client.get("/my").text
    shared = new_browser()
    log_in(shared, *GUARDIAN)
    assert "Faster next time" not in shared.get("/my").text
    log_in(client, *GUARDIAN, keep=True)
    add(client, own)
    assert "Faster next time" not in client.get("/my").text


def test_what_is_not_shown_without_a_script_is_hidden_and_a_portal_without_a_name_has_none(
    client: FlaskClient, make_app: MakeApp
) -> None:
    part = read_page(client.get("/login")).find(attrs={"data-passkey-part": True})
    assert part.has_attr("hidden")
    assert part["data-origin"] == "https://card.example.org"
    assert read_page(client.get("/login")).find(id="card_number")["autocomplete"] == "username webauthn"
    numbered = make_app(public_url="https://192.0.2.1").test_client()

    assert "passkey" not in numbered.get("/login").text
    log_in(numbered, *GUARDIAN, keep=True)
    assert "Faster next time" not in numbered.get("/my").text
    assert numbered.get(ADD).status_code == 404
    headers = {"X-CSRFToken": csrf_token(numbered, "/my")}
    assert numbered.post(f"{LOGIN}/options", headers=headers).status_code == 409
