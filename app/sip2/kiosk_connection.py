"""One kiosk's connection: a card's code in a message is replaced, and everything else is passed on byte for byte.

Each message is answered before the next one is read, as SIP2 requires; so an answer always belongs to the last message.
"""

import asyncio
import time
from collections import Counter

import structlog

from app.rules.card.scan import Reason
from app.rules.errors import RuleBroken
from app.rules.sip2 import Frame, Message, TooLong, compose, digits_of_code, sign
from app.sip2.aliases import Alias
from app.sip2.answers import SEND_AGAIN, is_answerable, refuse
from app.sip2.figures import name_of_code
from app.sip2.ils_connection import SIGNED_ON, Answered, IlsConnection, NoAnswer
from app.sip2.settings import LibraryGateway
from app.sip2.station import Station
from app.sip2.stream import KioskStream, Slow
from app.sip2.words import Trouble, Why, choose_language

_SIGN_ON, _END_SESSION, _SEND_AGAIN = b"93", b"35", b"97"
_BEFORE_SIGN_ON = (_SIGN_ON, b"99", _SEND_AGAIN)
_NAME_A_LANGUAGE = (b"23", b"63")
_ABOUT_PATRONS = (b"01", b"11", b"15", b"23", b"25", b"29", b"35", b"37", b"63", b"65")
# Answers about the patron who was asked about. A 10 may name the previous borrower.
_ECHOES = (b"12", b"16", b"24", b"26", b"30", b"36", b"38", b"64", b"66")

_log = structlog.get_logger()


class Garbage(RuleBroken):
    """What came is no SIP2, or nothing that somebody who is not signed on may say."""


class KioskConnection:
    """A kiosk that is connected; `serve` it to its end."""

    def __init__(self, *, station: Station, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._station = station
        self._settings = station.settings
        self._stream = KioskStream(reader, writer)
        self._ils = IlsConnection(settings=station.settings, pause=station.pause, hear=self._pass_back)
        self._kiosk = ""
        self._known_by_address = station.settings.kiosks_by_address.get(self._stream.address, "")
        self._alias: Alias | None = None
        # The code that the alias is for, as it was scanned.
        self._scanned = b""
        self._language = station.settings.language
        self._summed = ""
        self._why_signed_off = Trouble.NOT_SIGNED_ON
        self._was_passed_on = False
        # The last answer, where the library's system could not send it again just as it was.
        self._own_answer: bytes | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False

    async def serve(self) -> None:
        """Answer until either end hangs up, or until `stop`."""
        self._task = asyncio.current_task()
        why = "hung-up"
        try:
            if self._known_by_address:
                self._sign_on_as(self._known_by_address)
                self._ils.sign_on = _own_sign_on(self._settings)
            await self._talk()
        except (TooLong, Garbage, Slow, NoAnswer) as error:
            why = error.code
            _log.warning("kiosk line closed", library=self._settings.library_id, kiosk=self._kiosk, why=why)
        except OSError:
            why = "broken"
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise
            why = "stopped"
        finally:
            self._ils.close()
            self._stream.close()
            self._sign_off()
            self._station.figures.closed.labels(self._settings.library_id, why).inc()

    def stop(self) -> None:
        """End as soon as no message is being answered."""
        self._is_stopping = True
        if self._stream.is_idle and self._task is not None:
            self._task.cancel()

    async def _talk(self) -> None:
        async for frame, waits_since in self._stream.frames():
            if frame.content:
                answered = await self._handle(frame)
                await self._stream.drain()
                self._measure(time.perf_counter() - waits_since, answered)
            elif self._was_passed_on and not self._settings.always_cr:
                self._ils.send(frame.raw)
            if self._is_stopping:
                return

    async def _handle(self, frame: Frame) -> Answered | None:
        """See to it that a message is answered. Returns the system's answer, if it was asked."""
        message = Message(frame.content)
        self._note_sum(message)
        if not (message.code.isdigit() and len(message.code) == 2):
            raise Garbage
        self._station.figures.messages.labels(self._settings.library_id, name_of_code(message.code)).inc()
        self._was_passed_on = False
        if message.code in _NAME_A_LANGUAGE:
            self._language = choose_language(message.fixed(0, 3), default=self._settings.language)
        if message.code == _SEND_AGAIN and self._own_answer is not None:
            self._stream.write(self._own_answer)
            return None
        if message.code == _SIGN_ON:
            return await self._sign_on(frame, message)
        if not self._kiosk and message.code not in _BEFORE_SIGN_ON:
            self._refuse(message, self._why_signed_off)
            return None
        return await self._ask_about_patron(frame, message)

    async def _ask_about_patron(self, frame: Frame, message: Message) -> Answered | None:
        self._alias = None
        self._scanned = message.card_code() if self._kiosk else b""
        try:
            if self._scanned:
                return await self._pass_on_card(frame, message)
            if self._kiosk and message.code in _ABOUT_PATRONS and message.value(b"AA"):
                self._end_session()
            return await self._pass_on(frame, message)
        finally:
            if self._kiosk and message.code == _END_SESSION:
                self._end_session()

    def _end_session(self) -> None:
        self._station.aliases.end(kiosk=self._kiosk, now=self._station.clock())

    async def _pass_on_card(self, frame: Frame, message: Message) -> Answered | None:
        if not message.is_whole:
            self._say(SEND_AGAIN)
            return None
        found = await self._find_card(digits_of_code(self._scanned))
        if isinstance(found, Why):
            if is_answerable(message):
                self._refuse(message, found)
                return None
            # An unknown message has no known refusal, and the code means nothing to the system.
            return await self._pass_on(frame, message)
        self._alias = found
        changed = message.replace(b"AA", {self._scanned: found.card_number})
        return await self._pass_on(Frame(changed.content, frame.end), message)

    async def _find_card(self, code: bytes) -> Alias | Why:
        station, library_id, now = self._station, self._settings.library_id, self._station.clock()
        outcomes = station.figures.cards
        if alias := station.aliases.use(kiosk=self._kiosk, code=code, now=now):
            outcomes.labels(library_id, "remembered").inc()
            return alias
        found: str | Why
        if station.aliases.is_used_up(kiosk=self._kiosk, code=code):
            found = Reason.REPLAY
        else:
            found = await station.checks.check_card(payload=code.decode(), kiosk=self._kiosk, library_id=library_id)
        if isinstance(found, Why):
            outcomes.labels(library_id, found.value).inc()
            return found
        outcomes.labels(library_id, "accepted").inc()
        return station.aliases.remember(kiosk=self._kiosk, code=code, card_number=found.encode(), now=now)

    async def _sign_on(self, frame: Frame, message: Message) -> Answered | None:
        kiosk = self._known_by_address or self._settings.kiosks_by_login.get(message.value(b"CN"), "")
        if not self._known_by_address:
            self._sign_off()
        if not kiosk:
            if not message.is_whole:
                self._say(SEND_AGAIN)
                return None
            checked = await self._check_sign_on(message)
            if isinstance(checked, Trouble):
                _log.warning("kiosk refused", library=self._settings.library_id, address=self._stream.address)
                self._why_signed_off = checked
                self._refuse(message, checked)
                return None
            kiosk = checked
            frame = Frame(_as_library(message, self._settings).content, frame.end)
        self._ils.sign_on = b""
        answered = await self._pass_on(frame, message)
        if answered and answered.message.content.startswith(SIGNED_ON):
            self._sign_on_as(kiosk)
            self._ils.sign_on = self._for_system(frame)
        return answered

    async def _check_sign_on(self, message: Message) -> str | Trouble:
        """Return the kiosk's user name, if the register knows it and its password."""
        try:
            user, password = (message.value(name).decode(self._settings.encoding) for name in (b"CN", b"CO"))
        except UnicodeDecodeError:
            return Trouble.NOT_SIGNED_ON
        if not user.isprintable():
            return Trouble.NOT_SIGNED_ON
        return await self._station.checks.sign_on(
            username=user, password=password, address=self._stream.address, library_id=self._settings.library_id
        )

    def _sign_on_as(self, kiosk: str) -> None:
        if kiosk == self._kiosk:
            return
        self._kiosk = kiosk
        self._station.online[kiosk] += 1
        self._stream.let_stay()
        _log.info("kiosk signed on", library=self._settings.library_id, kiosk=kiosk)

    def _sign_off(self) -> None:
        if self._kiosk:
            self._station.online -= Counter((self._kiosk,))
            self._kiosk = ""
            self._stream.expect_sign_on()

    async def _pass_on(self, frame: Frame, message: Message) -> Answered | None:
        self._was_passed_on = True
        try:
            return await self._ils.ask(self._for_system(frame), may_be_silent=not is_answerable(message))
        except NoAnswer as error:
            self._was_passed_on = False
            if not is_answerable(message):
                raise
            if message.code == _SIGN_ON:
                self._why_signed_off = error.trouble
            self._refuse(message, error.trouble)
            return None

    def _for_system(self, frame: Frame) -> bytes:
        return frame.content + (b"\r" if self._settings.always_cr else frame.end)

    def _pass_back(self, frame: Frame) -> None:
        """Give the kiosk what the system said, with the code that it scanned where it expects that."""
        if frame.content:
            self._own_answer, self._station.end = None, frame.end
            message = Message(frame.content)
            self._note_sum(message)
            if self._alias is not None and message.code in _ECHOES:
                number = message.value(b"AA")
                # A sum that is wrong stays wrong, so that the kiosk asks for the message again.
                if number.strip().upper() == self._alias.card_number and message.is_whole:
                    echoed = message.replace(b"AA", {number: self._scanned})
                    self._own_answer = echoed.content + frame.end
        elif frame.raw == b"\n" and self._station.end == b"\r":
            self._station.end = b"\r\n"
        self._stream.write(self._own_answer or frame.raw)

    def _refuse(self, message: Message, why: Why) -> None:
        if isinstance(why, Trouble):
            self._station.figures.troubles.labels(self._settings.library_id, why.value).inc()
        if not is_answerable(message):
            raise Garbage
        sentence, now = self._station.sentences[self._language, why], self._station.clock()
        is_refused = isinstance(why, Reason)
        self._say(refuse(message, sentence=sentence, is_card_refused=is_refused, now=now, characters=self._summed))

    def _note_sum(self, message: Message) -> None:
        """Sum as the kiosk and its system do. ASCII does not show how."""
        if not message.content.isascii():
            self._summed = message.summed or self._summed

    def _say(self, content: bytes) -> None:
        self._own_answer = content + self._station.end
        self._stream.write(self._own_answer)

    def _measure(self, seconds: float, answered: Answered | None) -> None:
        figures, library_id = self._station.figures, self._settings.library_id
        waited = answered.came_at - answered.asked_at if answered else 0.0
        figures.added.labels(library_id).observe(max(0.0, seconds - waited))
        if answered:
            figures.system.labels(library_id).observe(waited)
        figures.system_up.labels(library_id).set(not self._station.pause.fault)


def _as_library(message: Message, settings: LibraryGateway) -> Message:
    """Return a sign-on with the library's own login at its system, if it has one there."""
    if not settings.ils_user:
        return message
    with_user = message.replace(b"CN", {message.value(b"CN"): settings.ils_user})
    return with_user.replace(b"CO", {with_user.value(b"CO"): settings.ils_password})


def _own_sign_on(settings: LibraryGateway) -> bytes:
    """Return the sign-on for a kiosk that sends none, if the library has a login at its system."""
    if not settings.ils_user:
        return b""
    content = compose(_SIGN_ON, b"00", [(b"CN", settings.ils_user), (b"CO", settings.ils_password)])
    return sign(content, sequence=b"0") + b"\r"
