"""With a stolen login of one library nobody's card is taken over, whatever the thief writes about them.

In production's mode: a code for each new device, mail that leaves by SMTP.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.datastructures import Authorization

from app.messages.channels import Channels, Inbox
from app.messages.smtp import Smtp
from tests.conftest import Clock, MakeApp
from tests.doors import libraries
from tests.doors.libraries import activate, correct, fetch
from tests.doors.serving import act, fields_of, find_form, looks, serve
from tests.doors.takeover import (
    EVERYTHING,
    LETTER_ALONE,
    MANY,
    NOTHING,
    THIEF_MAIL,
    THIEF_PHONE,
    Stranger,
    count_taken_over,
    deliver,
    forget_proofs,
    make_strangers,
    order_pins,
    thiefs_mail,
)
from tests.doors.visits import MULLSJO, ULLENSAKER, desk_log_in, main_text, read_page
from tests.mail import MailServer, running_mail_server

pytestmark = pytest.mark.long


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with running_mail_server() as server:
        yield server


@pytest.fixture
def sms(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path / "sms")


@pytest.fixture
def app(make_app: MakeApp, mail: MailServer, sms: Inbox) -> APIFlask:
    made = make_app(new_device="code")
    made.extensions["post"] = Channels({"email": Smtp(mail.url, "lanekort@example.org"), "sms": sms})
    return made


def write_by_api(client: FlaskClient, stranger: Stranger, auth: Authorization, **fields: str) -> None:
    """Write what the thief wants, as far as the library's system is let."""
    activate(client, stranger.card_number, auth=auth)
    seen = fetch(client, stranger.card_number, auth=auth)
    if "ETag" in seen.headers:
        correct(client, stranger.card_number, seen=seen, auth=auth, **fields)


def wanted(stranger: Stranger, way: str) -> dict[str, str]:
    match way:
        case "email":
            return {"email": THIEF_MAIL.format(n=stranger.n), "preferred_contact": "email"}
        case "phone":
            return {"phone": THIEF_PHONE.format(n=stranger.n), "preferred_contact": "sms"}
        case _letter:
            home = {"address": f"Tjuvgata {stranger.n}", "postcode": "0001", "place": "Oslo"}
            return home | {"preferred_contact": "letter"}


@pytest.mark.parametrize("reached", [EVERYTHING, LETTER_ALONE, NOTHING])
@pytest.mark.parametrize("way", ["email", "phone"])
@pytest.mark.parametrize("auth", [libraries.ULLENSAKER, libraries.MULLSJO], ids=["home library", "another library"])
def test_a_stolen_system_takes_nobody_over(
    app: APIFlask, client: FlaskClient, clock: Clock, mail: MailServer, sms: Inbox, auth, way, reached
) -> None:
    strangers = make_strangers(app, clock, reached=reached, many=MANY if (reached, way) == (EVERYTHING, "email") else 4)
    for stranger in strangers:
        write_by_api(client, stranger, auth, **wanted(stranger, way))
    order_pins(app.test_client(), strangers)
    deliver(app)
    assert count_taken_over(app, strangers, lambda: thiefs_mail(mail, sms)) == 0


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_without_proofs_everybody_would_be_taken_over(
    app: APIFlask, client: FlaskClient, clock: Clock, mail: MailServer, sms: Inbox
) -> None:
    strangers = make_strangers(app, clock, reached=NOTHING, many=3)
    for stranger in strangers:
        write_by_api(client, stranger, libraries.ULLENSAKER, **wanted(stranger, "email"))
    forget_proofs(app)
    order_pins(app.test_client(), strangers)
    deliver(app)
    assert count_taken_over(app, strangers, lambda: thiefs_mail(mail, sms)) == 3


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_changing_twice_and_taking_everything_away_loses_no_proven_address(
    app: APIFlask, client: FlaskClient, clock: Clock, mail: MailServer, sms: Inbox
) -> None:
    strangers = make_strangers(app, clock, many=3)
    for stranger in strangers:
        for fields in (wanted(stranger, "email"), {"email": None, "phone": None, "preferred_contact": "letter"}):
            write_by_api(client, stranger, libraries.ULLENSAKER, **fields)  # type: ignore[arg-type]
        write_by_api(client, stranger, libraries.ULLENSAKER, email=THIEF_MAIL.format(n=stranger.n))
        clock.turn(days=40)
    order_pins(app.test_client(), strangers)
    deliver(app)
    loot = thiefs_mail(mail, sms)
    assert "/new-pin/" not in loot
    links = [message for message in mail.received if "/new-pin/" in message.get_content()]
    assert {str(message["To"]) for message in links} == {f"owner{n}@example.org" for n in range(3)}


def write_at_desk(desk: FlaskClient, stranger: Stranger, way: str) -> None:
    """Serve somebody who is not there as if they had shown a card, and write what the thief wants without papers."""
    serve(desk, name=stranger.name, birth_date=f"1980-01-{stranger.n + 1:02d}")
    act(desk, "activate", rules="y", papers="y")
    page = desk.get("/desk/patron/contact")
    assert page.status_code == 200
    form = fields_of(find_form(page, "/desk/patron/contact"))
    saved = desk.post("/desk/patron/contact", data=form | wanted(stranger, way))
    assert saved.status_code == 302


def print_all(desk: FlaskClient) -> list[str]:
    """Print every letter that the desk is let print without papers, and return the sheets."""
    page = read_page(desk.get("/desk/post"))
    forms = [form for form in page.find_all("form") if re.fullmatch(r"/desk/post/\d+/letter", str(form["action"]))]
    sheets = [desk.post(str(form["action"]), data=fields_of(form)) for form in forms]
    return [sheet.text for sheet in sheets if sheet.status_code == 200]


@pytest.mark.parametrize("reached", [EVERYTHING, LETTER_ALONE, NOTHING])
@pytest.mark.parametrize("way", ["email", "phone", "letter"])
@pytest.mark.parametrize("login", [ULLENSAKER, MULLSJO], ids=["home library", "another library"])
def test_a_stolen_desk_that_sees_no_papers_takes_nobody_over(
    app: APIFlask,
    clock: Clock,
    mail: MailServer,
    sms: Inbox,
    new_browser: Callable[..., FlaskClient],
    login,
    way,
    reached,
) -> None:
    strangers = make_strangers(app, clock, reached=reached, many=MANY if (reached, way) == (EVERYTHING, "email") else 4)
    desk = new_browser()
    assert desk_log_in(desk, login).status_code == 302
    for stranger in strangers:
        write_at_desk(desk, stranger, way)
        for by in ("link", "letter"):
            act(desk, "new-pin", by=by)
    deliver(app)
    sheets = print_all(desk)
    if (login, reached) == (ULLENSAKER, LETTER_ALONE):
        # Their home library sends them letters: to where they were known to live, and by name in the access log.
        sheets, links = [], [sheet for sheet in sheets if "/new-pin/" in sheet]
        assert all("Furuveien" in link and "Tjuvgata" not in link for link in links)
        printed = [patron_id for patron_id, purpose, _fields in looks(app) if purpose == "post"]
        assert {stranger.id for stranger in strangers} <= set(printed)
    assert count_taken_over(app, strangers, lambda: "\n".join([*sheets, thiefs_mail(mail, sms)])) == 0


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("reached", [LETTER_ALONE, NOTHING])
def test_a_letter_with_a_link_goes_to_the_address_that_stood_before_or_to_somebody_who_shows_papers(
    app: APIFlask, client: FlaskClient, clock: Clock, new_browser: Callable[..., FlaskClient], reached: str
) -> None:
    strangers = make_strangers(app, clock, reached=reached, many=3)
    for stranger in strangers:
        write_by_api(client, stranger, libraries.ULLENSAKER, **wanted(stranger, "letter"))
    order_pins(app.test_client(), strangers)
    deliver(app)
    desk = new_browser()
    desk_log_in(desk)
    page = read_page(desk.get("/desk/post"))
    forms = [form for form in page.find_all("form") if re.fullmatch(r"/desk/post/\d+/letter", str(form["action"]))]
    assert forms
    for form in forms:
        printed = desk.post(str(form["action"]), data=fields_of(form))
        if printed.status_code == 302:
            assert "look at photo id" in main_text(desk.get("/desk/post"))
            continue
        # What was changed is told at the new address, too, where there was none before: without any link.
        assert "Tjuvgata" not in printed.text or not re.search(r"/(new-pin|undo)/", printed.text)
        assert reached == LETTER_ALONE or "/new-pin/" not in printed.text


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_desk_that_makes_itself_the_home_library_sees_papers_first(
    app: APIFlask, clock: Clock, new_browser: Callable[..., FlaskClient]
) -> None:
    (stranger,) = make_strangers(app, clock, reached=LETTER_ALONE, many=1)
    desk = new_browser()
    desk_log_in(desk, MULLSJO)
    write_at_desk(desk, stranger, "letter")
    assert "look at photo id" in act(desk, "opt-out")
    assert "Only the patron's home library prints letters" in act(desk, "new-pin", by="letter")
    assert "Tjuvgata" not in desk.get("/desk/post").text
