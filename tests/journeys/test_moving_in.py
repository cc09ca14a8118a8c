"""A library moves its patrons in from another system's file, decides about namesakes, and takes everything out."""

import csv
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect
from sqlalchemy import select

from app.demo.accounts import ADMINISTRATORS
from app.register.moving.imports import BATCH
from app.register.store.transaction import db
from app.register.tables.messages import Message
from app.register.tables.patrons import Patron
from app.work.worker import import_patrons
from tests.journeys.conftest import COMPUTER, PHONE, Opener
from tests.journeys.people import desk_signs_in
from tests.journeys.server import RunningPortal, running_portal
from tests.journeys.test_accessibility import assert_fits, assert_sound

ROWS = BATCH + 12
BY_DAY = 40
HEADINGS = "Strekkode;Etternavn;Fornavn;Dag;E-post;Postnr/Sted;PIN-kode"
BAD = {7: "31.02.1980", 9: "05.05.80"}
"""By line: a day that is none, and a year of two digits."""


@pytest.fixture
def ullensaker(tmp_path: Path) -> Iterator[RunningPortal]:
    """A portal of this test's own: many move in."""
    folder = tmp_path / "portal"
    folder.mkdir()
    with running_portal(folder) as portal:
        yield portal


def old_list() -> FilePayload:
    days = (BAD.get(line, f"{line % 28 + 1:02d}.05.1980") for line in range(2, ROWS + 2))
    rows = [f"A{at:03d};Bjørk{at};Åse;{day};ase{at}@example.org;0155 Oslo;4719" for at, day in enumerate(days)]
    return as_file("\r\n".join([HEADINGS, *rows, ""]))


def as_file(text: str) -> FilePayload:
    return {"name": "patrons.csv", "mimeType": "text/csv", "buffer": text.encode("cp1252")}


def work_on(portal: RunningPortal, *, batches: int = 1000) -> None:
    """Let the worker do some batches, or all that there are."""
    with portal.inside():
        while batches and import_patrons():
            batches -= 1


def uploads(desk: Page, file: FilePayload) -> None:
    desk.goto("/desk/library")
    desk.get_by_role("link", name="Import", exact=True).click()
    desk.get_by_label("Fil med lånere").set_input_files(file)
    desk.get_by_role("button", name="Last opp").click()
    expect(desk.get_by_role("heading", name="Hva står i hver kolonne?")).to_be_visible()


def look(desk: Page) -> None:
    assert_sound(desk)
    assert_fits(desk)
    desk.set_viewport_size(COMPUTER)


def told(desk: Page, name: str) -> str:
    begins = re.compile(rf"^\s*{name}")
    return desk.locator("dl.facts > div", has_text=begins).locator("dd").inner_text().strip()


def test_a_library_moves_in_and_takes_everything_out(open_page: Opener, ullensaker: RunningPortal) -> None:
    desk = open_page(base_url=ullensaker.url, viewport=COMPUTER)
    desk_signs_in(desk, ullensaker.clock, ADMINISTRATORS[0])
    uploads(desk, old_list())

    # One column was not found out; that of PINs cannot be chosen.
    expect(desk.get_by_label("Postnr/Sted")).to_have_value("place")
    expect(desk.get_by_text("Tas aldri inn")).to_be_visible()
    expect(desk.locator("main")).not_to_contain_text("4719")
    desk.get_by_role("button", name="Kontroller filen").click()
    expect(desk.locator("main .ds-alert")).to_contain_text("Det trengs en kolonne for navnet og en for fødselsdatoen.")
    look(desk)
    desk.get_by_label("Dag", exact=True).select_option("Fødselsdato")
    desk.get_by_role("button", name="Kontroller filen").click()
    expect(desk.locator("main")).to_contain_text("Kontrolleres.")

    # The page goes on by itself. Each row is told by its line, and nothing is changed.
    work_on(ullensaker)
    expect(desk.locator("main")).to_contain_text("Kontrollert.")
    assert (told(desk, "Vil bli tatt inn"), told(desk, "Avvist")) == (str(ROWS - 2), "2")
    assert [row.inner_text().split("\t") for row in desk.locator("tbody tr").all()] == [
        ["7", "Fødselsdato er ikke gyldig"],
        ["9", "Fødselsdato: Årstallet må ha fire sifre"],
    ]
    assert newcomers(ullensaker) == []
    look(desk)

    desk.get_by_label("Meldinger per dag").fill(str(BY_DAY))
    desk.get_by_role("button", name="Ta inn lånerne").click()
    work_on(ullensaker, batches=1)
    expect(desk.locator("main")).to_contain_text(f"{BATCH} av {ROWS} rader.")
    assert (told(desk, "Tatt inn"), told(desk, "Vil bli tatt inn")) == (str(BATCH - 2), "12")

    # Closed and opened again, it is where it was; it can be stopped, and goes on.
    again = desk.context.new_page()
    desk.close()
    again.goto("/desk/library/import")
    again.get_by_role("link", name="Fortsett importen").click()
    again.get_by_role("button", name="Stans").click()
    expect(again.locator("main")).to_contain_text("Stanset.")
    work_on(ullensaker)
    assert len(newcomers(ullensaker)) == BATCH - 2
    again.get_by_role("button", name="Gå videre").click()
    expect(again.locator("main")).to_contain_text("Tas inn.")
    work_on(ullensaker)
    expect(again.locator("main")).to_contain_text("Ferdig.")
    assert (told(again, "Tatt inn"), told(again, "Meldinger, 40 per dag")) == (str(ROWS - 2), str(ROWS - 2))
    look(again)
    with again.expect_download() as report:
        again.get_by_role("link", name="Last ned rapporten").click()
    lines = list(csv.reader(report.value.path().read_text(encoding="utf-8-sig").splitlines()))
    assert [row[0] for row in lines[1:]] == [str(line) for line in range(2, ROWS + 2)]
    assert Counter(row[1] for row in lines[1:]) == {"Tatt inn": ROWS - 2, "Avvist": 2}
    with ullensaker.inside():
        due = db.session.scalars(select(Message.due_at).where(Message.kind == "moved-in")).all()
        assert Counter((at - min(due)).days for at in due) == {0: BY_DAY, 1: ROWS - 2 - BY_DAY}

    # Without a script, on a phone, by the keyboard: two namesakes, one the same person and one somebody else.
    phone = open_page(
        base_url=ullensaker.url, viewport=PHONE, java_script_enabled=False, storage_state=again.context.storage_state()
    )
    namesakes = ["Id;Navn;Født", "B1;Bjørk0, Åse;03.05.1980", "B2;Åse Bjørk1;04.05.1980", "A003;Åse Ny;06.05.1980"]
    uploads(phone, as_file("\n".join(namesakes)))
    phone.get_by_role("button", name="Kontroller filen").press("Enter")
    work_on(ullensaker)
    expect(phone.locator("main")).to_contain_text("Kontrollert.")
    phone.get_by_role("button", name="Ta inn lånerne").press("Enter")
    work_on(ullensaker)
    expect(phone.locator("main")).to_contain_text("Ferdig.")
    assert (told(phone, "Er her fra før"), told(phone, "Må avgjøres")) == ("1", "2")
    phone.get_by_role("link", name="Se på dem").press("Enter")
    expect(phone.get_by_role("heading", name="Linje 2 i filen")).to_be_visible()
    again.goto(phone.url)
    look(again)
    phone.get_by_role("button", name="Samme person").first.press("Enter")
    expect(phone.get_by_role("heading", name="Linje 2 i filen")).to_have_count(0)
    phone.get_by_role("button", name="En annen: lag et kort").press("Enter")
    expect(phone.locator("main")).to_contain_text("Det er ikke mer å avgjøre.")
    moved = Counter(newcomers(ullensaker))
    assert (moved["Åse Bjørk0"], moved["Åse Bjørk1"], moved["Åse Ny"], moved.total()) == (1, 2, 0, ROWS - 1)

    phone.goto("/desk/library")
    phone.get_by_role("link", name="Eksport", exact=True).click()
    with phone.expect_download() as everything:
        phone.get_by_role("button", name="Last ned alt").click()
    archive = zipfile.ZipFile(io.BytesIO(everything.value.path().read_bytes()))
    taken_out = [json.loads(line) for line in archive.read("patrons.jsonl").decode().splitlines()]
    numbers = {row["former_number"]: row["name"] for row in taken_out if row["former_number"]}
    assert numbers["A002"] == "Åse Bjørk2"
    assert moved.total() == sum(row["name"].startswith("Åse ") for row in taken_out)
    assert {"libraries.csv", "staff.csv", "machines.csv", "library_acts.csv", "patron_imports.csv"} <= set(
        archive.namelist()
    )
    assert not any("pin" in column for column in taken_out[0])


def newcomers(portal: RunningPortal) -> list[str]:
    """Return the names of all who came from the file."""
    with portal.inside():
        return list(db.session.scalars(select(Patron.name).where(Patron.name.startswith("Åse "))))
