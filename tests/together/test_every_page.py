"""Every template of the portal is rendered here, and its page inspected."""

from collections.abc import Callable

from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.card.offers import Wallets
from app.eid.provider import Provider
from app.ils.systems import Systems
from app.register.change.corrections import Correction, correct_patron
from app.register.limits.budgets import take_tries
from app.register.messages.contact_changes import undo_token
from app.register.sign_in.one_time import LINK_LASTS, draw_link
from app.register.store.transaction import db
from app.register.tables.messages import ContactChange, Message
from app.rules.people.contact import Contact
from app.rules.pins.pin import ALL, STRICT_ALL
from app.web.access import Audience
from tests.conftest import Clock
from tests.doors.eid_sign_in import come, fill_in, finish, read_code, service
from tests.doors.pages import list_pages, list_templates, noting_templates
from tests.doors.visits import CHILD, GUARDIAN, log_in, read_page, scan_at_desk, shown_code, submit
from tests.eid import ANNE, LARS, MINA, InventedService
from tests.wallets import google_issuer

__all__ = ["fill_in", "read_code", "service"]


def link_of_the_guardian(app: APIFlask) -> str:
    with app.app_context():
        token = draw_link(patron_id=1, lasting=LINK_LASTS, now=app.config["CLOCK"]())
        db.session.commit()
        return token


def undo_link_of_the_guardian(app: APIFlask) -> str:
    with app.app_context():
        new = Correction(contact=Contact(email="new@example.org", preferred_contact="email"))
        correct_patron(patron_id=1, changes=new, library_id="2023500", now=app.config["CLOCK"]())
        db.session.commit()
        change_id = db.session.scalars(select(ContactChange.id)).one()
        return f"/undo/{undo_token(change_id, by_letter=False)}"


def use_up_the_countrys_wrong_pins(app: APIFlask) -> None:
    app.config["NEW_DEVICE"] = "code"
    # On the next day, so that what was wrong before counts no more.
    tomorrow = app.config["CLOCK"].turn(days=1)
    with app.app_context():
        for budget in (ALL, STRICT_ALL):
            take_tries(tries=[(budget, "")] * budget.limit, now=tomorrow)


def letter_of_the_guardian(app: APIFlask) -> int:
    with app.app_context():
        letter = Message(patron_id=1, kind="card-frozen", channel="letter", asked_at=app.config["CLOCK"]())
        db.session.add(letter)
        db.session.commit()
        return letter.id


# Where nobody comes on this walk, with the tests that do.
SHOWN_ELSEWHERE = {
    "family/pickup_place.html",  # only Koha lets a patron choose where a hold is collected: test_own_holds.py
    "desk/library/import_one.html",  # test_moving.py
    "desk/library/import_people.html",
    "desk/library/rules/change.html",  # test_every_rule.py
    "desk/own/join.html",  # test_people.py
    "operator/enter.html",  # test_operators_page.py
    "operator/frame.html",
    "operator/libraries.html",
    "operator/library.html",
    "operator/list.html",
    "operator/macros.html",
    "operator/work.html",
}


def walk_to_cards_online(
    service: InventedService, new_browser: Callable[..., FlaskClient], fill_in: Callable[[FlaskClient], None]
) -> None:
    own, young, parent = new_browser(), new_browser(), new_browser()
    assert come(service, own, ANNE).status_code == 200
    assert come(service, own, ANNE, "card").status_code == 302
    fill_in(own)
    assert own.get("/register/finish").status_code == 200
    assert come(service, young, MINA, "card").status_code == 302
    fill_in(young)
    assert young.get("/register/guardian").status_code == 200
    assert come(service, parent, LARS, "child").status_code == 302
    known = {"name": "Jonas Solvang", "birth_date": "2017-08-14", "number": "05881760012", "guardian": "y"}
    assert submit(parent, "/register/child", **known).status_code == 302
    fill_in(parent)
    assert finish(parent).status_code == 409


def walk_as_administrator(app: APIFlask, browser: FlaskClient) -> None:
    rules = "/desk/library/rules"
    assert submit(browser, f"{rules}/again", page=rules, revision="0", number="1").status_code == 302
    for path in list_pages(app, Audience.ADMINISTRATOR):
        assert browser.get(path, follow_redirects=True).status_code == 200, path
    machines = "/desk/library/machines"
    assert submit(browser, machines, name="kiosk9", kind="kiosk").status_code == 200
    assert submit(browser, "/desk/library/webhook", page=machines, url="https://ils.example.org/").status_code == 200
    people = read_page(browser.get("/desk/library/people")).select_one("main .rows a")
    assert people is not None
    assert browser.get(str(people["href"])).status_code == 200
    connected, app.extensions["ils"] = app.extensions["ils"], Systems({})
    assert browser.get(rules).status_code == 200
    app.extensions["ils"] = connected


def test_a_walk_through_all_pages_renders_every_template(
    app: APIFlask,
    new_browser: Callable[..., FlaskClient],
    guardian: FlaskClient,
    desk: FlaskClient,
    administrator: FlaskClient,
    clock: Clock,
    service: InventedService,
    fill_in: Callable[[FlaskClient], None],
) -> None:
    stranger = new_browser()
    app.extensions["eid"] = Provider(service.settings(), verify=False)
    with noting_templates(app) as used:
        assert "Solvang" in scan_at_desk(desk, shown_code(guardian)).text
        for browser, audience in (
            (stranger, None),
            (guardian, Audience.PATRON),
            (desk, Audience.STAFF),
            (administrator, Audience.ADMINISTRATOR),
        ):
            for path in list_pages(app, Audience.ANYONE) + (list_pages(app, audience) if audience else []):
                # Before what changes rights, an administrator is asked once more who it is.
                assert browser.get(path, follow_redirects=audience is Audience.ADMINISTRATOR).status_code == 200, path
        assert guardian.get("/libraries/Mull/rules").status_code == 200
        assert guardian.get("/libraries/Mull").status_code == 200
        assert stranger.get("/nowhere").status_code == 404
        assert desk.get("/desk/nowhere").status_code == 404
        assert stranger.post("/login").status_code == 400
        assert stranger.post("/").status_code == 405
        assert submit(stranger, "/login", card_number="N000100001", pin="x" * 99_000).status_code == 413
        assert submit(stranger, "/login", card_number="N" * 99, pin="0000").status_code == 422
        assert log_in(stranger, "N000100001", "0000").status_code == 401
        assert submit(desk, "/desk/login", username="x" * 99).status_code == 422
        assert submit(desk, "/desk/find", name="Solvang").status_code == 200
        walk_as_administrator(app, administrator)
        assert "ISBN" in scan_at_desk(desk, "9788202123451").text
        assert "MISREAD" in scan_at_desk(desk, "921123456789012394287082").text
        assert stranger.get("/new-pin/no-such-token").status_code == 404
        assert stranger.get(f"/new-pin/{link_of_the_guardian(app)}").status_code == 200
        assert log_in(stranger, *CHILD, keep=True).status_code == 302
        # Where there is a real wallet, there is no imitation of one.
        app.extensions["wallets"] = Wallets(google=google_issuer(), apple=None)
        assert submit(stranger, "/card/wallet/google", page="/card").status_code == 200
        assert submit(guardian, "/my/reminders/calendar", page="/my/reminders").status_code == 200
        assert submit(stranger, "/my/pin", draw="1").status_code == 200
        walk_to_cards_online(service, new_browser, fill_in)
        assert guardian.get("/my/libraries/Mull").status_code == 200
        assert guardian.get("/my/libraries/2023500/leave").status_code == 200
        assert submit(desk, f"/desk/post/{letter_of_the_guardian(app)}/letter", page="/desk/post").status_code == 200
        clock.turn(seconds=660)
        assert stranger.get(undo_link_of_the_guardian(app)).status_code == 200
        assert stranger.get("/undo/no-such-word").status_code == 404
        assert stranger.get("/desk/join/no-such-token").status_code == 404
        late = submit(administrator, "/desk/library/machines", name="kiosk8", kind="kiosk")
        assert "kiosk8" in late.text
        assert guardian.get("/my/pin", follow_redirects=True).request.path == "/my/confirm"
        erased = submit(guardian, "/my/data/erase", confirm_pin=GUARDIAN[1])
        assert guardian.get(erased.location).status_code == 200
        use_up_the_countrys_wrong_pins(app)
        newcomer = new_browser()
        assert newcomer.get(log_in(newcomer, *CHILD).location).status_code == 200
    app.extensions["eid"].close()
    assert list_templates() - used == SHOWN_ELSEWHERE
