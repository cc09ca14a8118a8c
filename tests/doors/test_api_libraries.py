"""Libraries for everybody: their addresses and hours over HTTP, for websites and systems."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from werkzeug.datastructures import Authorization

from app.api.libraries.reading import PUBLIC
from app.register.face.facts import add_branch, list_branches
from app.register.face.opening import add_exception, read_hours, set_week
from app.register.patron.libraries import add_library
from app.register.store.transaction import writing
from app.rules.library.face import BranchFacts, version_of
from app.rules.library.opening import CLOSED_WEEK, Exceptional, make_span, state_at

LIBRARIES = "/api/v1/libraries"
ULLENSAKER, MULL = "2023500", "Mull"
OSLO = ZoneInfo("Europe/Oslo")
TODAY = date(2026, 11, 22)  # a Sunday


def span(opens: str, closes: str, *, staffed: bool = True):
    return make_span(opens=time.fromisoformat(opens), closes=time.fromisoformat(closes), staffed=staffed)


@pytest.fixture
def set_hours(app, clock):
    """Give Mullsjö a week, from today on, with exceptions."""

    def give(week, *exceptions) -> None:
        with app.app_context(), writing():
            shown = version_of(tuple(read_hours(library_id=MULL).weeks))
            today = clock().date()
            set_week(library_id=MULL, since=today, days=week, shown=shown, today=today, now=clock())
            for about in exceptions:
                add_exception(library_id=MULL, about=about, today=today, now=clock())

    return give


def test_everybody_lists_the_libraries(client):
    answer = client.get(LIBRARIES)
    assert answer.status_code == 200
    found = {each["id"]: each for each in answer.json["libraries"]}
    assert found.keys() == {ULLENSAKER, MULL}
    assert found[ULLENSAKER] == {
        "id": ULLENSAKER,
        "name": "Ullensaker bibliotek",
        "address": "Storgata 1",
        "postcode": "2050",
        "place": "Jessheim",
        "phone": "+47 99 90 00 10",
        "email": "ullensaker@bibliotek.example.org",
        "website": "https://ullensaker.example.org",
        "time_zone": "Europe/Oslo",
        "page": f"https://card.example.org/libraries/{ULLENSAKER}",
    }
    assert found[MULL]["time_zone"] == "Europe/Stockholm"


def test_a_library_has_its_week_its_dates_and_its_branches(client):
    answer = client.get(f"{LIBRARIES}/{ULLENSAKER}").json
    week = {each["weekday"]: each["spans"] for each in answer["hours"]["week"]}
    assert next(iter(week)) == "monday"
    assert week["sunday"] == [{"opens": "00:00", "closes": "24:00", "staffed": False}]
    dates = answer["hours"]["dates"]
    assert [each["date"] for each in dates] == [str(TODAY + timedelta(days=ahead)) for ahead in range(14)]
    assert dates[1]["openings"][-1] == {
        "opens": "2026-11-23T10:00:00+01:00", "closes": "2026-11-23T20:00:00+01:00", "staffed": True
    }  # fmt: skip
    assert dates[0]["openings"][0]["closes"] == "2026-11-23T00:00:00+01:00"
    (klofta,) = answer["branches"]
    assert (klofta["name"], klofta["place"]) == ("Kløfta bibliotek", "Kløfta")
    assert [day["date"] for day in klofta["hours"]["dates"] if day["openings"]] == [
        "2026-11-24", "2026-11-26", "2026-12-01", "2026-12-03"
    ]  # fmt: skip


def test_exceptions_and_coming_weeks_are_applied(client, set_hours):
    day = (span("10:00", "19:00"),)
    closed = Exceptional(first=date(2026, 11, 24), last=date(2026, 11, 25), note="Kurs")
    late = Exceptional(first=date(2026, 12, 1), last=date(2026, 12, 1), spans=(span("20:00", "02:00", staffed=False),))
    set_hours((day,) * 7, closed, late)
    dates = {each["date"]: each for each in client.get(f"{LIBRARIES}/{MULL}").json["hours"]["dates"]}
    assert dates["2026-11-24"] == {"date": "2026-11-24", "exceptional": True, "note": "Kurs", "openings": []}
    assert dates["2026-12-01"]["openings"] == [
        {"opens": "2026-12-01T20:00:00+01:00", "closes": "2026-12-02T02:00:00+01:00", "staffed": False}
    ]
    assert dates["2026-11-26"]["exceptional"] is False


def test_the_nights_of_daylight_saving_are_told_as_instants(client, clock, set_hours):
    clock.turn(days=120)  # to the 22nd of March 2027
    set_hours(((span("22:00", "06:00"),),) * 7)
    dates = {each["date"]: each["openings"] for each in client.get(f"{LIBRARIES}/{MULL}").json["hours"]["dates"]}
    (night,) = dates["2027-03-27"]
    assert night["opens"] == "2027-03-27T22:00:00+01:00"
    assert night["closes"] == "2027-03-28T06:00:00+02:00"


def test_what_lasts_from_yesterday_is_told_today(client, clock, set_hours):
    set_hours(((span("20:00", "03:00", staffed=False),), *CLOSED_WEEK[1:]))
    clock.turn(days=1, seconds=16 * 3600)  # to two in the night from Monday to Tuesday
    dates = client.get(f"{LIBRARIES}/{MULL}").json["hours"]["dates"]
    assert dates[0]["date"] == "2026-11-24"
    assert [each["closes"] for each in dates[0]["openings"]] == ["2026-11-24T03:00:00+01:00"]
    clock.turn(days=1)
    assert client.get(f"{LIBRARIES}/{MULL}").json["hours"]["dates"][0]["openings"] == []


def test_what_is_told_is_what_somebody_finds_at_the_door(app, client):
    dates = client.get(f"{LIBRARIES}/{ULLENSAKER}").json["hours"]["dates"]
    with app.app_context():
        hours = read_hours(library_id=ULLENSAKER)
    told = [each for day in dates for each in day["openings"]]
    for day in dates:
        for hour in range(24):
            at = datetime.combine(date.fromisoformat(day["date"]), time(hour, 30), OSLO)
            inside = [
                each["staffed"]
                for each in told
                if datetime.fromisoformat(each["opens"]) <= at < datetime.fromisoformat(each["closes"])
            ]
            assert state_at(hours, at) == ("staffed" if any(inside) else "unstaffed" if inside else "closed")


def test_what_is_not_known_is_left_out(app, client):
    with app.app_context(), writing():
        add_library(library_id="Åse 1", name="Ny filial", kind="folkbib")
        add_branch(library_id="Åse 1", facts=BranchFacts(name="Bussen", hours="Annenhver tirsdag"))
        branch_id = list_branches(library_id="Åse 1")[0].id
    answer = client.get(f"{LIBRARIES}/Åse 1").json
    assert answer == {
        "id": "Åse 1",
        "name": "Ny filial",
        "time_zone": "Europe/Oslo",
        "page": "https://card.example.org/libraries/%C3%85se%201",
        "branches": [{"id": str(branch_id), "name": "Bussen", "hours_note": "Annenhver tirsdag"}],
    }


def test_an_answer_may_be_kept_and_asked_for_again(client, set_hours):
    for path in (LIBRARIES, f"{LIBRARIES}/{MULL}"):
        first = client.get(path, query_string={"lang": "nb"})
        assert first.headers["Cache-Control"] == "public, max-age=300"
        assert first.headers["Access-Control-Allow-Origin"] == "*"
        assert "Set-Cookie" not in first.headers
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["Cache-Control"] == "public, max-age=300"
    set_hours((CLOSED_WEEK[0], (span("10:00", "12:00"),), *CLOSED_WEEK[2:]))
    changed = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_a_page_of_another_website_reads_refusals_and_may_name_an_entity_tag(client):
    origin = {"Origin": "https://website.example.org"}
    for path in (LIBRARIES, f"{LIBRARIES}/{MULL}"):
        asks = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match"}
        allowed = client.options(path, headers=origin | asks)
        assert allowed.status_code == 200
        assert allowed.headers["Access-Control-Allow-Headers"] == "If-None-Match"
        assert allowed.headers["Access-Control-Allow-Origin"] == "*"
    refused = client.get(f"{LIBRARIES}/nowhere", headers=origin)
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (404, "*")
    for path in ("/api/v1/patrons/N000100001", "/api/v1/changes"):
        assert "Access-Control-Allow-Origin" not in client.options(path, headers=origin).headers


def test_a_wrong_password_does_not_matter_and_an_unknown_library_is_said(client):
    wrong = Authorization("basic", {"username": "x", "password": "x"})
    assert client.get(LIBRARIES, auth=wrong).status_code == 200
    answer = client.get(f"{LIBRARIES}/nowhere")
    assert (answer.status_code, answer.json["code"]) == (404, "no-such-library")
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"


def test_one_source_asks_so_often_and_no_more(client):
    for _ in range(PUBLIC.limit):
        assert client.get(f"{LIBRARIES}/nowhere").status_code == 404
    refused = client.get(LIBRARIES)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert client.get(LIBRARIES, environ_base={"REMOTE_ADDR": "198.51.100.7"}).status_code == 200
