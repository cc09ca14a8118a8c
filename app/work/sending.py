"""Sending messages to patrons: take what is due from the register, write its text, give it to the channel."""

from datetime import datetime

import structlog
from flask import current_app

from app.messages.channels import Letter, NotSent, Post
from app.messages.compose import ContactChange, Words, compose
from app.register.messages.contact_changes import undo_token
from app.register.messages.message_queue import leave_to_desk, mark_failed, mark_sent, take_due_message
from app.register.messages.outbox import Due, check_address
from app.register.online.registration_codes import DueCode, note_code_not_sent, note_code_sent, take_due_code
from app.register.patron.proven import EMAIL, LETTER
from app.register.sign_in.one_time import LETTER_LASTS, LINK_LASTS, draw_code, draw_link
from app.register.staff.links import DueLink, note_link_not_sent, note_link_sent, take_due_link
from app.register.store.transaction import writing
from app.rules.library.messages import STAFF_ANEW, STAFF_INVITED
from app.rules.messages import KINDS, LINKS, REGISTRATION_CODE
from app.rules.people.reminders import PERMISSION, PUSH
from app.web.clock import now
from app.web.pages.languages import speak
from app.work.pushing import push_to_patron, ways_served

_log = structlog.get_logger()


def send_one() -> bool:
    """Send the most urgent message, if any is due. Returns whether there was anything to do."""
    due = take_due_message(channels=ways_served(), now=now())
    if due is not None:
        deliver(due)
    return due is not None


def deliver(due: Due) -> None:
    """Send a message that was taken, and record the outcome.

    At-least-once: if the process dies between sending and recording, the message is sent again.
    """
    post: Post = current_app.extensions["post"]
    if due.channel == PUSH:
        with writing():
            push_to_patron(patron_id=due.patron_id, kind=PERMISSION, due_at=now(), instant=now())
        mark_sent(message_id=due.id, now=now())
        return
    try:
        # In the demonstration letters are shown beside the rest; the desk prints them all the same.
        if due.channel != LETTER or LETTER in post.channels:
            # Its link or code must be committed before the message is sent.
            with writing():
                words = write(due, instant=now())
            post.send(Letter(due.channel, to=due.to, subject=words.subject, body=words.body, at=now()))
    except NotSent as error:
        _log.warning("message not sent", message_id=due.id, channel=due.channel, why=str(error))
        mark_failed(message_id=due.id, now=now())
    except Exception as error:
        # One faulty message must not block the others. The error's text may hold the message's words.
        _log.error("message not sent", message_id=due.id, channel=due.channel, why=type(error).__name__)
        mark_failed(message_id=due.id, now=now())
    else:
        if due.channel == LETTER:
            leave_to_desk(message_id=due.id)
        else:
            mark_sent(message_id=due.id, now=now())


def send_registration_code() -> bool:
    """Send one code to somebody who is registering, if any is due. Returns whether there was anything to do."""
    due = take_due_code(now=now())
    if due is not None:
        deliver_code(due)
    return due is not None


def deliver_code(due: DueCode) -> None:
    """Send a code to somebody who is registering; if that fails, a new code is made later."""
    post: Post = current_app.extensions["post"]
    try:
        with speak(due.language):
            words = compose(kind=REGISTRATION_CODE, name=due.name, channel=EMAIL, secret=due.code)
        post.send(Letter(EMAIL, to=due.to, subject=words.subject, body=words.body, at=now()))
    except NotSent as error:
        _log.warning("code not sent", registration_id=due.registration_id, why=str(error))
        note_code_not_sent(registration_id=due.registration_id, now=now())
    else:
        note_code_sent(registration_id=due.registration_id)


def send_staff_link() -> bool:
    """Send one link to somebody who works at a library, if any is due. Returns whether there was anything to do."""
    due = take_due_link(now=now())
    if due is not None:
        deliver_link(due)
    return due is not None


def deliver_link(due: DueLink) -> None:
    """Send a link by which somebody sets up their sign-in at the desk; if that fails, a new one is drawn later."""
    post: Post = current_app.extensions["post"]
    kind = STAFF_INVITED if due.is_first else STAFF_ANEW
    link = f"{current_app.config['PUBLIC_URL']}/desk/join/{due.token}"
    try:
        with speak(due.language):
            words = compose(kind=kind, name=due.name, channel=EMAIL, about=due.library, secret=link)
        post.send(Letter(EMAIL, to=due.to, subject=words.subject, body=words.body, at=now()))
    except NotSent as error:
        _log.warning("link not sent", staff_id=due.staff_id, why=str(error))
        note_link_not_sent(due, now=now())
    else:
        note_link_sent(due)


def write(due: Due, *, instant: datetime) -> Words:
    """Return the text of a message in the patron's language. A link or code in it is made, and is to be committed.

    Raises ReachedElsewhere or NoSuchPatron; then the message may not be sent.
    """
    secret = _draw(due, instant=instant)
    with speak(due.language):
        return compose(
            kind=due.kind,
            name=due.name,
            channel=due.channel,
            about=due.about,
            secret=secret,
            day=due.day,
            card_number=due.card_number,
            change=ContactChange(due.change.fields, due.change.library, due.change.at) if due.change else None,
        )


def _draw(due: Due, *, instant: datetime) -> str:
    if due.kind in LINKS:
        lasting = LETTER_LASTS if due.channel == LETTER else LINK_LASTS
        token = draw_link(patron_id=due.patron_id, channel=due.channel, lasting=lasting, now=instant)
        secret = f"{current_app.config['PUBLIC_URL']}/new-pin/{token}"
    elif (declared := KINDS.get(due.kind)) is not None and declared.opens is not None:
        secret = draw_code(patron_id=due.patron_id, purpose=declared.opens, now=instant)
    elif due.change is not None and due.undoes:
        token = undo_token(due.change.id, by_letter=due.channel == LETTER)
        return f"{current_app.config['PUBLIC_URL']}/undo/{token}"
    else:
        return ""
    check_address(due)
    return secret
