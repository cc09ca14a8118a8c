"""An administrator invites a colleague, who chooses a password and connects an app for one-time codes."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.demo.accounts import DemoDesk
from app.messages.channels import Channels, Inbox
from app.messages.smtp import Smtp
from app.register.store.transaction import db
from app.register.tables.library import Staff
from app.register.tables.staff import StaffLink
from tests.conftest import Clock
from tests.doors.colleagues import GOOD, PEOPLE, Browsers, Joined, acts, invited, join, key_on, link_in, work
from tests.doors.visits import ULLENSAKER, desk_log_in, main_text, read_page, submit
from tests.mail import MailServer


def test_from_the_invitation_to_the_desk(
    app: APIFlask, administrator: FlaskClient, new_browser: Browsers, mail: MailServer, clock: Clock
) -> None:
    answer = invited(administrator)
    page = main_text(administrator.get(answer.location))
    assert "Kari Nordmann is invited." in main_text(administrator.get(answer.location)) or "invited" in page
    assert "Not sent yet." in page
    work(app)
    message = mail.received[-1]
    assert message["To"] == "kari@example.org"
    assert "Ullensaker bibliotek" in message.get_content()
    assert "Sent, good until" in main_text(administrator.get(answer.location))

    browser, link = new_browser(), link_in(mail)
    for _ in range(3):
        opened = browser.get(link)
        assert opened.status_code == 200, "a scanner of mail uses nothing up"
    assert "kari" in main_text(opened)
    assert read_page(opened).select_one(".join-code svg") is not None
    key = key_on(opened)
    assert join(browser, link, clock).location == "/desk/sign-in"
    assert "You are logged in." in main_text(browser.get("/desk/sign-in"))
    assert "Kari Nordmann" in browser.get("/desk").text
    assert new_browser().get(link).status_code == 404, "it works once"
    clock.turn(seconds=30)
    assert desk_log_in(new_browser(), DemoDesk("2023500", "kari", "", GOOD, key)).location == "/desk"
    assert acts(app) == [("kari", "staff-set-up", "kari"), ("admin-2023500", "staff-invited", "kari")]


def test_the_code_that_set_the_sign_in_up_signs_in_no_more(
    app: APIFlask, administrator: FlaskClient, new_browser: Browsers, mail: MailServer, clock: Clock
) -> None:
    invited(administrator)
    work(app)
    browser, link = new_browser(), link_in(mail)
    key = key_on(browser.get(link))
    assert join(browser, link, clock).status_code == 302
    assert desk_log_in(new_browser(), DemoDesk("2023500", "kari", "", GOOD, key)).status_code == 401


def test_a_link_is_good_for_three_days_and_only_its_hash_is_kept(
    app: APIFlask, administrator: FlaskClient, client: FlaskClient, mail: MailServer, clock: Clock
) -> None:
    invited(administrator)
    work(app)
    link = link_in(mail)
    with app.app_context():
        kept = repr(db.session.execute(select(StaffLink.__table__)).all())
        assert link.rpartition("/")[2] not in kept
        sealed = db.session.scalar(select(Staff.sealed_email).where(Staff.username == "kari"))
        assert sealed
        assert b"kari" not in sealed
        db.session.remove()
    clock.turn(days=3, seconds=-1)
    assert client.get(link).status_code == 200
    clock.turn(seconds=1)
    assert client.get(link).status_code == 404
    assert submit(client, link, page="/desk/login", new_password=GOOD, code="123456").status_code == 404


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"password": "short"}, "at least 12 characters"),
        ({"password": "kari.nordmann"}, "easy to guess"),
        ({"password": "Ullensaker2026!"}, "easy to guess"),
        ({"code": "000000"}, "The code does not fit."),
        ({"code": "x"}, "The code does not fit."),
    ],
)
def test_what_is_not_good_is_said_and_uses_nothing_up(
    app: APIFlask,
    administrator: FlaskClient,
    client: FlaskClient,
    mail: MailServer,
    clock: Clock,
    fields: dict[str, str],
    says: str,
) -> None:
    invited(administrator)
    work(app)
    link = link_in(mail)
    answer = join(client, link, clock, **fields)
    assert answer.status_code == 422
    assert says in main_text(answer)
    assert client.get("/desk").location == "/desk/login"
    assert join(client, link, clock).status_code == 302


def test_ten_tries_a_link_are_the_last_for_a_quarter_of_an_hour(
    app: APIFlask, administrator: FlaskClient, client: FlaskClient, mail: MailServer, clock: Clock
) -> None:
    invited(administrator)
    work(app)
    link = link_in(mail)
    assert [join(client, link, clock, code="000000").status_code for _ in range(11)] == [422] * 10 + [429]
    clock.turn(seconds=900)
    assert join(client, link, clock).status_code == 302


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"name": ""}, "A name has 1 to 120 characters."),
        ({"email": "nobody"}, "This is not an e-mail address."),
        ({"email": ""}, "This is not an e-mail address."),
        ({"username": "bjørn"}, "A to Z, digits"),
        ({"username": ULLENSAKER.username}, "Somebody has, or had, this user name."),
        ({"username": "desk-mull"}, "Somebody has, or had, this user name."),
        ({"role": "operator"}, "Not a valid choice"),
    ],
)
def test_an_invitation_that_cannot_be_is_said_and_nothing_is_kept(
    app: APIFlask, administrator: FlaskClient, other: dict[str, str], says: str
) -> None:
    answer = invited(administrator, **({"username": "kari"} | other))
    assert answer.status_code == 422
    assert says in main_text(answer)
    assert acts(app) == []


def test_thirty_invitations_an_hour_are_the_most(administrator: FlaskClient) -> None:
    assert {invited(administrator, f"kari{number}").status_code for number in range(30)} == {302}
    assert "Too many attempts." in main_text(invited(administrator, "kari31"))


def test_a_mail_that_fails_is_tried_again_with_another_link(
    app: APIFlask, administrator: FlaskClient, client: FlaskClient, mail: MailServer, clock: Clock
) -> None:
    post = app.extensions["post"]
    app.extensions["post"] = Channels({"email": Smtp("smtp://127.0.0.1:9", "lanekort@example.org")})
    page = invited(administrator).location
    work(app)
    assert "Not sent yet." in main_text(administrator.get(page))
    app.extensions["post"] = post
    work(app)
    assert not mail.received, "not before the pause"
    clock.turn(seconds=60)
    work(app)
    assert client.get(link_in(mail)).status_code == 200


def test_no_page_shows_a_password_or_a_key(administrator: FlaskClient, colleague: Joined, mail: MailServer) -> None:
    for path in (PEOPLE, f"{PEOPLE}/{colleague.staff_id}", "/desk/library/acts"):
        page = administrator.get(path).text
        assert colleague.sign_in.totp_secret not in page
        assert GOOD not in page
    assert GOOD not in "".join(message.get_content() for message in mail.received)


def test_a_link_that_nobody_was_sent_answers_like_one_that_is_used(client: FlaskClient) -> None:
    answer = client.get("/desk/join/no-such-token")
    assert answer.status_code == 404
    assert "This link does not work" in main_text(answer)


def test_the_demonstrations_inbox_shows_the_invitation(app: APIFlask, administrator: FlaskClient) -> None:
    assert isinstance(app.extensions["post"], Inbox)
    invited(administrator)
    work(app)
    assert "/desk/join/" in administrator.get("/demo/inbox").text


def test_the_operator_invites_the_first_administrator_and_sends_a_new_link(
    app: APIFlask, administrator: FlaskClient, new_browser: Browsers, mail: MailServer, clock: Clock
) -> None:
    def run(*words: str) -> str:
        done = app.test_cli_runner().invoke(args=["staff", *words])
        assert done.exit_code == 0, done.output
        return done.output

    said = run("invite", "2023500", "ida", "Ida Ås", "ida@example.org", "--role", "administrator", "--language", "sv")
    work(app)
    assert "Ordna din inloggning i disken" in mail.received[-1]["Subject"]
    assert link_in(mail) not in said
    browser = new_browser()
    assert join(browser, link_in(mail), clock).location == "/desk/sign-in"
    assert browser.get("/desk/library").status_code == 200
    run("send-link", "ida", "ida@example.org")
    assert browser.get("/desk").location == "/desk/login"
    work(app)
    assert browser.get(link_in(mail)).status_code == 200
    by_whom = [act[:2] for act in acts(app)]
    assert by_whom == [(None, "staff-link-sent"), ("ida", "staff-set-up"), (None, "administrator-invited")]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("invite", "2023500", "ida", "Ida", "nobody"), "This is not an e-mail address."),
        (("invite", "Nowhere", "ida", "Ida", "ida@example.org"), "There is no such library"),
        (("invite", "2023500", "desk-mull", "Ida", "ida@example.org"), "the user name is taken"),
        (("invite", "2023500", "bjørn", "Ida", "ida@example.org"), "A to Z, digits"),
        (("send-link", "nobody", "ida@example.org"), "There is nobody called nobody."),
    ],
)
def test_what_the_operator_cannot_do_is_said(app: APIFlask, words: tuple[str, ...], sentence: str) -> None:
    done = app.test_cli_runner().invoke(args=["staff", *words])
    assert done.exit_code == 1
    assert sentence in done.output
    assert acts(app) == []
