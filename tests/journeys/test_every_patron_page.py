"""Every page that a patron can come to, for everyone: on each screen, in each mode, language and size of letters."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from playwright.sync_api import Page, expect

from app.web.access import Audience
from tests.journeys.conftest import Opener
from tests.journeys.looking import LANGUAGES, faults_of_large_letters, look, look_without_script
from tests.journeys.patron_pages import WALKS, Walker, list_addresses, list_patron_pages
from tests.journeys.server import RunningPortal, running_portal

Faults = dict[str, list[str]]


def look_in_other_languages(page: Page, address: str) -> list[str]:
    """Say what is wrong with a page in other languages than bokmål, where words have other lengths."""
    faults = []
    for language in LANGUAGES[1:]:
        go_in(language, page, address)
        faults += [f"{language}: {fault}" for fault in faults_of_large_letters(page)]
    return faults


def go_in(language: str, page: Page, address: str) -> None:
    page.goto(f"{address}{'&' if '?' in address else '?'}lang={language}")


def shorten(faults: Faults) -> Faults:
    return {where: told for where, told in faults.items() if told}


Open = Callable[..., Page]


@pytest.fixture(params=[Audience.ANYONE, Audience.PATRON])
def addresses(request: pytest.FixtureRequest, app: APIFlask) -> list[str]:
    return list_addresses(app, request.param)


@pytest.fixture
def open_for_all(open_page: Opener, patron_cookies: Path, addresses: list[str]) -> Open:
    """Open a window that is signed in where the pages are behind the door."""
    cookies = None if "/login" in addresses else patron_cookies
    return lambda **options: open_page(storage_state=cookies, **options)


@pytest.mark.timeout(3600)
def test_every_page_that_opens_by_its_address(open_for_all: Open, addresses: list[str]) -> None:
    page, faults = open_for_all(), {}
    for address in addresses:
        page.goto(address)
        expect(page).to_have_url(address)
        faults[address] = look(page)
    assert shorten(faults) == {}


def test_every_page_in_every_language(open_for_all: Open, addresses: list[str]) -> None:
    page, faults = open_for_all(), {}
    for address in addresses:
        faults[address] = look_in_other_languages(page, address)
    go_in(LANGUAGES[0], page, "/")
    assert shorten(faults) == {}


def test_every_page_without_a_script(open_for_all: Open, addresses: list[str]) -> None:
    page = open_for_all()
    assert shorten(look_without_script(page, addresses)) == {}


@pytest.fixture(scope="module")
def with_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    """A portal with a sign-in service, which asks for a code on a new device."""
    with running_portal(tmp_path_factory.mktemp("walks"), eid=True, code=True) as running:
        yield running


@pytest.mark.timeout(3600)
def test_every_page_on_a_way(open_page: Opener, with_service: RunningPortal) -> None:
    faults: Faults = {}
    seen: set[str] = set()

    def look_at(page: Page, rule: str = "") -> None:
        told = look(page)
        if rule:
            address = page.url.split("#")[0]
            told += look_in_other_languages(page, address)
            go_in(LANGUAGES[0], page, address)
        faults.setdefault(f"{rule} {page.url.removeprefix(with_service.url)}", []).extend(told)
        seen.add(rule)

    walker = Walker(with_service, lambda: open_page(base_url=with_service.url), look_at)
    for walk in WALKS:
        walk.go(walker)
    assert seen - {""} == {rule for walk in WALKS for rule in walk.rules}
    assert shorten(faults) == {}


def test_every_way_leads_to_pages_that_there_are(app: APIFlask) -> None:
    assert {rule for walk in WALKS for rule in walk.rules} - {"/login/code-first"} <= set(list_patron_pages(app))
