"""The patron before the desk: looked up, seen as far as the library may, and served."""

from datetime import date

import pytest
from sqlalchemy import update

from app.register.change.membership import opt_out
from app.register.store.transaction import db
from app.register.tables.patrons import AttemptCount, Patron
from app.rules.people.fields import FIELD
from tests.doors.serving import (
    ASA,
    INGRID,
    JONAS,
    PER,
    act,
    fields_of,
    find_form,
    freeze,
    has_act,
    joined,
    look_up,
    looks,
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
    scan_at_desk,
    shown_code,
    submit,
)

HOME_LIBRARY = FIELD["home_library_id"].label
ULLENSAKER = "2023500"


# --- looking up ---


def test_two_criteria_lead_to_the_patron(desk):
    page = look_up(desk, **INGRID)
    assert "1 fits" in main_text(page)
    assert "Ingrid Solvang 14 August 1984 · Jessheim" in main_text(page)
    text = serve(desk, **INGRID)
    assert "Ingrid Solvang" in text
    assert "Furuveien 3, 2050 Jessheim" in text
    assert "let photo id or a plastic card show who it is" in text


@pytest.mark.parametrize("criteria", [{"name": "Ingrid"}, {"phone": "99900001"}, {}])
def test_one_criterion_is_too_little_and_tells_nothing(app, desk, criteria):
    page = look_up(desk, **criteria)
    assert "Fill in two of the fields" in main_text(page)
    assert "Solvang" not in main_text(page)
    assert looks(app) == []


@pytest.mark.parametrize("criteria", [{"card_number": " n 000 100 001"}, {"name": "N000100001"}])
def test_a_card_number_alone_leads_to_its_patron_and_is_logged(app, desk, criteria):
    page = look_up(desk, **criteria)
    assert "1 fits" in main_text(page)
    assert "Ingrid Solvang" in main_text(page)
    assert [purpose for _patron, purpose, _fields in looks(app)] == ["look-up"]
    assert "Nobody fits" in main_text(look_up(desk, card_number="N999999999"))


def test_of_several_who_fit_the_first_has_the_focus(desk):
    first, *others = read_page(look_up(desk, name="Solvang", postcode="2050")).select("form[action$=open] button")
    assert first.has_attr("autofocus")
    assert others
    assert not any(hit.has_attr("autofocus") for hit in others)


def test_a_child_is_told_apart_from_an_adult(desk):
    assert "· Child ·" in main_text(look_up(desk, **JONAS))
    assert "Adult" not in main_text(look_up(desk, **INGRID))


def test_too_many_hits_and_none_say_what_to_do(desk, monkeypatch):
    nobody = main_text(look_up(desk, name="Nobody", phone="99900001"))
    assert "Look at the spelling; the beginning of each name is enough." in nobody
    assert "Make a new patron of what was typed" in nobody
    monkeypatch.setattr("app.register.desk.lookup.MOST_ROWS", 0)
    many = main_text(look_up(desk, **INGRID))
    assert "That fits too many people. Fill in one more field: Birth date, E-mail or Postcode." in many


def test_what_is_wrong_is_counted_up_with_a_link_and_stands_in_the_title(desk):
    page = read_page(look_up(desk, name="Ingrid", phone="12", card_number="7"))
    assert page.title.text.startswith("Error: Find patron")
    links = page.select("[role=alert] a")
    assert [(link["href"], link.text) for link in links] == [("#phone", "Telephone"), ("#card_number", "Card number")]
    assert all(page.find(id=str(link["href"])[1:]) for link in links)


def test_what_was_typed_wrongly_is_said_beside_its_field(desk):
    page = look_up(desk, name="Ingrid", phone="12", birth_date="31.02.1980")
    assert "This is not the birth date of anybody alive." in main_text(page)
    page = look_up(desk, name="Ingrid", phone="12", card_number="7")
    assert "This is not a telephone number." in main_text(page)
    assert "A card number is an N and nine digits." in main_text(page)


def test_nothing_that_was_typed_stands_in_an_address(desk):
    for page in (desk.get("/desk/find"), look_up(desk, **INGRID), look_up(desk, name="Nobody", phone="99900001")):
        assert all(form["method"] == "post" for form in read_page(page).find_all("form"))
        assert page.request.query_string == b""


def test_of_somebody_who_has_not_joined_a_hit_tells_the_minimum(app, desk):
    text = main_text(look_up(desk, **ASA))
    assert f"Åsa Lindqvist Adult {HOME_LIBRARY}: Mullsjö bibliotek Not activated here" in text
    assert looks(app) == [(5, "look-up", "name, age band, home library")]


def test_a_patron_whom_this_desk_did_not_find_is_not_served(desk, mullsjo):
    fields = fields_of(find_form(look_up(mullsjo, **ASA), "/desk/find/open"))
    fields["csrf_token"] = csrf_token(desk, "/desk")
    for given in (fields["patron_id"], "", "0", "x", "9" * 40, "１"):
        assert desk.post("/desk/find/open", data=fields | {"patron_id": given}).location == "/desk/find"
        assert desk.get("/desk/patron").location == "/desk"


def test_three_hundred_look_ups_an_hour_are_enough(app, desk, clock):
    look_up(desk, **INGRID)
    use_up_look_ups(app)
    refused = look_up(desk, **INGRID)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) <= 3600
    assert "Solvang" not in refused.text


def test_a_card_number_too_many_is_refused_on_its_line_and_ends_the_visit_before(app, desk):
    assert submit(desk, "/desk/scans", page="/desk", payload=GUARDIAN[0]).get_json()["visit"]
    use_up_look_ups(app)
    told = submit(desk, "/desk/scans", page="/desk", payload="N000100002").get_json()
    assert (told["state"], told["card"], told["visit"], told["who"]) == ("refused", True, "", "")
    assert "… 0002" in told["line"]
    assert "N000100002" not in told["line"]


def use_up_look_ups(app):
    with app.app_context():
        db.session.execute(update(AttemptCount).where(AttemptCount.purpose == "desk look-ups").values(taken=300))
        db.session.commit()


# --- who is seen, and how much ---


def test_a_scan_leads_to_the_patron(desk, phone):
    page = scan_at_desk(desk, shown_code(phone))
    link = read_page(page).find("a", href="/desk/patron")
    assert link.get_text() == "See the patron"
    text = main_text(desk.get("/desk/patron"))
    assert "Ingrid Solvang" in text
    assert "let photo id" not in text


def test_who_has_not_joined_is_seen_as_the_minimum_with_the_way_to_activate(app, desk):
    text = serve(desk, **ASA)
    assert "Not activated here" in text
    assert "N 000 100 005" in text
    for hidden in ("asa@example.org", "Sjövägen", "1991"):
        assert hidden not in text
    assert looks(app)[-1] == (5, "counter", "name, age band, home library, card number, card state")
    acts = [form["action"] for form in read_page(desk.get("/desk/patron")).main.find_all("form")]
    assert acts == ["/desk", "/desk/counter/done", "/desk/patron/activate"]


def test_who_has_joined_is_seen_in_full_and_that_is_written_down(app, desk):
    serve(desk, **INGRID)
    patron_id, purpose, fields = looks(app)[-1]
    assert (patron_id, purpose) == (1, "counter")
    assert "address" in fields


def test_of_a_frozen_card_the_minimum_is_seen(app, desk, clock):
    freeze(app, clock, 1)
    text = serve(desk, **INGRID)
    assert "The patron has frozen the card" in text
    assert "Furuveien" not in text
    assert not has_act(desk, "activate")


def test_without_anybody_served_there_is_no_patron_and_no_act(desk, read_database):
    before = read_database()
    assert desk.get("/desk/patron").location == "/desk"
    assert desk.get("/desk/patron/contact").location == "/desk"
    for what in ("activate", "consent", "lost", "found", "new-pin", "opt-out", "upgrade", "leave", "contact"):
        answer = submit(desk, f"/desk/patron/{what}", page="/desk", rules="y")
        assert answer.location == "/desk", what
    assert read_database() == before


def test_after_five_minutes_nobody_is_served(desk, clock):
    serve(desk, **INGRID)
    clock.turn(seconds=300)
    assert "Scan the card again" in act(desk, "lost")


def test_finished_is_finished(desk):
    serve(desk, **INGRID)
    assert submit(desk, "/desk/counter/done", page="/desk").location == "/desk"
    assert desk.get("/desk/patron").location == "/desk"


# --- activating ---


def test_a_card_is_activated_once_the_rules_are_accepted(app, desk):
    serve(desk, **ASA)
    assert "must accept the library's rules first" in act(desk, "activate")
    assert joined(app, "N000100005") == {"Mull"}
    text = act(desk, "activate", rules="y", papers="y")
    assert "The card is activated here." in text
    assert "Sjövägen 12, 565 31 Mullsjö" in text
    assert joined(app, "N000100005") == {"Mull", ULLENSAKER}
    assert "The card is activated here." in act(desk, "activate", rules="y", papers="y"), "repeating it changes nothing"


def test_a_scanned_card_that_is_not_activated_leads_to_activating_it(desk, new_browser):
    client = new_browser()
    log_in(client, "N000100005", "2957")
    page = scan_at_desk(desk, shown_code(client))
    result = read_page(page).find(id="result")
    assert result.find("a", href="/desk/patron").get_text() == "Activate here"
    assert "The card is activated here." in act(desk, "activate", rules="y")


def test_somebody_who_was_looked_up_is_activated_once_photo_id_was_seen(app, desk):
    assert "I have seen photo id, or the plastic card" in serve(desk, **ASA)
    assert "look at photo id or the plastic card first" in act(desk, "activate", rules="y")
    assert joined(app, "N000100005") == {"Mull"}
    assert "The card is activated here." in act(desk, "activate", rules="y", papers="y")


def test_under_the_age_limit_a_guardian_consents_first(app, mullsjo):
    text = serve(mullsjo, **JONAS)
    assert "A guardian consents" in text
    assert "At this age a guardian must consent first." in act(mullsjo, "activate", papers="y", rules="y")
    assert joined(app, CHILD[0]) == {ULLENSAKER}
    assert "The card is activated here." in act(mullsjo, "activate", papers="y", rules="y", consent="y")
    assert patron_row(app, CHILD[0]).guardian_consent_at is not None


def test_a_consent_is_noted_once(app, desk, clock):
    assert "No guardian's consent is noted." in serve(desk, **JONAS)
    first = clock()
    assert "The guardian's consent is noted." in act(desk, "consent")
    clock.turn(seconds=60)
    act(desk, "consent")
    with app.app_context():
        assert db.session.get_one(Patron, 2).guardian_consent_at == first


def test_a_local_card_of_another_library_is_made_national_before_it_is_activated(app, desk, clock):
    with app.app_context():
        opt_out(patron_id=5, library_id="Mull", now=clock())
        db.session.commit()
    assert "Local card: valid at Mullsjö bibliotek only." in serve(desk, **ASA)
    assert not has_act(desk, "activate")
    assert "It is a local card of another library." in act(desk, "activate", rules="y", papers="y")
    assert "The card is a national one." in act(desk, "upgrade")
    assert "The card is activated here." in act(desk, "activate", rules="y", papers="y")


def test_a_lost_card_is_not_activated(app, mullsjo):
    serve(mullsjo, **PER)
    assert not has_act(mullsjo, "activate")
    assert "cannot be activated" in act(mullsjo, "activate", papers="y", rules="y")
    assert joined(app, "N000100004") == {ULLENSAKER}


def test_who_grew_up_accepts_the_rules_in_a_guardians_place(app, desk, clock):
    with app.app_context():
        db.session.execute(update(Patron).where(Patron.id == 2).values(birth_date=date(2000, 1, 1)))
        db.session.commit()
    assert "Has accepted the rules" not in serve(desk, **JONAS)
    with app.app_context():
        db.session.execute(update(Patron).where(Patron.id == 2).values(consent_ends_on=date(2018, 1, 1)))
        db.session.commit()
    text = main_text(desk.get("/desk/patron"))
    assert "Has accepted the rules Not since coming of age" in text
    assert has_act(desk, "rules")
    assert "It is noted that the patron accepts the rules." in act(desk, "rules")
    assert not has_act(desk, "rules")
    assert patron_row(app, CHILD[0]).rules_accepted_at == clock()
