"""The library sends its own outbox, by e-mail, SMS or a notification. It says how many and when, and never what.

Addresses are not here: the library asks the register for one at the moment of sending, and forgets it.
"""

from circulation.notices.post import Post as Post
from circulation.notices.sending import Sent as Sent
from circulation.notices.sending import send_notices as send_notices
