"""Every page that somebody with a card, or who wants one, can come to, as the running app's url map tells.

Most open by their address. The others are on a way, which is walked here. A page that is new is looked at without
being named anywhere; one that does not open by its address alone needs a way.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.register.change.corrections import Correction, correct_patron
from app.register.leaving.erasure import erase_patron
from app.register.limits.budgets import take_tries
from app.register.messages.contact_changes import undo_token
from app.register.sign_in.one_time import LINK_LASTS, draw_link
from app.register.store.transaction import db, writing
from app.register.tables.messages import ContactChange
from app.register.tables.patrons import Patron
from app.rules.people.contact import Contact
from app.rules.pins.pin import ALL, STRICT_ALL
from app.web.access import Audience, audience_of
from tests.doors.visits import AT_MULLSJO_ONLY, GUARDIAN
from tests.journeys.server import RunningPortal
from tests.journeys.test_online_card import agree, fill_in, go_on, sign_in_as

# Of the desk, of other programs, and of operators.
_DOORS_OF_OTHERS = ("desk", "api", "v1", "health")
_LEADS_ON = {"/.well-known/change-password", "/sign-in/<purpose>", "/static/<filename>", "/time"}
_EXAMPLES = {"<library_id>": "Mull"}


def list_patron_pages(app: Flask, *audiences: Audience) -> list[str]:
    """Return the rule of every page for an audience, as the url map has it without converters."""
    rules = {
        re.sub(r"<\w+:", "<", rule.rule)
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and audience_of(app, rule.endpoint) in (audiences or (Audience.ANYONE, Audience.PATRON))
        and rule.endpoint.split(".")[0] not in _DOORS_OF_OTHERS
    }
    # What has an ending is a file.
    return sorted(rule for rule in rules - _LEADS_ON if "." not in rule.rpartition("/")[2])


def list_addresses(app: Flask, audience: Audience) -> list[str]:
    """Return the address of each page for an audience that opens by it; for anyone, of one that there is not, too."""
    on_a_way = {rule for walk in WALKS for rule in walk.rules}
    rules = [rule for rule in list_patron_pages(app, audience) if rule not in on_a_way]
    for name, example in _EXAMPLES.items():
        rules = [rule.replace(name, example) for rule in rules]
    return rules + ["/nowhere"] * (audience is Audience.ANYONE)


@dataclass(frozen=True)
class Walker:
    """Somebody who goes on ways, in new windows, through a portal that has a sign-in service and asks for codes.

    `look` looks at a page as it stands. Given a rule, it looks at it in every language as well.
    """

    portal: RunningPortal
    open_window: Callable[[], Page]
    look: Callable[..., None]

    def newest_code(self) -> str:
        """Let the worker send what is due, and read the code in the newest message."""
        self.portal.work()
        inbox = self.open_window()
        inbox.goto("/demo/inbox")
        code = re.compile(r"\b\d{6}\b")
        found = code.search(inbox.get_by_role("listitem").filter(has_text=code).first.inner_text())
        inbox.context.close()
        assert found is not None
        return found[0]

    def types_pin(self, card_number: str, pin: str) -> Page:
        page = self.open_window()
        page.goto("/login")
        page.get_by_label("Lånekortnummer").fill(card_number)
        page.get_by_label("PIN-kode").fill(pin)
        page.get_by_role("button", name="Logg inn", exact=True).click()
        return page


def to_the_code_and_the_pin(walker: Walker) -> None:
    """A refused sign-in, the code on a new device, a form that is not filled in rightly, and the PIN asked for anew."""
    refused = walker.types_pin(GUARDIAN[0], "0000")
    expect(refused.get_by_role("alert")).to_be_focused()
    walker.look(refused)
    page = walker.types_pin(*GUARDIAN)
    expect(page).to_have_url(re.compile("/login/code$"))
    walker.look(page, "/login/code")
    page.get_by_label("Kode", exact=True).fill(walker.newest_code())
    page.get_by_role("button", name="Logg inn").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Min side")
    page.goto("/my/data/edit")
    page.get_by_label("E-post", exact=True).fill("nobody")
    page.get_by_role("button", name="Lagre").click()
    expect(page.get_by_role("alert")).to_be_focused()
    walker.look(page)
    walker.portal.clock.turn(seconds=660)
    page.goto("/my/data/edit")
    expect(page).to_have_url(re.compile("/my/confirm"))
    walker.look(page, "/my/confirm")


def through_the_sign_in_service(walker: Walker) -> None:
    """To a card for oneself at fourteen and for one's child, and a sign-in that ends without one."""
    page = walker.open_window()
    page.goto("/login")
    page.get_by_role("link", name="Logg inn med ID-porten").click()
    page.get_by_role("button", name="Avbryt").click()
    expect(page.get_by_role("main")).to_contain_text("Innloggingen med ID-porten ble avbrutt")
    walker.look(page, "/sign-in/return")
    page = walker.open_window()
    page.goto("/login")
    page.get_by_role("link", name="Logg inn med ID-porten").click()
    page.get_by_role("button", name="Sara Dahl").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Du har ikke lånekort ennå")
    walker.look(page)
    page = walker.open_window()
    page.goto("/register")
    page.get_by_role("link", name="Gå videre med ID-porten").click()
    sign_in_as(page, "Mina Berg")
    steps: set[str] = set()

    def look_once(step: Page) -> None:
        # A step that is looked at twice is another page the second time.
        walker.look(step, *(() if step.url in steps else ("/register/<step>",)))
        steps.add(step.url)

    fill_in(page, walker.newest_code, email="mina@example.org", look=look_once)
    look_once(page)
    page.get_by_role("link", name="Den foresatte logger inn med ID-porten").click()
    sign_in_as(page, "Ingrid Solvang")
    look_once(page)
    page = walker.open_window()
    page.goto("/register")
    page.get_by_role("link", name="Kort til barnet mitt").click()
    sign_in_as(page, "Lars Dahl")
    look_once(page)
    page.get_by_label("Barnets fulle navn").fill("Emil Dahl")
    page.get_by_label("Barnets fødselsdato").fill("2017-06-03")
    page.get_by_label("Barnets fødselsnummer").fill("03861770027")
    page.get_by_label("Jeg er barnets foresatte").check()
    go_on(page)
    fill_in(page, walker.newest_code, email="lars@example.org")
    agree(page)
    go_on(page, "Lag kortet til barnet")
    expect(page).to_have_url(re.compile("/register/child-card$"))
    walker.look(page, "/register/child-card")


def by_what_was_sent(walker: Walker) -> None:
    """By the links in messages, and by the code of a receipt."""
    now = walker.portal.clock()
    with walker.portal.inside(), writing():
        patron_id = _find(GUARDIAN[0])
        token = draw_link(patron_id=patron_id, lasting=LINK_LASTS, now=now)
        new = Correction(contact=Contact(email="new@example.org", preferred_contact="email"))
        correct_patron(patron_id=patron_id, changes=new, library_id="2023500", now=now)
        undo = undo_token(db.session.scalars(select(ContactChange.id)).first(), by_letter=False)
        receipt = erase_patron(patron_id=_find(AT_MULLSJO_ONLY[0]), reason="asked", now=now)
    addresses = (("/new-pin/<token>", token), ("/undo/<token>", undo), ("/receipt/<code>", receipt))
    for rule, word in addresses:
        page = walker.open_window()
        page.goto(re.sub("<.*>", word, rule))
        expect(page.get_by_role("alert")).to_have_count(0)
        walker.look(page, rule)


def past_the_countrys_wrong_pins(walker: Walker) -> None:
    """To the code that comes before the PIN, on a day on which many have guessed."""
    # On the next day, so that what was wrong before counts no more.
    walker.portal.clock.turn(seconds=86_400)
    with walker.portal.inside():
        for budget in (ALL, STRICT_ALL):
            take_tries(tries=[(budget, "")] * budget.limit, now=walker.portal.clock())
    page = walker.types_pin(*GUARDIAN)
    expect(page).to_have_url(re.compile("/login/code-first$"))
    walker.look(page, "/login/code-first")


def _find(card_number: str) -> int:
    return db.session.scalars(select(Patron.id).where(Patron.card_number == card_number)).one()


@dataclass(frozen=True)
class Walk:
    """A way, and the rules of the pages that one comes to on it."""

    go: Callable[[Walker], None]
    rules: tuple[str, ...]


WALKS = (
    Walk(through_the_sign_in_service, ("/register/<step>", "/register/child-card", "/sign-in/return")),
    Walk(by_what_was_sent, ("/new-pin/<token>", "/receipt/<code>", "/undo/<token>")),
    Walk(to_the_code_and_the_pin, ("/login/code", "/my/confirm")),
    Walk(past_the_countrys_wrong_pins, ("/login/code-first",)),
)
"""In this order: the sign-in service has the true clock, which a later way turns, and the last spoils the portal."""
