"""What a desk does with a patron's card: once, with a sentence of what came of it, and nowhere but at home."""

from datetime import date

from sqlalchemy import select

from app.register.change.freezing import freeze_card
from app.register.sign_in.one_time import find_link
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice
from app.register.tables.patrons import Patron
from app.rules.messages import CONTACT_CHANGED, CONTACT_UNPROVEN, NEW_PIN
from tests.doors.serving import (
    ASA,
    INGRID,
    JONAS,
    PER,
    act,
    fields_of,
    find_form,
    has_act,
    joined,
    look_up,
    looks,
    messages,
    patron_row,
    serve,
)
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

ULLENSAKER = "2023500"


# --- the card ---


def test_a_lost_card_is_blocked_and_works_again_when_it_is_found(desk, phone, clock):
    code = shown_code(phone)
    serve(desk, **INGRID)
    assert "The card is blocked everywhere" in act(desk, "lost")
    assert result_of(scan_at_desk(desk, code))[0] == "REVOKED"
    serve(desk, **INGRID)
    assert "The card works again." in act(desk, "found")
    assert log_in(phone, *GUARDIAN, keep=True).status_code == 302
    clock.turn(seconds=30)
    assert result_of(scan_at_desk(desk, shown_code(phone))) == ("", "Accepted")


def replace(desk, replaces, **fields):
    given = {"csrf_token": csrf_token(desk, "/desk"), "key": "k" * 32, "replaces": replaces}
    answer = desk.post("/desk/counter/replacement-card", data=given | fields)
    return answer.location, main_text(desk.get(answer.location))


def test_a_new_card_has_a_new_number_once_and_the_libraries_are_told(app, desk):
    serve(desk, **INGRID)
    token, serving = csrf_token(desk, "/desk"), desk.get_cookie("lanekort_desk").value
    form = {"csrf_token": token, "key": "k" * 32, "replaces": GUARDIAN[0]}
    assert desk.post("/desk/counter/replacement-card", data=form).location == "/desk"
    assert "The new card number is N " in main_text(desk.get("/desk"))
    with app.app_context():
        number = db.session.get_one(Patron, 1).card_number
        told = select(LibraryNotice.library_id).where(LibraryNotice.kind == "renumbered")
        assert sorted(db.session.scalars(told)) == [ULLENSAKER, "Mull"]
    assert number != GUARDIAN[0]
    # The second click was sent with the cookie of the first.
    desk.set_cookie("lanekort_desk", serving)
    assert desk.post("/desk/counter/replacement-card", data=form).location == "/desk/patron"
    assert "has a new number already" in main_text(desk.get("/desk/patron"))
    with app.app_context():
        assert db.session.get_one(Patron, 1).card_number == number


def test_a_printed_card_is_given_only_from_the_librarys_own_row_and_once(app, desk):
    submit(desk, "/desk/numbers", count="100", rows="0")
    serve(desk, **PER)
    assert "in none of the rows" in replace(desk, "N000100004", card_number="N700000000")[1]
    assert "A card number is an N and nine digits." in replace(desk, "N000100004", card_number="12")[1]
    assert "The new card number is N 500 000 000." in replace(desk, "N000100004", card_number="500 000 000")[1]
    assert patron_row(app, "N500000000").card_state == "active"
    serve(desk, **INGRID)
    assert "is never used again" in replace(desk, GUARDIAN[0], card_number="N500000000")[1]


def test_a_library_where_the_card_is_not_activated_gives_no_new_one(app, desk):
    serve(desk, **ASA)
    assert "Activate it first." in replace(desk, "N000100005")[1]
    assert patron_row(app, "N000100005").name == "Åsa Lindqvist"


def test_a_device_loses_the_card_and_no_other_patrons_does(app, desk, phone, new_browser):
    child = new_browser()
    log_in(child, *CHILD, keep=True)
    text = serve(desk, **INGRID)
    assert "Devices that show the card" in text
    revoke = read_page(desk.get("/desk/patron")).select_one("form[action$=revoke]")["action"]
    serve(desk, **JONAS)
    assert "off that device already" in act(desk, revoke.removeprefix("/desk/patron/"))
    assert phone.get("/my").status_code == 200
    serve(desk, **INGRID)
    assert "The card is off that device." in act(desk, revoke.removeprefix("/desk/patron/"))
    assert phone.get("/my").location == "/login"
    assert child.get("/my").status_code == 200


# --- a new PIN ---


def test_the_way_to_a_new_pin_is_sent_once_however_often_it_is_asked_for(app, desk):
    serve(desk, **INGRID)
    for _click in range(2):
        assert "is on its way" in act(desk, "new-pin", by="link")
    assert [(kind, channel) for _id, kind, channel, _due in messages(app)] == [(NEW_PIN, None)]


def test_a_letter_with_the_way_to_a_new_pin_is_printed_at_once(app, desk, clock):
    serve(desk, **JONAS)
    assert "waits under Post" in act(desk, "new-pin", by="letter")
    act(desk, "new-pin", by="letter")
    (waiting,) = read_page(desk.get("/desk/post")).select("form[action$=letter]")
    sheet = desk.post(str(waiting["action"]), data={"csrf_token": csrf_token(desk, "/desk")})
    code = read_page(sheet).find(class_="sheet-link").strong.get_text()
    with app.app_context():
        assert find_link(token=code, now=clock()) == 2


def test_who_lost_the_card_gets_no_pin(app, desk):
    serve(desk, **PER)
    assert "Give a new card first" in act(desk, "new-pin", by="link")
    assert messages(app) == []


def test_a_frozen_card_gets_no_new_pin_and_the_desk_is_told_so(app, desk, clock):
    serve(desk, **INGRID)
    with app.app_context():
        freeze_card(patron_id=1, now=clock())
        db.session.commit()
    for by in ("link", "letter"):
        assert "has frozen the card" in act(desk, "new-pin", by=by)
    assert not has_act(desk, "new-pin")
    assert NEW_PIN not in [kind for _id, kind, _channel, _due in messages(app)]


# --- contact data ---


def test_contact_data_are_corrected_and_the_old_address_is_told(app, desk):
    serve(desk, **INGRID)
    form = fields_of(find_form(desk.get("/desk/patron/contact"), "/desk/patron/contact"))
    assert form["address"] == "Furuveien 3"
    answer = desk.post("/desk/patron/contact", data=form | {"email": "new@example.org", "language": "nn"})
    assert answer.location == "/desk/patron"
    text = main_text(desk.get("/desk/patron"))
    assert "What was changed is saved." in text
    assert "new@example.org" in text
    assert "Nynorsk" in text
    told = sorted((kind, channel or "") for _id, kind, channel, _due in messages(app))
    assert told == [(CONTACT_CHANGED, "email"), (CONTACT_UNPROVEN, "email")]
    assert patron_row(app, GUARDIAN[0]).proven_email == "guardian@example.org"
    assert "Not confirmed" in text


def test_papers_that_a_desk_has_seen_prove_the_address_and_stand_in_the_access_log(app, desk):
    serve(desk, **INGRID)
    form = fields_of(find_form(desk.get("/desk/patron/contact"), "/desk/patron/contact"))
    desk.post("/desk/patron/contact", data=form | {"email": "new@example.org", "papers": "y"})
    assert patron_row(app, GUARDIAN[0]).proven_email == "new@example.org"
    assert "Not confirmed" not in main_text(desk.get("/desk/patron"))
    assert (1, "papers", "name, birth date, contact data") in looks(app)


def test_name_and_birth_date_are_corrected_at_the_desk(app, desk):
    serve(desk, **INGRID)
    form = fields_of(find_form(desk.get("/desk/patron/contact"), "/desk/patron/contact"))
    assert (form["name"], form["gender"]) == ("Ingrid Solvang", "female")
    asked = form | {"name": "Ingrid Ås Solvang", "birth_date": "1984-02-29", "gender": "unknown"}
    assert desk.post("/desk/patron/contact", data=asked).location == "/desk/patron"
    row = patron_row(app, GUARDIAN[0])
    assert (row.name, row.birth_date, row.gender) == ("Ingrid Ås Solvang", date(1984, 2, 29), "unknown")
    assert messages(app) == []
    for wrong in ({"name": ""}, {"birth_date": ""}, {"birth_date": "2031-01-01"}, {"gender": "x"}):
        assert desk.post("/desk/patron/contact", data=asked | wrong).status_code == 422, wrong
    assert patron_row(app, GUARDIAN[0]).name == "Ingrid Ås Solvang"


def test_contact_data_that_cannot_be_right_are_shown_again_with_what_is_wrong(desk, read_database):
    serve(desk, **INGRID)
    form = fields_of(find_form(desk.get("/desk/patron/contact"), "/desk/patron/contact"))
    before = {name: rows for name, rows in read_database().items() if name not in ("access_log", "desk_visits")}
    wrong = form | {"email": "nobody", "phone": "12", "place": "", "preferred_contact": "sms"}
    page = desk.post("/desk/patron/contact", data=wrong)
    assert page.status_code == 422
    for sentence in ("This is not an e-mail address.", "This is not a telephone number.", "This is needed."):
        assert sentence in main_text(page)
    assert 'value="nobody"' in page.text
    assert desk.post("/desk/patron/contact", data=form | {"address": "x" * 401}).status_code == 422
    assert desk.post("/desk/patron/contact", data=form | {"language": "tlh"}).status_code == 422
    after = {name: rows for name, rows in read_database().items() if name not in ("access_log", "desk_visits")}
    assert after == before


def test_of_who_has_not_joined_no_contact_data_are_seen_or_changed(app, desk):
    serve(desk, **ASA)
    assert "asa@example.org" not in desk.get("/desk/patron/contact").text
    assert submit(desk, "/desk/patron/contact", page="/desk", email="taken@example.org").status_code == 409
    assert patron_row(app, "N000100005").email == "asa@example.org"


# --- where the card counts ---


def test_who_opts_out_has_a_card_for_this_library_and_can_come_back(app, desk, mullsjo, phone, clock):
    serve(desk, **INGRID)
    text = act(desk, "opt-out")
    assert "valid at this library only. The other libraries are told." in text
    assert joined(app, GUARDIAN[0]) == {ULLENSAKER}
    clock.turn(seconds=30)
    assert result_of(scan_at_desk(mullsjo, shown_code(phone)))[1] == "Local card of another library"
    assert "The card is a national one." in act(desk, "upgrade")
    clock.turn(seconds=30)
    assert result_of(scan_at_desk(mullsjo, shown_code(phone)))[1] == "Not activated here"


def test_the_card_is_ended_here_and_stays_elsewhere_but_not_where_it_is_the_last(app, desk):
    serve(desk, **INGRID)
    text = act(desk, "leave")
    assert "The card is ended at this library." in text
    assert "Furuveien" not in text
    assert joined(app, GUARDIAN[0]) == {"Mull"}
    serve(desk, **JONAS)
    assert not has_act(desk, "leave")
    assert "This is the only library of the card." in act(desk, "leave")
    assert joined(app, CHILD[0]) == {ULLENSAKER}


def test_a_library_that_the_patron_has_not_joined_can_do_nothing_but_activate(app, desk, read_database):
    serve(desk, **ASA)
    rows = {name: rows for name, rows in read_database().items() if name not in ("access_log", "desk_visits")}
    for what in ("consent", "lost", "found", "opt-out", "leave"):
        assert "Activate it first." in act(desk, what), what
    for by in ("link", "letter"):
        assert "Activate it first." in act(desk, "new-pin", by=by)
    after = {name: rows for name, rows in read_database().items() if name not in ("access_log", "desk_visits")}
    assert after == rows


# --- a death ---


def test_a_death_is_reported_after_one_more_look_and_taken_back_by_the_same_library(app, desk, phone, mullsjo):
    serve(desk, **INGRID)
    assert "Within 24 hours all about them is deleted" in main_text(desk.get("/desk/patron/death"))
    assert "tick that the message is certain" in act(desk, "death")
    assert patron_row(app, GUARDIAN[0]).erase_at is None
    text = act(desk, "death", sure="y")
    assert "The death is reported. The card is closed." in text
    assert "All about this patron is deleted on 23 November 2026 at 09:00" in text
    assert "Furuveien" not in text
    assert phone.get("/my").location == "/login"
    text = serve(mullsjo, **INGRID)
    assert "only that library can take it back" in text
    assert "only that library can take it back" in act(mullsjo, "death/withdraw")
    assert patron_row(app, GUARDIAN[0]).erase_reason == "death"
    assert "The report is taken back." in act(desk, "death/withdraw")
    assert patron_row(app, GUARDIAN[0]).erase_reason is None
    assert "Furuveien 3" in main_text(desk.get("/desk/patron"))


def test_of_somebody_reported_dead_nothing_more_is_done_or_shown(app, desk):
    serve(desk, **PER)
    act(desk, "death", sure="y")
    assert "per@example.org" not in desk.get("/desk/patron").text
    acts = [form["action"] for form in read_page(desk.get("/desk/patron")).main.find_all("form")]
    assert acts == ["/desk", "/desk/counter/done", "/desk/patron/death/withdraw"]
    assert "A death is reported for this card." in replace(desk, "N000100004")[1]
    assert "PIN" not in act(desk, "new-pin", by="link")
    assert "Granlia" not in main_text(look_up(desk, **PER))
    assert messages(app) == []


def test_a_library_that_the_patron_has_not_joined_reports_no_death(app, desk):
    serve(desk, **ASA)
    assert "Activate it first." in act(desk, "death", sure="y")
    assert patron_row(app, "N000100005").erase_at is None
