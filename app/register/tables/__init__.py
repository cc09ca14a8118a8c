"""Every table of the national register. A citizen can read here what is stored, and no more is.

The purpose, legal ground and retention of each column stand in docs/register-inventory.md, and a test holds the two
equal. There is no loan, hold, fee or block in here: a library keeps those, in a building of its own.
"""

# Whoever imports one table has all of them, so that foreign keys and `Base.metadata` are complete.
from app.register.tables import (  # noqa: F401
    devices,
    library,
    log,
    messages,
    moving,
    patrons,
    reminders,
    staff,
)
