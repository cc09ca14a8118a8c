"""A key that is agreed upon at the very moment when what it hangs on ends: none slips through."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import pytest

from app.register.card import phone_keys
from app.register.card.cards import revoke_device
from app.register.card.phone_keys import NoSuchCard, end_phone_keys
from app.register.sign_in.sessions import end_session
from app.register.store.transaction import db
from app.register.tables.devices import Credential
from tests.conftest import START
from tests.register.people import CHILD, patron_id, reading
from tests.register.test_phone_keys import (  # noqa: F401
    carrying_phone,
    end_by_freezing,
    end_by_the_child,
    end_by_the_guardian,
    end_by_withdrawing,
    enrolled_phone,
    standing_permission,
)


def end_by_logging_out(carrying):
    end_session(session_id=carrying.session_id)
    end_phone_keys(device_id=carrying.device_id, now=START)


def end_by_reporting_the_phone_lost(carrying):
    revoke_device(patron_id=carrying.owner, device_id=carrying.device_id, now=START)


ENDINGS_OF_A_PERMISSION = [end_by_withdrawing, end_by_the_child, end_by_the_guardian, end_by_freezing]
ENDINGS_OF_A_PHONE = [end_by_logging_out, end_by_reporting_the_phone_lost]


def live_keys(permission=None):
    """Count the keys that still open something: the child's for a permission, or all."""
    live = [Credential.key_on_phone.is_(True), Credential.revoked_at.is_(None)]
    if permission is not None:
        live.append(Credential.patron_id == patron_id(CHILD))
    with reading() as connection:
        return connection.execute(db.select(db.func.count()).select_from(Credential).where(*live)).scalar_one()


@pytest.fixture
def race(make_app, monkeypatch, clock):
    """Let a phone agree on a key while `end` ends what it hangs on: the one stands just before its last write then."""
    agreeing, ending = make_app(), make_app()

    def run(phone, end, permission, agrees_first):
        stands, goes_on = Event(), Event()
        add_credential = phone_keys.add_credential

        def wait_and_add(**given):
            stands.set()
            # On PostgreSQL the other side now waits for this transaction, on SQLite for its turn to write.
            goes_on.wait(timeout=0.5)
            return add_credential(**given)

        def agree():
            with agreeing.app_context(), suppress(NoSuchCard):
                try:
                    phone.agrees(now=clock(), permission=permission)
                finally:
                    db.session.remove()
                    stands.set()

        def finish():
            if agrees_first:
                stands.wait(timeout=300)
            with ending.app_context():
                try:
                    end()
                    db.session.commit()
                finally:
                    db.session.remove()
                    goes_on.set()

        monkeypatch.setattr(phone_keys, "add_credential", wait_and_add)
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(agree), pool.submit(finish)]:
                done.result(timeout=300)

    return run


@pytest.mark.parametrize("agrees_first", [True, False])
@pytest.mark.parametrize("end", ENDINGS_OF_A_PERMISSION)
def test_no_key_slips_through_while_either_side_ends_it(phone, permission, clock, race, end, agrees_first):
    race(phone, lambda: end(permission, clock()), permission, agrees_first)
    assert live_keys(permission) == 0


@pytest.mark.parametrize("agrees_first", [True, False])
@pytest.mark.parametrize("childs", [True, False])
@pytest.mark.parametrize("end", ENDINGS_OF_A_PHONE)
def test_no_key_slips_through_while_the_phone_is_signed_out_or_lost(
    carrying, permission, race, end, agrees_first, childs
):
    race(carrying, lambda: end(carrying), permission if childs else None, agrees_first)
    assert live_keys() == 0
