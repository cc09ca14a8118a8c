"""Messages to patrons, on their way: the register says what is due, its words are made, and the post takes it."""

from datetime import datetime

import structlog
from flask import current_app
from flask_babel import force_locale

from app.messages.channels import Letter, NotSent, Post
from app.messages.compose import ContactChange, Words, compose
from app.register.messages.contact_changes import undo_token
from app.register.messages.message_queue import leave_to_desk, mark_failed, mark_sent, take_due_message
from app.register.messages.outbox import Due, can_be_reached_at_once, check_address
from app.register.online.registration_codes import DueCode, note_code_not_sent, note_code_sent, take_due_code
from app.register.patron.proven import EMAIL, LETTER
from app.register.sign_in.one_time import LETTER_LASTS, LINK_LASTS, draw_code, draw_link
from app.register.store.transaction import writing
from app.rules.messages import KINDS, LINKS, REGISTRATION_CODE
from app.web.clock import now
from app.web.gate import channels_served

_log = structlog.get_logger()


def send_one() -> bool:
    """Send the most urgent message, if any is due. Returns whether there was anything to do."""
    due = take_due_message(channels=channels_served(), now=now())
    if due is not None:
        deliver(due)
    return due is not None


def deliver(due: Due) -> None:
    """Send a message that was taken, and note what came of it.

    It is sent at least once: where the process dies between the sending and the note of it, it is sent again.
    """
    post: Post = current_app.extensions["post"]
    try:
        # In the demonstration letters are shown beside the rest; the desk prints them all the same.
        if due.channel != LETTER or LETTER in post.channels:
            # What the message opens must be good before it leaves.
            with writing():
                words = write(due, instant=now())
            post.send(Letter(due.channel, to=due.to, subject=words.subject, body=words.body, at=now()))
    except NotSent as error:
        _log.warning("message not sent", message_id=due.id, channel=due.channel, why=str(error))
        mark_failed(message_id=due.id, now=now())
    except Exception as error:
        # One message with which something is wrong must not hold up all others. The error's text may hold its words.
        _log.error("message not sent", message_id=due.id, channel=due.channel, why=type(error).__name__)
        mark_failed(message_id=due.id, now=now())
    else:
        if due.channel == LETTER:
            leave_to_desk(message_id=due.id)
        else:
            mark_sent(message_id=due.id, now=now())


def send_registration_code() -> bool:
    """Send one code to somebody who is getting a card, if any is due. Returns whether there was anything to do."""
    due = take_due_code(now=now())
    if due is not None:
        deliver_code(due)
    return due is not None


def deliver_code(due: DueCode) -> None:
    """Send a code that was drawn to somebody who is getting a card; one that does not leave is drawn anew."""
    post: Post = current_app.extensions["post"]
    try:
        with force_locale(due.language):
            words = compose(kind=REGISTRATION_CODE, name=due.name, channel=EMAIL, secret=due.code)
        post.send(Letter(EMAIL, to=due.to, subject=words.subject, body=words.body, at=now()))
    except NotSent as error:
        _log.warning("code not sent", registration_id=due.registration_id, why=str(error))
        note_code_not_sent(registration_id=due.registration_id, now=now())
    else:
        note_code_sent(registration_id=due.registration_id)


def write(due: Due, *, instant: datetime) -> Words:
    """Return the words of a message in the patron's language; a link or code in it is drawn, to be committed.

    Raises ReachedElsewhere or NoSuchPatron of what it would be drawn for; then nothing may leave.
    """
    secret = _draw(due, instant=instant)
    with force_locale(due.language):
        return compose(
            kind=due.kind,
            name=due.name,
            channel=due.channel,
            about=due.about,
            secret=secret,
            day=due.erase_on,
            change=ContactChange(due.change.fields, due.change.library, due.change.at) if due.change else None,
        )


def _draw(due: Due, *, instant: datetime) -> str:
    if due.kind in LINKS:
        lasting = LETTER_LASTS if due.channel == LETTER else LINK_LASTS
        token = draw_link(patron_id=due.patron_id, channel=due.channel, lasting=lasting, now=instant)
        secret = f"{current_app.config['PUBLIC_URL']}/new-pin/{token}"
    elif (declared := KINDS.get(due.kind)) is not None and declared.opens is not None:
        secret = draw_code(patron_id=due.patron_id, purpose=declared.opens.value, now=instant)
    elif due.change is not None and due.undoes:
        word = undo_token(due.change.id, by_letter=due.channel == LETTER)
        return f"{current_app.config['PUBLIC_URL']}/undo/{word}"
    else:
        return ""
    check_address(due)
    return secret


def can_send_code(*, patron_id: int) -> bool:
    """Tell whether a code would reach the patron at once: there is an address, and a machine that serves it."""
    return can_be_reached_at_once(patron_id=patron_id, channels=channels_served())
