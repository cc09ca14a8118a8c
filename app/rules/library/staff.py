"""What those who work at a library may do, and the acts of its administrators, each declared once with its words."""

import re
from enum import StrEnum
from typing import Final

from app.rules.people.fields import N_


class StaffRole(StrEnum):
    """What somebody who works at a library may do. An administrator may do at the desk what all may do there."""

    DESK = "desk"
    ADMINISTRATOR = "administrator"


LONGEST_NAME: Final = 120
LONGEST_SUBJECT: Final = 200

# The user names that a library's circulation takes.
_USERNAME = re.compile(r"[A-Za-z0-9._@-]{1,60}")


def is_username(text: str) -> bool:
    """Tell whether somebody who works at a library may have this user name."""
    return _USERNAME.fullmatch(text) is not None


def is_staff_name(text: str) -> bool:
    """Tell whether a text can be the name of somebody who works at a library, on one line."""
    return 1 <= len(text) <= LONGEST_NAME and text.isprintable()


ACTS: Final[dict[str, str]] = {}
"""What the page *What was done* says of each kind of act: an English text of the catalogs, with `%(subject)s`."""


def _declare(kind: str, says: str) -> str:
    ACTS[kind] = says
    return kind


STAFF_EMPLOYED: Final = _declare("staff-employed", N_("Let %(subject)s work at the desk"))
ADMINISTRATOR_EMPLOYED: Final = _declare("administrator-employed", N_("Made %(subject)s an administrator"))
STAFF_CODE_RESET: Final = _declare("staff-code-reset", N_("Gave %(subject)s a new key for one-time codes"))
RULES_DRAFTED: Final = _declare("rules-drafted", N_("Saved the draft of the loan rules (change %(subject)s)"))
RULES_DISCARDED: Final = _declare("rules-discarded", N_("Deleted the draft of the loan rules (change %(subject)s)"))
RULES_PUBLISHED: Final = _declare("rules-published", N_("Published loan rules that hold from %(subject)s"))
RULES_WITHDRAWN: Final = _declare("rules-withdrawn", N_("Took back the loan rules for %(subject)s"))
STAFF_DISMISSED: Final = _declare("staff-dismissed", N_("Ended the access of %(subject)s"))
ADMINISTRATOR_INVITED: Final = _declare("administrator-invited", N_("Invited %(subject)s as an administrator"))
STAFF_INVITED: Final = _declare("staff-invited", N_("Invited %(subject)s to work at the desk"))
STAFF_TO_DESK: Final = _declare("staff-to-desk", N_("Made %(subject)s one of the desk, no administrator any more"))
STAFF_TO_ADMINISTRATOR: Final = _declare("staff-to-administrator", N_("Made %(subject)s an administrator"))
STAFF_SUSPENDED: Final = _declare("staff-suspended", N_("Suspended %(subject)s"))
STAFF_REINSTATED: Final = _declare("staff-reinstated", N_("Let %(subject)s in again"))
STAFF_LINK_SENT: Final = _declare("staff-link-sent", N_("Sent %(subject)s a link to set up the sign-in"))
STAFF_PASSWORD_CHANGED: Final = _declare("staff-password-changed", N_("Changed the password of %(subject)s"))
STAFF_SET_UP: Final = _declare("staff-set-up", N_("Set up the sign-in of %(subject)s by the link"))
PASSKEY_ADDED: Final = _declare("passkey-added", N_("Added a passkey of %(subject)s"))
PASSKEY_REMOVED: Final = _declare("passkey-removed", N_("Removed a passkey of %(subject)s"))
STAFF_EMAIL_CHANGED: Final = _declare("staff-email-changed", N_("Changed the e-mail address of %(subject)s"))
MACHINE_CONNECTED: Final = _declare("machine-connected", N_("Connected the machine %(subject)s"))
MACHINE_ROTATED: Final = _declare("machine-rotated", N_("Gave the machine %(subject)s a new password"))
MACHINE_DISCONNECTED: Final = _declare("machine-disconnected", N_("Disconnected the machine %(subject)s"))
WEBHOOK_SET: Final = _declare("webhook-set", N_("Let notices be sent to %(subject)s"))
WEBHOOK_STOPPED: Final = _declare("webhook-stopped", N_("Stopped the notices to the system of %(subject)s"))
FACE_CHANGED: Final = _declare("face-changed", N_("Changed what the public reads: %(subject)s"))
BRANCH_ADDED: Final = _declare("branch-added", N_("Added the branch %(subject)s"))
BRANCH_CHANGED: Final = _declare("branch-changed", N_("Changed the branch %(subject)s"))
BRANCH_REMOVED: Final = _declare("branch-removed", N_("Took away the branch %(subject)s"))
HOURS_SET: Final = _declare("hours-set", N_("Set the opening hours from %(subject)s on"))
HOURS_WITHDRAWN: Final = _declare("hours-withdrawn", N_("Took back the opening hours from %(subject)s on"))
EXCEPTION_ADDED: Final = _declare("exception-added", N_("Added other opening hours: %(subject)s"))
EXCEPTION_REMOVED: Final = _declare("exception-removed", N_("Took away other opening hours: %(subject)s"))
BRANCH_HOURS_SET: Final = _declare("branch-hours-set", N_("Changed the opening hours of the branch %(subject)s"))
BRANCH_HOURS_REMOVED: Final = _declare(
    "branch-hours-removed", N_("Took away the opening hours of the branch %(subject)s")
)
PATRONS_IMPORTED: Final = _declare("patrons-imported", N_("Moved patrons in from a file (import %(subject)s)"))
PATRONS_IMPORT_STOPPED: Final = _declare("patrons-import-stopped", N_("Stopped import %(subject)s"))
PATRONS_IMPORT_DELETED: Final = _declare("patrons-import-deleted", N_("Deleted the file of import %(subject)s"))
LIBRARY_EXPORTED: Final = _declare("library-exported", N_("Took a copy of everything of the library's: %(subject)s"))
SETTING_CHANGED: Final = _declare("setting-changed", N_("Set %(subject)s"))
