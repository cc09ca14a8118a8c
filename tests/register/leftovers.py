"""A patron with something in every table that may hold anything about one, and what is left of them."""

from datetime import datetime, timedelta

from sqlalchemy import insert, select

from app.register.card.families import PURPOSE, give_permission, switch
from app.register.card.scans import scan
from app.register.desk.visits import open_visit
from app.register.keys.vault import hash_of_random_token, vault
from app.register.leaving.own_data import OWN_TABLES, read_own_data
from app.register.library.kept_answers import KeptAnswer, keep_answer, take_key
from app.register.log.access_log import Viewer, log_access
from app.register.messages.contact_changes import store_change
from app.register.messages.outbox import ask_for_message
from app.register.messages.push import SEALED_ADDRESS_COLUMN as SEALED
from app.register.moving.taking import NUMBER_COLUMN as IMPORTED_NUMBER
from app.register.online.registrations import FORM_COLUMN
from app.register.patron.changes import RENUMBERED, note_change
from app.register.patron.proven import EMAIL
from app.register.sign_in.ceremonies import Created
from app.register.sign_in.one_time import draw_link
from app.register.sign_in.passkeys import add_passkey
from app.register.sign_in.pins import set_pin
from app.register.sign_in.sessions import OWN_DEVICE, start_session
from app.register.store.transaction import db
from app.register.tables.messages import PinOrder
from app.register.tables.moving import ImportedPatron
from app.register.tables.patrons import FamilyPermission, NationalIdToken, Patron, Registration
from app.register.tables.reminders import CalendarAddress, PushMessage, PushSubscription, ReminderChoice
from app.rules.messages import CONTACT_CHANGED, FAMILY_ADVICE_TO_GUARDIAN
from tests.register.people import CHILD, TEEN, code_on, make_phone, patron_id, terminal

SYSTEM = "2023500"
KEY = "enrol-1"
ASKED = '["POST", "/api/v1/patrons", {"name": "somebody"}]'


def fill_every_table(card_number: str, *, now: datetime) -> int:
    """Leave a row of this patron's in every table that knows of patrons. Returns the patron's id."""
    whose, child, teen = patron_id(card_number), patron_id(CHILD), patron_id(TEEN)
    phone = make_phone(card_number, now=now, token=f"phone of {card_number}").id
    scan(payload=code_on(phone, now=now), terminal=terminal(), now=now)
    open_visit(patron_id=whose, terminal=terminal(), now=now)
    start_session(lasting=OWN_DEVICE, now=now, patron_id=whose, device_id=phone)
    draw_link(patron_id=whose, lasting=timedelta(hours=1), now=now)
    set_pin(patron_id=whose, pin="4719", now=now)
    if db.session.scalar(select(NationalIdToken.token).where(NationalIdToken.patron_id == whose)) is None:
        token = vault.token(purpose="national id", text=f"of {card_number}")
        db.session.add(NationalIdToken(token=token, patron_id=whose, key_id=vault.key_id))
    ask_for_message(patron_id=whose, kind=CONTACT_CHANGED, channel=EMAIL, to="before@example.org", now=now)
    ask_for_message(patron_id=teen, kind=FAMILY_ADVICE_TO_GUARDIAN, about_patron_id=whose, now=now)
    store_change(patron_id=whose, former={"email": "before@example.org"}, fields=["email"], library_id=SYSTEM, now=now)
    give_permission(patron_id=whose, guardian_card_number="N000100006", now=now)
    give_permission(patron_id=child, guardian_card_number=card_number, now=now)
    db.session.flush()
    received = db.session.scalars(select(FamilyPermission.id).where(FamilyPermission.guardian_id == whose)).one()
    switch(guardian_id=whose, permission_id=received, on=True, now=now)
    # Entered when nobody had the number yet.
    db.session.execute(insert(FamilyPermission).values(patron_id=teen, guardian_card_number=card_number, given_at=now))
    db.session.add(
        PinOrder(sealed_number=vault.seal(card_number.encode(), column="pin_orders.sealed_number"), asked_at=now)
    )
    take_key(username=SYSTEM, key=KEY, asked=ASKED, now=now)
    keep_answer(KeptAnswer(201, {"ETag": "x"}, {"name": "somebody"}, whose), username=SYSTEM, key=KEY)
    patron = db.session.get_one(Patron, whose)
    note_change(patron=patron, kind=RENUMBERED, former_number="N000199999", now=now)
    made = Created(f"passkey of {card_number}", "key", sign_count=0, backed_up=True, transports="internal")
    add_passkey(patron_id=whose, handle=f"handle of {card_number}", created=made, label="phone", now=now)
    _choose_reminders(whose, phone, card_number, now=now)
    db.session.add(
        Registration(
            kind="own",
            own_token=vault.token(purpose="national id", text=f"of {card_number}"),
            key_id=vault.key_id,
            handle_hash=hash_of_random_token(f"browser of {card_number}"),
            sealed_form=vault.seal(b"{}", column=FORM_COLUMN),
            patron_id=whose,
            done_at=now,
            expires_at=now + timedelta(hours=24),
        )
    )
    db.session.add(
        ImportedPatron(
            token=vault.token(purpose="imported row", text=f"of {card_number}"),
            key_id=vault.key_id,
            library_id=SYSTEM,
            patron_id=whose,
            sealed_number=vault.seal(b"before-1001", column=IMPORTED_NUMBER),
            imported_at=now,
        )
    )
    db.session.commit()
    viewer = Viewer(role="guardian", actor=str(whose), library_id=None)
    log_access(patron_id=child, viewer=viewer, purpose=PURPOSE, fields="loans", now=now)
    own = read_own_data(patron_id=whose)
    db.session.rollback()
    assert set(own) == set(OWN_TABLES)
    assert all(own.values()), [table for table, rows in own.items() if not rows]
    return whose


def _choose_reminders(whose: int, phone: int, card_number: str, *, now: datetime) -> None:
    ways = {f"{kind}_by": "push" for kind in ("due", "ready", "overdue", "permission")}
    db.session.add(ReminderChoice(patron_id=whose, **ways, days_before=2, chosen_at=now))
    db.session.add(
        CalendarAddress(patron_id=whose, token_hash=hash_of_random_token(f"calendar of {card_number}"), made_at=now)
    )
    address = {
        "address_hash": hash_of_random_token(f"address of {card_number}"),
        "sealed_address": vault.seal(b"{}", column=SEALED),
    }
    subscription = PushSubscription(patron_id=whose, device_id=phone, **address, made_at=now)
    db.session.add(subscription)
    db.session.flush()
    db.session.add(PushMessage(subscription_id=subscription.id, body=b"sealed", asked_at=now, due_at=now))
