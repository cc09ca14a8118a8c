"""Messages to patrons, on their way: the register says what is due, its words are made, and the post takes it."""

import structlog
from flask import current_app
from flask_babel import force_locale

from app.messages.channels import Letter, NotSent, Post
from app.messages.compose import Words, compose
from app.register.outbox import LETTER, Due, leave_to_desk, mark_failed, mark_sent, take_due_message
from app.web.clock import now

_log = structlog.get_logger()


def send_one() -> bool:
    """Send one message, if any is due. Returns whether there was anything to do.

    It is sent at least once: where the process dies between the sending and the note of it, it is sent again.
    """
    post: Post = current_app.extensions["post"]
    due = take_due_message(channels=post.channels, now=now())
    if due is None:
        return False
    try:
        # In the demonstration letters are shown beside the rest; the desk prints them all the same.
        if due.channel != LETTER or LETTER in post.channels:
            words = write(due)
            post.send(Letter(due.channel, to=due.to, subject=words.subject, body=words.body, at=now()))
    except NotSent as error:
        _log.warning("message not sent", message_id=due.id, channel=due.channel, why=str(error))
        mark_failed(message_id=due.id, now=now())
    else:
        if due.channel == LETTER:
            leave_to_desk(message_id=due.id)
        else:
            mark_sent(message_id=due.id, now=now())
    return True


def write(due: Due) -> Words:
    """Return the words of a message in the patron's language."""
    with force_locale(due.language):
        return compose(kind=due.kind, name=due.name, channel=due.channel, about=due.about, day=due.erase_on)
