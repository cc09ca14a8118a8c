"""The ways from the library to its patrons: the register's addresses and notifications, a mail server, SMS."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from threading import Thread
from typing import Final, Self
from urllib.parse import quote

import httpx

from circulation.notices.words import checked_address
from circulation.settings import SettingsError, example_passwords

USUAL_PAUSE_SECONDS: Final = 60.0
_SERVER_IS_BUSY: Final = (421, 450, 451, 452)
"""Answers of a mail server that may be other ones a little later (RFC 5321 § 4.2.3)."""
_NOBODY: Final = (httpx.codes.NOT_FOUND, httpx.codes.GONE, httpx.codes.UNPROCESSABLE_ENTITY)
_NUMBER: Final = "{to}"
_LONGEST_SMS_SECONDS: Final = 15
_TELL_NUMBERS: Final = ("apprise", "urllib3")


# They log each address that is asked, and the register's hold a card number.
for _talkative in ("httpx", "httpcore", "apprise", "urllib3"):
    logging.getLogger(_talkative).setLevel(logging.CRITICAL if _talkative in _TELL_NUMBERS else logging.WARNING)


@dataclass(frozen=True, slots=True)
class Post:
    """Where to ask for an address and where to hand a letter in; the password is the library's at the register."""

    register_url: str
    register_user: str
    register_password: str = field(repr=False)
    smtp_host: str
    smtp_port: int
    sender: str
    sms_url: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read CIRCULATION_REGISTER_URL, _USER and _PASSWORD, CIRCULATION_SMTP (host:port) and CIRCULATION_MAIL_FROM;
        and CIRCULATION_SMS_URL, as apprise has it with {to} in the number's place, where text messages are sent.

        SettingsError lists every one that is missing.
        """
        names = ("REGISTER_URL", "REGISTER_USER", "REGISTER_PASSWORD", "SMTP", "MAIL_FROM")
        values = {name: environ.get(f"CIRCULATION_{name}", "") for name in names}
        faults = [f"CIRCULATION_{name}: must be set to send notices" for name, value in values.items() if not value]
        host, _, port = values["SMTP"].rpartition(":")
        if values["SMTP"] and not (host and port.isascii() and port.isdigit()):
            faults.append("CIRCULATION_SMTP: must be host:port")
        try:
            checked_address(parseaddr(values["MAIL_FROM"] or "unset@example.org")[1])
        except ValueError:
            faults.append("CIRCULATION_MAIL_FROM: must be an e-mail address")
        sms_url = environ.get("CIRCULATION_SMS_URL", "")
        if sms_url and not ("://" in sms_url and _NUMBER in sms_url):
            faults.append("CIRCULATION_SMS_URL: must be a URL as apprise has them, with {to} for the telephone number")
        faults += example_passwords(environ, "CIRCULATION_REGISTER_PASSWORD", "CIRCULATION_SMS_URL")
        if faults:
            raise SettingsError("\n".join(faults))
        url, user, password, _, sender = values.values()
        return cls(url.rstrip("/"), user, password, host, int(port), sender, sms_url)

    def address_of(self, card_number: str) -> str | None:
        """The e-mail address that the register has now, or None.

        Raises TryLater where the register asks for a pause, and httpx.HTTPError or ValueError where it gives no answer
        that can be used.
        """
        return self._fetch(card_number).get("email")

    def phone_of(self, card_number: str) -> str | None:
        """The telephone number that the register has now, or None. Raises as `address_of`."""
        return self._fetch(card_number).get("phone")

    def _fetch(self, card_number: str) -> dict[str, str]:
        answer = httpx.get(self._place(card_number), auth=self._login(), timeout=10)
        _check_busy(answer)
        # Not a national card; or an erased patron, where a loan that is still out keeps the notices here.
        if answer.status_code in _NOBODY:
            return {}
        patron = answer.raise_for_status().json()
        known = patron.items() if isinstance(patron, dict) else ()
        return {name: value for name, value in known if isinstance(value, str) and value}

    def push(self, card_number: str, kind: str, key: str) -> bool:
        """Have the register show a notification of this kind; False where the patron has switched it on nowhere.

        `key` is the same when it is tried again. Raises as `address_of`.
        """
        answer = httpx.post(
            f"{self._place(card_number)}/push",
            json={"kind": kind},
            headers={"Idempotency-Key": key},
            auth=self._login(),
            timeout=10,
        )
        _check_busy(answer)
        if answer.status_code in (*_NOBODY, httpx.codes.CONFLICT, httpx.codes.FORBIDDEN):
            return False
        return answer.raise_for_status().status_code == httpx.codes.ACCEPTED

    def _place(self, card_number: str) -> str:
        return f"{self.register_url}/api/v1/patrons/{quote(card_number, safe='')}"

    def _login(self) -> tuple[str, str]:
        return self.register_user, self.register_password

    def text(self, number: str, words: str) -> bool:
        """Send a text message; False where this library sends none. Raises OSError where the provider does not take it.

        It ends within fifteen seconds, whatever the provider does.
        """
        if not self.sms_url:
            return False
        # A second and forty megabytes, for this alone.
        from apprise import Apprise, AppriseAsset

        asset = AppriseAsset(async_mode=False)
        provider = Apprise.instantiate(self.sms_url.replace(_NUMBER, quote(number, safe="")), asset=asset)
        taken: list[bool] = []
        asking = Thread(target=lambda: taken.append(bool(provider and provider.notify(body=words))), daemon=True)
        asking.start()
        asking.join(_LONGEST_SMS_SECONDS)
        if taken != [True]:
            raise OSError("the provider did not take it")
        return True

    def send(self, letter: EmailMessage) -> None:
        """Hand a letter to the mail server by STARTTLS (RFC 3207).

        A server that cannot encrypt gets no letter; on this machine nobody can listen. Raises TryLater where the server
        has too much to do, and OSError or SMTPException where it refuses.
        """
        try:
            with closing(smtplib.SMTP(self.smtp_host, self.smtp_port, timeout=10)) as server:
                if self.smtp_host not in ("localhost", "127.0.0.1", "::1"):
                    server.starttls(context=ssl.create_default_context())
                server.send_message(letter)
                with suppress(OSError):  # the server has the letter, whatever it answers now
                    server.quit()
        except smtplib.SMTPResponseException as error:
            if error.smtp_code in _SERVER_IS_BUSY:
                raise TryLater(USUAL_PAUSE_SECONDS) from None
            raise


class TryLater(Exception):
    """A server is busy, and asks to be tried again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"in {seconds} seconds")
        self.seconds = seconds


def _pause(headers: httpx.Headers) -> float:
    """The seconds that Retry-After asks for, as a number or a date (RFC 9110 § 10.2.3); a minute if unreadable."""
    wanted = headers.get("Retry-After", "").strip()
    if wanted.isascii() and wanted.isdigit():
        return float(wanted)
    try:
        # The register's own clock says how far away its date is.
        later, present = (parsedate_to_datetime(date) for date in (wanted, headers.get("Date", "")))
        return max(0.0, (later - present).total_seconds())
    except (TypeError, ValueError):
        return USUAL_PAUSE_SECONDS


def _check_busy(answer: httpx.Response) -> None:
    if answer.status_code in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
        raise TryLater(_pause(answer.headers))
