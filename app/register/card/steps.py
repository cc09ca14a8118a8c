"""The scan's one conditional write: the step is taken, and its line stands in the access log, or neither."""

from functools import partial
from typing import Any

from app.register.store.driver import DriverConnection, Statement
from app.register.store.group_commit import group_commit

# Only if nothing has changed since the query. As a rule the step is higher than the last one; where a clock that was
# ahead accepted that, the insert into presented_steps finds a step that was used already.
_TAKE = """
    UPDATE credentials SET last_step = :step, drift = :drift
    WHERE id = :id AND last_step = :last_step AND revoked_at IS NULL
"""
_PRESENT = """
    INSERT INTO presented_steps
        (credential_id, step, patron_id, library_id, terminal, session, presented_at, expires_at)
"""
_LOG = "INSERT INTO access_log (at, patron_id, library_id, role, actor, purpose, fields, proof)"
_PRESENTED = ":id, :step, :patron_id, :library_id, :terminal, :session, :now, :expires_at"
_LOGGED = ":now, :patron_id, :library_id, :role, :actor, :purpose, :fields, :proof"
_TAKE_IN_ONE = Statement(f"""
    WITH taken AS ({_TAKE} RETURNING id),
         presented AS ({_PRESENT} SELECT {_PRESENTED} FROM taken ON CONFLICT (credential_id, step) DO NOTHING
                        RETURNING step)
    {_LOG} SELECT {_LOGGED} FROM presented
""")  # noqa: S608 - put together from the constants above
_TAKE_ALONE = Statement(_TAKE)
_PRESENT_ALONE = Statement(f"{_PRESENT} VALUES ({_PRESENTED}) ON CONFLICT (credential_id, step) DO NOTHING")
_LOG_ALONE = Statement(f"{_LOG} VALUES ({_LOGGED})")


def take_step(driver: DriverConnection, taken: dict[str, Any]) -> bool:
    """Mark the step as used if it is not yet. On PostgreSQL it is one statement, and so one round trip and commit."""
    if driver.is_postgresql:
        return bool(driver.send(_TAKE_IN_ONE, taken).rowcount == 1)
    return group_commit().write(partial(_take_in_turn, taken=taken), driver)


def _take_in_turn(driver: DriverConnection, *, taken: dict[str, Any]) -> bool:
    free = driver.send(_TAKE_ALONE, taken).rowcount == 1 and driver.send(_PRESENT_ALONE, taken).rowcount == 1
    if free:
        driver.send(_LOG_ALONE, taken)
    return bool(free)


def log_again(driver: DriverConnection, entry: dict[str, Any]) -> None:
    """Write the line in the access log of a scan whose step is taken."""
    driver.send(_LOG_ALONE, entry)
