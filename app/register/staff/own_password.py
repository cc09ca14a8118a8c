"""The password of somebody who works at a library, changed by its owner alone."""

from datetime import datetime

from sqlalchemy import select, update

from app.register.keys.vault import hash_password, verify_password
from app.register.limits.budgets import give_back_tries, take_tries
from app.register.staff.acts import note_own_act
from app.register.staff.staff import MAY_SIGN_IN, StaffSignInRefused, end_staff_sessions, tries_of
from app.register.store.transaction import autonomous, execute_bulk, writing
from app.register.tables.library import Library, Staff
from app.rules.library.staff import STAFF_PASSWORD_CHANGED
from app.rules.pins.password import check_password


def change_own_password(
    *, staff_id: int, current: str, new: str, session_id: int, address: str, browser: str | None, now: datetime
) -> None:
    """Set a new password, note that it was done, and end all sessions of its owner but this one.

    A try of those for signing in is taken before anything is checked. Commits. Raises StaffSignInRefused where the
    current password is wrong, PasswordNotGood or TooManyAttempts.
    """
    whose = select(Staff.username, Staff.name, Staff.library_id, Library.name.label("library"), Staff.password_verifier)
    with autonomous() as connection:
        row = connection.execute(whose.join(Library).where(Staff.id == staff_id)).one()
    tries = tries_of(row.username, library_id=row.library_id, browser=browser, address=address)
    take_tries(tries=tries, now=now)
    if not verify_password(current, row.password_verifier):
        raise StaffSignInRefused
    give_back_tries(tries=tries)
    check_password(new, about=(row.username, row.name, row.library))
    verifier = hash_password(new)
    with writing():
        # It may have been changed, or its owner suspended, since it was read.
        same = (Staff.id == staff_id) & (Staff.password_verifier == row.password_verifier) & MAY_SIGN_IN
        if not execute_bulk(update(Staff).where(same).values(password_verifier=verifier)):
            raise StaffSignInRefused
        end_staff_sessions(staff_id=staff_id, but=session_id)
        note_own_act(staff_id=staff_id, kind=STAFF_PASSWORD_CHANGED, now=now)
