"""A library's own page: open or not at this moment, its hours, how to reach it; and the ways to it."""

from datetime import date, time

import pytest

from app.register.face.facts import change_facts, read_facts
from app.register.face.opening import add_exception, read_hours, set_week
from app.register.patron.libraries import add_library
from app.register.store.transaction import writing
from app.rules.library.face import Facts, version_of
from app.rules.library.opening import CLOSED_WEEK, Exceptional, make_span
from tests.doors.visits import main_text, read_page

MULL, ULLENSAKER = "Mull", "2023500"
TODAY = date(2026, 11, 22)  # a Sunday, at 10 in the morning


def span(opens: int, closes: int, *, staffed: bool = True):
    return make_span(opens=time(opens), closes=time(closes % 24), staffed=staffed)


@pytest.fixture
def set_hours(app, clock):
    """Give Mullsjö a week, from Monday on, with its exceptions."""

    def give(*days, exceptions=()) -> None:
        with app.app_context(), writing():
            shown = version_of(tuple(read_hours(library_id=MULL).weeks))
            week = (*days, *CLOSED_WEEK[len(days) :])
            set_week(library_id=MULL, since=TODAY, days=week, shown=shown, today=TODAY, now=clock())
            for about in exceptions:
                add_exception(library_id=MULL, about=about, today=TODAY, now=clock())

    return give


def sentence(client) -> str:
    return read_page(client.get(f"/libraries/{MULL}")).select_one(".notice").get_text(" ", strip=True)


def test_everybody_reads_how_to_reach_a_library(client):
    page = read_page(client.get(f"/libraries/{ULLENSAKER}"))
    links = {link["href"] for link in page.select("main a")}
    assert {"tel:+4799900010", "mailto:ullensaker@bibliotek.example.org", "https://ullensaker.example.org"} <= links
    assert "https://www.openstreetmap.org/search?query=Storgata%201%2C%202050%20Jessheim" in links
    assert f"/libraries/{ULLENSAKER}/rules" in links
    assert "Kløfta bibliotek" in page.select_one("main").get_text()
    assert page.select_one('[itemtype="https://schema.org/Library"] [itemprop="name"]').get_text() == page.h1.get_text()
    assert page.select_one('meta[itemprop="openingHours"]')["content"] == "Mo 10:00-20:00"
    assert client.get("/libraries/nowhere").status_code == 404


def test_the_page_says_whether_it_is_open_now_and_when_that_changes(client, clock, set_hours):
    assert sentence(client) == "Open now until 20:00 (without staff)."
    assert "Open now without staff. Staff are there from tomorrow at 10:00." in main_text(
        client.get(f"/libraries/{ULLENSAKER}")
    )
    set_hours((span(10, 19), span(7, 22, staffed=False)), (span(10, 19),))
    told = []
    for hours in (0, 20, 4, 10, 3, 24):
        clock.turn(seconds=hours * 3600)
        told.append(sentence(client))
    assert told == [
        "Closed now. Opens tomorrow at 07:00 (without staff).",
        "Closed now. Opens 07:00 (without staff).",
        "Open now until 19:00 (staffed). After that it is open without staff.",
        "Open now until 22:00 (without staff).",
        "Closed now. Opens tomorrow at 10:00 (staffed).",
        "Closed now. Opens Monday at 07:00 (without staff).",
    ]


def test_a_week_of_days_and_the_exceptions_to_come_are_shown(client, set_hours):
    closed = Exceptional(first=date(2026, 11, 23), last=date(2026, 11, 23), note="Course day")
    christmas = Exceptional(first=date(2020, 12, 24), last=date(2020, 12, 26), yearly=True, note="Christmas")
    set_hours((span(10, 19),), (span(10, 19),), exceptions=(closed, christmas))
    days, later = read_page(client.get(f"/libraries/{MULL}")).select("table.opening")
    rows = [[cell.get_text(" ", strip=True) for cell in row.select("th, td")] for row in days.select("tbody tr")]
    assert rows[:3] == [
        ["Sunday Today 22 November", "Closed"],
        ["Monday 23 November Course day", "Closed"],
        ["Tuesday 24 November", "10:00–19:00"],
    ]
    assert len(rows) == 7
    assert later.select_one("tbody tr").get_text(" ", strip=True) == (
        "Thursday 24 December to Saturday 26 December Christmas Closed"
    )


def test_what_a_library_has_not_entered_is_not_guessed(client, app):
    with app.app_context(), writing():
        add_library(library_id="X", name="Ny filial", kind="folkbib")
    assert "has not entered its opening hours" in main_text(client.get("/libraries/X"))


def test_a_website_and_a_name_are_only_text(client, app):
    with app.app_context(), writing():
        facts = read_facts(library_id=MULL)
        hostile = Facts(name="<b>Bibliotek</b>", phone="0392 14000", website='https://example.org/?"><script>')
        change_facts(library_id=MULL, facts=hostile, shown=version_of(facts))
    page = read_page(client.get(f"/libraries/{MULL}"))
    assert page.h1.get_text() == "<b>Bibliotek</b>"
    assert not page.select("main script")
    assert "tel:039214000" in {link["href"] for link in page.select("main a")}


@pytest.mark.parametrize("path", ["/my", "/my/libraries", "/my/data", "/card"])
def test_patrons_pages_lead_to_their_libraries(phone, path):
    links = {link["href"] for link in read_page(phone.get(path)).select("main a[href]")}
    assert {f"/libraries/{ULLENSAKER}", f"/libraries/{MULL}"} <= links


@pytest.mark.parametrize("lang", ["nb", "nn", "sv", "se"])
def test_every_language_says_it(new_browser, lang, set_hours):
    set_hours((span(10, 19),), exceptions=(Exceptional(first=date(2026, 12, 24), last=date(2026, 12, 26)),))
    text = main_text(new_browser(lang=lang).get(f"/libraries/{MULL}"))
    assert "10:00–19:00" in text
    assert not {"Opens", "Closed", "staffed"} & set(text.replace("(", " ").replace(")", " ").split())


def rows_of_the_list(client, **words: str) -> list[str]:
    page = read_page(client.get("/libraries", query_string=words))
    return [row.get_text(" ", strip=True) for row in page.select("main .library-row")]


def test_everybody_finds_a_library_and_whether_it_is_open_now(client):
    assert rows_of_the_list(client) == [
        "Mullsjö bibliotek Mullsjö Open now until 20:00 (without staff).",
        "Ullensaker bibliotek Jessheim Open now without staff. Staff are there from tomorrow at 10:00.",
    ]
    assert len(rows_of_the_list(client, q="jessheim")) == 1
    assert "No library is called that." in main_text(client.get("/libraries", query_string={"q": "nowhere"}))
    links = {link["href"] for link in read_page(client.get("/libraries")).select("main a")}
    assert {f"/libraries/{ULLENSAKER}", f"/libraries/{MULL}"} <= links


def test_a_library_without_hours_is_in_the_list_all_the_same(client, app):
    with app.app_context(), writing():
        add_library(library_id="X", name="Aremark", kind="folkbib")
    assert rows_of_the_list(client)[0] == "Aremark"


@pytest.mark.parametrize("path", ["/", f"/libraries/{ULLENSAKER}", f"/libraries/{MULL}/rules"])
def test_pages_for_everybody_lead_to_libraries(client, path):
    links = {link["href"] for link in read_page(client.get(path)).select("main a[href]")}
    assert links & {"/libraries", f"/libraries/{MULL}"}


def test_a_branch_says_whether_it_is_open_now(client, clock):
    def klofta() -> str:
        page = read_page(client.get(f"/libraries/{ULLENSAKER}"))
        return page.select_one(".branches > li").get_text(" ", strip=True)

    assert "Closed now. Opens Tuesday at 12:00 (staffed)." in klofta()
    clock.turn(days=2, seconds=2.5 * 3600)
    assert "Open now until 18:00 (staffed)." in klofta()
    assert "Tuesday Today 24 November With staff 12:00–18:00" in klofta()
    page = read_page(client.get(f"/libraries/{ULLENSAKER}"))
    assert "Due dates follow the opening hours at the top of this page." in main_text(
        client.get(f"/libraries/{ULLENSAKER}")
    )
    hours = page.select('[itemprop="department"] meta[itemprop="openingHours"]')
    assert [each["content"] for each in hours] == ["Tu 12:00-18:00", "Th 12:00-18:00"]
