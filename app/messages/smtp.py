"""E-mail."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from urllib.parse import unquote, urlsplit

from email_validator import EmailNotValidError, validate_email

from app.messages.channels import Letter, NotSent

_TIMEOUT_SECONDS = 20
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Smtp:
    """E-mail by SMTP (RFC 5321), with STARTTLS (RFC 3207), or TLS from the start where the URL says `smtps`."""

    def __init__(self, url: str, sender: str) -> None:
        self._url = urlsplit(url)
        self._sender = sender

    def send(self, letter: Letter) -> None:
        """Send an e-mail. Raises NotSent."""
        try:
            message = self._write(letter)
            with self._connect() as server:
                if self._url.username:
                    server.login(unquote(self._url.username), unquote(self._url.password or ""))
                server.send_message(message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # Its text may hold the address, and so may the traceback.
            raise NotSent(type(error).__name__) from None

    def _write(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        # A line break in a header would begin another one: ValueError.
        message["From"], message["To"], message["Subject"] = self._sender, _to_everybody(letter.to), letter.subject
        message["Date"] = format_datetime(letter.at)
        # A name of its own for each try: one that repeats an earlier message holds another link, and is the one to use.
        message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2].rstrip(">"))
        # Nobody's absence is to be answered to us (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.body)
        return message

    def _connect(self) -> smtplib.SMTP:
        host = self._url.hostname or "localhost"
        if self._url.scheme == "smtps":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, self._url.port or 465, timeout=_TIMEOUT_SECONDS, context=context)
        server = smtplib.SMTP(host, self._url.port or 587, timeout=_TIMEOUT_SECONDS)
        # A server that cannot encrypt gets no mail; one on this machine has no line to listen on.
        if host not in _LOOPBACK:
            server.starttls(context=ssl.create_default_context())
        return server


def _to_everybody(address: str) -> str:
    """Return an address as every mail server takes it: `kari@blåbær.no` is `kari@xn--blbr-roah.no` (RFC 5891).

    Where the name before the @ is not ASCII there is no such form, and the server must know SMTPUTF8 (RFC 6531).
    """
    try:
        return validate_email(address, check_deliverability=False).ascii_email or address
    except EmailNotValidError:
        return address
