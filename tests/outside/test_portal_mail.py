"""The portal's e-mail, as a mail server gets it that offers nothing beside SMTP itself."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from app.messages.channels import Letter, NotSent
from app.messages.smtp import Smtp
from tests.mail import MailServer, running_mail_server

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
LINK = "https://lanekort.example.org/new-pin/" + "aB3=" * 40


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with running_mail_server() as server:
        yield server


def send(
    mail: MailServer, *, to: str = "kari@example.org", sender: str = "kort@example.org", body: str = "Hei"
) -> None:
    letter = Letter("email", to=to, subject="Ny PIN-kode på lånekortet", body=body, at=AT)
    Smtp(mail.url, sender).send(letter)


@pytest.mark.parametrize(
    "body",
    [
        "Hei",
        "Hei, Ærlend Ødegård!\n\nKortet er på.",
        "Ruoŧŧala, Boaŋŋu, Đakkaŧ",
        f"Velg en PIN-kode her:\n\n{LINK}\n\nHilsen Lånekort",
        "ø" * 2000,
        "a" * 2000,
        ".\n..\n.slutt",
        "From oss\nFrom: oss",
        "slutter med mellomrom \nog tabulator\t\n= likhetstegn =3D",
        "📚 \N{RIGHT-TO-LEFT MARK} 本",
    ],
)
def test_a_body_goes_in_seven_bits_and_short_lines_and_comes_whole(mail: MailServer, body: str) -> None:
    send(mail, body=body)
    (raw,) = mail.raw
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    (message,) = mail.received
    assert message["Content-Transfer-Encoding"] == "quoted-printable"
    assert message.get_content().replace("\r\n", "\n").rstrip("\n") == body
    assert message["Subject"] == "Ny PIN-kode på lånekortet"


def test_a_message_has_a_date_a_name_of_its_own_and_wants_no_answer(mail: MailServer) -> None:
    for _ in range(2):
        send(mail)
    first, second = mail.received
    assert parsedate_to_datetime(first["Date"]) == AT
    assert first["Message-ID"] != second["Message-ID"]
    assert str(first["Message-ID"]).endswith("@example.org>")
    assert first["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("to", "written"),
    [
        ("kari@blåbær.no", "kari@xn--blbr-roah.no"),
        ("kari@bla\u030abær.no", "kari@xn--blbr-roah.no"),
        ("kari@BLÅBÆR.no", "kari@xn--blbr-roah.no"),
        ("kari@xn--blbr-roah.no", "kari@xn--blbr-roah.no"),
        ("o'hara+kort@example.org", "o'hara+kort@example.org"),
    ],
)
def test_a_domain_in_other_letters_is_written_in_ascii(mail: MailServer, to: str, written: str) -> None:
    send(mail, to=to)
    assert mail.received[0]["To"] == written
    assert f"rcpt to:<{written}>".encode().lower() in b"".join(mail.commands).lower()


@pytest.mark.parametrize(
    ("sender", "written", "domain"),
    [
        ("kort@blåbær.no", "kort@xn--blbr-roah.no", "xn--blbr-roah.no"),
        ("Lånekort <kort@blåbær.no>", "Lånekort <kort@xn--blbr-roah.no>", "xn--blbr-roah.no"),
        ("Lånekort <kort@example.org>", "Lånekort <kort@example.org>", "example.org"),
    ],
)
def test_the_sender_is_written_in_ascii_too(mail: MailServer, sender: str, written: str, domain: str) -> None:
    send(mail, sender=sender)
    (message,) = mail.received
    assert message["From"] == written
    assert str(message["Message-ID"]).endswith(f"@{domain}>")
    assert mail.raw[0].isascii()


def test_an_address_that_only_smtputf8_can_carry_is_not_sent_to_a_server_without_it(mail: MailServer) -> None:
    with pytest.raises(NotSent):
        send(mail, to="blåbær@example.org")
    assert not mail.raw
