"""A letter that waits to be printed at the desk."""

from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.register.messages.message_queue import leave_to_desk
from app.register.messages.outbox import ask_for_message
from app.register.store.transaction import db
from app.register.tables.messages import Message
from app.register.tables.patrons import Patron
from app.rules.messages import NEW_PIN
from tests.doors.visits import CHILD
from tests.journeys.server import RunningPortal


def leave_a_letter(portal: RunningPortal) -> None:
    """Leave a letter about a new PIN, to the child, at the desk of the child's library."""
    with portal.inside():
        patron_id = db.session.scalars(select(Patron.id).where(Patron.card_number == CHILD[0])).one()
        ask_for_message(patron_id=patron_id, kind=NEW_PIN, now=portal.clock())
        db.session.flush()
        newest = db.session.scalars(select(Message.id).order_by(Message.id.desc())).first()
        db.session.commit()
        assert newest is not None
        leave_to_desk(message_id=newest)


def open_a_letter(desk: Page) -> None:
    """Open the first letter at the desk."""
    desk.goto("/desk/post")
    desk.locator("#page").get_by_role("button", name="Skriv ut").first.click()
    expect(desk.locator(".sheet")).to_be_visible()
