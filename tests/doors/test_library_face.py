"""Administrators change what the public reads about their library, and never overwrite one another unseen."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.doors.visits import main_text, read_page

FACE, BRANCH, HOURS = "/desk/library/face", "/desk/library/branch", "/desk/library/hours"
PUBLIC = "/libraries/2023500"
CLOSED_WEEK = {
    f"{day}_{span}_{end}": ""
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for span in ("staffed", "again", "unstaffed")
    for end in ("from", "to")
}
MONDAYS = CLOSED_WEEK | {"monday_staffed_from": "10:00", "monday_staffed_to": "19:00"}


def fill_in(browser: FlaskClient, path: str, action: str = "", *, press: str = "", **values: str):
    """Fill in the form of a page that is sent to `action`, and press its button of that name."""
    page = read_page(browser.get(path))
    form = page.find("form", action=action or path)
    fields = {
        field["name"]: field.get("value", "")
        for field in form.select("input")
        if field.get("type") not in ("checkbox", "radio") or field.has_attr("checked")
    }
    assert values.keys() <= fields.keys() | {each["name"] for each in form.select("input")}
    return browser.post(action or path, data=fields | values | ({press: "1"} if press else {}))


def acts(browser: FlaskClient) -> list[str]:
    rows = read_page(browser.get("/desk/library/acts")).select("tbody tr")
    return [row.select("td")[2].get_text(strip=True) for row in rows]


def test_contact_is_changed_and_read_by_everybody(administrator, client):
    assert fill_in(administrator, FACE, phone="+47 66 10 80 00", website="bibliotek.example.org").location == FACE
    text = main_text(client.get(PUBLIC))
    assert "+47 66 10 80 00" in text
    assert "bibliotek.example.org" in text
    assert acts(administrator)[0] == "Changed what the public reads: +47 66 10 80 00, https://bibliotek.example.org"


def test_a_fault_is_named_beside_its_field_and_nothing_is_saved(administrator, client):
    answer = fill_in(administrator, FACE, email="not an address", name="")
    assert answer.status_code == 422
    page = read_page(answer)
    assert page.title.get_text().startswith("Error: ")
    assert [link["href"] for link in page.select("#page [role=alert] a")] == ["#name", "#email"]
    assert page.select_one("#email")["value"] == "not an address"
    assert "ullensaker@bibliotek.example.org" in main_text(client.get(PUBLIC))


def test_the_second_to_save_sees_both(administrator, client):
    late = read_page(administrator.get(FACE)).find("form", action=FACE)
    fields = {field["name"]: field.get("value", "") for field in late.select("input")}
    fill_in(administrator, FACE, phone="11 11 11 11")
    answer = administrator.post(FACE, data=fields | {"phone": "22 22 22 22"})
    assert answer.status_code == 409
    page = read_page(answer)
    row = page.select_one("#page [role=alert] tbody tr").get_text(" ", strip=True)
    assert row == "Telephone 11 11 11 11 22 22 22 22"
    assert "11 11 11 11" in main_text(client.get(PUBLIC))
    again = {field["name"]: field.get("value", "") for field in page.find("form", action=FACE).select("input")}
    assert administrator.post(FACE, data=again).status_code == 302
    assert "22 22 22 22" in main_text(client.get(PUBLIC))


def test_branches_come_and_change_and_go(administrator, client):
    assert fill_in(administrator, BRANCH, name="Bokbussen", hours="Mandager 12–15").status_code == 302
    page = read_page(administrator.get(FACE))
    change = page.find("a", string=lambda text: text == "Change")
    links = [link["href"] for link in page.select("main a") if "branch?id" in link["href"]]
    assert change or len(links) == 2
    bus = next(link for link in links if "Bokbussen" in administrator.get(link).text)
    assert fill_in(administrator, bus, hours="Tirsdager 12–15").status_code == 302
    assert "Tirsdager 12–15" in main_text(client.get(PUBLIC))
    fields = {
        "id": bus.split("=")[1],
        "csrf_token": read_page(administrator.get(FACE)).select_one("[name=csrf_token]")["value"],
    }
    administrator.post(f"{BRANCH}/remove", data=fields)
    assert "Bokbussen" not in main_text(client.get(PUBLIC))
    assert acts(administrator)[:3] == [
        "Took away the branch Bokbussen", "Changed the branch Bokbussen", "Added the branch Bokbussen"
    ]  # fmt: skip
    assert administrator.get(bus).location == FACE


def test_hours_are_looked_at_first_and_then_saved_from_a_day_on(administrator, client, clock):
    week = MONDAYS | {"since": "2026-11-23", "monday_again_from": "20", "monday_again_to": "24:00"}
    looked = fill_in(administrator, HOURS, press="look", **week)
    preview = read_page(looked).select_one("#looked-at").get_text(" ", strip=True)
    assert "Monday 10:00–19:00 20:00–24:00 Tuesday Closed" in preview
    assert "Nothing falls due on: Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday." in preview
    assert "10:00–16:00" in main_text(client.get(PUBLIC))
    saved = fill_in(administrator, HOURS, press="save", **week)
    assert saved.location == HOURS
    assert "From Monday 23 November 2026" in main_text(administrator.get(HOURS))
    assert acts(administrator)[0] == "Set the opening hours from 2026-11-23 on"
    assert "00:00–24:00" in main_text(client.get(PUBLIC))  # today
    clock.turn(days=1)
    assert "Open now until 19:00 (staffed)." in main_text(client.get(PUBLIC))


def test_hours_that_cannot_be_are_named_beside_their_field(administrator):
    wrong = MONDAYS | {"monday_staffed_to": "", "tuesday_unstaffed_from": "25:00", "tuesday_unstaffed_to": "26:00"}
    answer = fill_in(administrator, HOURS, press="save", **wrong, since="tomorrow")
    assert answer.status_code == 422
    faults = read_page(answer).select_one("#page [role=alert]").get_text(" ", strip=True)
    for words in (
        "Monday with staff, until : Fill in both",
        "Tuesday without staff, from : Write a time",
        "Write a day",
    ):
        assert words in faults
    past = fill_in(administrator, HOURS, press="save", **MONDAYS, since="2026-11-21")
    assert "Choose today or a later day." in main_text(past)
    never = fill_in(administrator, HOURS, press="save", **CLOSED_WEEK, since="2026-11-25")
    assert "Fill in the hours of some day." in main_text(never)


def test_the_second_to_set_hours_sees_those_of_the_first(administrator):
    page = read_page(administrator.get(HOURS))
    late = {field["name"]: field.get("value", "") for field in page.find("form", action=HOURS).select("input")}
    fill_in(administrator, HOURS, press="save", **MONDAYS, since="2026-11-23")
    tuesdays = CLOSED_WEEK | {"tuesday_staffed_from": "09:00", "tuesday_staffed_to": "12:00"}
    answer = administrator.post(HOURS, data=late | tuesdays | {"since": "2026-11-23", "save": "1"})
    assert answer.status_code == 409
    page = read_page(answer)
    assert "10:00–19:00" in page.select_one("#page [role=alert]").get_text()
    assert "09:00–12:00" in page.select_one("#looked-at").get_text()
    again = {field["name"]: field.get("value", "") for field in page.find("form", action=HOURS).select("input")}
    assert administrator.post(HOURS, data=again | {"save": "1"}).status_code == 302


def test_hours_whose_day_has_not_come_are_taken_back(administrator):
    fill_in(administrator, HOURS, press="save", **MONDAYS, since="2026-11-23")
    assert fill_in(administrator, HOURS, f"{HOURS}/take-back").status_code == 302
    assert "From Monday 23 November 2026" not in main_text(administrator.get(HOURS))
    assert acts(administrator)[0] == "Took back the opening hours from 2026-11-23 on"


@pytest.fixture
def add_days(administrator: FlaskClient) -> Callable[..., object]:
    def add(**values: str) -> object:
        return fill_in(administrator, HOURS, f"{HOURS}/exceptions", **values)

    return add


def test_days_with_other_hours_are_added_and_taken_away(administrator, client, add_days):
    assert add_days(first="2026-11-24", note="Kursdag").status_code == 302
    times = {"other_staffed_from": "12:00", "other_staffed_to": "15:00"}
    assert add_days(first="2026-11-25", last="2026-11-26", what="other", **times).status_code == 302
    text = main_text(client.get(PUBLIC))
    assert "Tuesday 24 November Kursdag Closed" in text
    assert "Wednesday 25 November With staff 12:00–15:00" in text
    assert acts(administrator)[:2] == [
        "Added other opening hours: 2026-11-25 – 2026-11-26",
        "Added other opening hours: 2026-11-24 Kursdag",
    ]
    overlapping = add_days(first="2026-11-26")
    assert overlapping.status_code == 422
    assert "entered for one of these days already" in main_text(overlapping)
    without = add_days(first="2026-12-01", what="other")
    assert "Fill in from when until when" in main_text(without)
    assert "in their order" in main_text(add_days(first="2026-12-02", last="2026-12-01"))
    form = next(
        form
        for form in read_page(administrator.get(HOURS)).find_all("form", action=f"{HOURS}/take-back")
        if form.find_parent("li") and "Kursdag" in form.find_parent("li").get_text()
    )
    administrator.post(f"{HOURS}/take-back", data={field["name"]: field["value"] for field in form.select("input")})
    assert "Kursdag" not in main_text(client.get(PUBLIC))


@pytest.mark.parametrize("path", [FACE, BRANCH, HOURS])
def test_other_staff_have_no_such_page(desk, path):
    assert desk.get(path).status_code in (403, 404)


def test_an_administrator_changes_nothing_of_another_library(administrator, client):
    page = read_page(administrator.get(FACE))
    token = page.select_one("[name=csrf_token]")["value"]
    before = main_text(client.get("/libraries/Mull"))
    for number in range(1, 4):
        administrator.post(f"{BRANCH}/remove", data={"csrf_token": token, "id": str(number), "library_id": "Mull"})
    assert main_text(client.get("/libraries/Mull")) == before


KLOFTA = "Kløfta bibliotek"


@pytest.fixture
def klofta(administrator: FlaskClient) -> str:
    """The page of the hours of the demonstration's branch."""
    links = read_page(administrator.get(HOURS)).select("nav a[href*='branch=']")
    return next(link["href"] for link in links if link.get_text() == KLOFTA)


def branch_text(client) -> str:
    branches = read_page(client.get(PUBLIC)).select_one("#branches").find_parent("section")
    return branches.get_text(" ", strip=True)


def test_a_branchs_hours_are_its_own(administrator, client, klofta):
    before = main_text(administrator.get(HOURS))
    assert "Due dates and the door follow these hours, not those of the branches." in before
    page = main_text(administrator.get(klofta))
    assert "Opening hours: Kløfta bibliotek" in page
    assert "follow the hours of Ullensaker" in page
    looked = fill_in(administrator, klofta, press="look", **MONDAYS, since="2026-11-23")
    assert "Nothing falls due" not in main_text(looked)
    saved = fill_in(administrator, klofta, press="save", **MONDAYS, since="2026-11-23")
    assert saved.location == klofta
    assert "Closed now. Opens tomorrow at 10:00 (staffed)." in branch_text(client)
    assert acts(administrator)[0] == "Changed the opening hours of the branch Kløfta bibliotek: 2026-11-23"
    closed = fill_in(administrator, klofta, klofta.replace("?", "/exceptions?"), first="2026-11-23", note="Kurs")
    assert closed.location == klofta
    assert "Kurs" in branch_text(client)
    administrator.get(HOURS)  # where what is said is said once
    assert main_text(administrator.get(HOURS)) == before
    assert fill_in(administrator, klofta, f"{HOURS}/take-back").location == klofta
    assert "Closed now. Opens Tuesday at 12:00 (staffed)." in branch_text(client)


def test_a_branch_gets_the_librarys_hours_by_one_press(administrator, client, klofta):
    stale = {
        field["name"]: field["value"]
        for field in read_page(administrator.get(klofta)).find("form", action=f"{HOURS}/copy").select("input")
    }
    assert fill_in(administrator, klofta, f"{HOURS}/copy").location == klofta
    own = read_page(client.get(PUBLIC)).select("#hours ~ table tbody tr")
    copied = read_page(client.get(PUBLIC)).select(".branch-days table")[0].select("tbody tr")
    assert [row.get_text(" ", strip=True) for row in copied] == [row.get_text(" ", strip=True) for row in own[:7]]
    assert "Christmas" in branch_text(client) or "Jul" in branch_text(client)
    administrator.post(f"{HOURS}/copy", data=stale)
    assert "Somebody else has changed these hours meanwhile." in administrator.get(klofta).text


def test_a_branchs_hours_can_be_taken_away(administrator, client, klofta):
    fill_in(administrator, klofta, press="save", **MONDAYS, since="2026-11-23")
    assert fill_in(administrator, klofta, f"{HOURS}/remove").location == klofta
    page = main_text(administrator.get(klofta))
    assert "The branch has no opening hours of its own any more." in page
    assert "Take away all hours of this branch" not in page
    assert "staffed" not in branch_text(client)
    assert acts(administrator)[0] == "Took away the opening hours of the branch Kløfta bibliotek"


def test_a_new_branch_is_asked_for_its_hours(administrator, client):
    added = fill_in(administrator, BRANCH, name="Bokbussen")
    page = main_text(administrator.get(added.location))
    assert "Saved. Fill in when the branch is open" in page
    assert "Opening hours: Bokbussen" in page
    assert "has not entered its opening hours" in branch_text(client)


@pytest.mark.parametrize("branch", ["999999", "0", "x", "-1", "9" * 30, "²"])
def test_hours_of_no_branch_are_refused(administrator, branch):
    answer = administrator.get(HOURS, query_string={"branch": branch})
    assert answer.location == FACE
    token = read_page(administrator.get(FACE)).select_one("[name=csrf_token]")["value"]
    for path in ("copy", "remove", "exceptions", "take-back"):
        answer = administrator.post(
            f"{HOURS}/{path}", data={"csrf_token": token, "branch": branch, "first": "2027-01-01"}
        )
        assert answer.location == FACE, path


def test_a_holiday_is_added_at_the_branches_as_well(administrator, client, klofta):
    fill_in(administrator, klofta, klofta.replace("?", "/exceptions?"), first="2026-11-26", note="Kurs")
    for first, note in (("2026-11-24", "Jubileum"), ("2026-11-26", "Vedlikehold")):
        added = fill_in(administrator, HOURS, f"{HOURS}/exceptions", first=first, note=note, everywhere="y")
        assert added.location == HOURS
    assert "These branches keep the other hours that they have: Kløfta bibliotek." in main_text(
        administrator.get(HOURS)
    )
    branch = branch_text(client)
    assert "Jubileum" in branch
    assert "Kurs" in branch
    assert "Vedlikehold" not in branch
    assert "Vedlikehold" in main_text(client.get(PUBLIC))
    assert "At the branches as well" not in main_text(administrator.get(klofta))
