"""Messages to those who work at a library: links by which they set up their sign-in, with a queue of their own."""

from typing import Final

from app.rules.messages import MessageKind, Urgency
from app.rules.people.fields import N_

STAFF_INVITED: Final = "staff-invited"
STAFF_ANEW: Final = "staff-anew"
_CHOOSE: Final = N_(
    "Choose a password here within three days, and connect an app for one-time codes. The link works once:"
)

TO_STAFF: Final = {
    STAFF_INVITED: MessageKind(
        subject=N_("Set up your sign-in at the desk"),
        sentences=(
            N_(
                "An administrator of %(library)s has invited you to Lånekort, where staff serve patrons "
                "with library cards."
            ),
            _CHOOSE,
            "%(link)s",
            N_("Is it not for you? Then do nothing, and tell the library."),
        ),
        short=N_("Lånekort: set up your sign-in at the desk within three days: %(link)s"),
        urgency=Urgency.LINK,
    ),
    STAFF_ANEW: MessageKind(
        subject=N_("Set up your sign-in at the desk anew"),
        sentences=(
            N_(
                "An administrator of %(library)s has asked for a new sign-in for you. What you logged in with "
                "works no more."
            ),
            _CHOOSE,
            "%(link)s",
            N_("Did you not ask for it? Then tell the administrators of your library at once."),
        ),
        short=N_("Lånekort: set up your sign-in at the desk anew within three days: %(link)s"),
        urgency=Urgency.LINK,
    ),
}
"""Each kind, declared as those to patrons are."""
