"""The gateway's own answers, each of the kind that the kiosk waits for. Source: SIP2 version 2.00, "Messages"."""

from datetime import datetime
from zoneinfo import ZoneInfo

from app.rules.sip2 import Message, compose, sign

_KIOSKS_TIME = ZoneInfo("Europe/Oslo")
# Charge, renewal, recall and hold privileges denied; nothing is said about the other ten.
_PATRON = b"YYYY          %(language)s%(date)s"
# By the message's code: the answer's code, its fixed fields, and the names of the others.
_ANSWERS = {
    b"01": (b"24", _PATRON, b"AO AA AE BL CQ AF"),
    b"09": (b"10", b"0NUN%(date)s", b"AO AB AQ AF"),
    b"11": (b"12", b"0NUN%(date)s", b"AO AA AB AJ AH BL CQ AF"),
    b"15": (b"16", b"0N%(date)s", b"AO AA BL CQ AF"),
    b"17": (b"18", b"010001%(date)s", b"AB AJ AF"),
    b"19": (b"20", b"0%(date)s", b"AB AF"),
    b"23": (b"24", _PATRON, b"AO AA AE BL CQ AF"),
    b"25": (b"26", _PATRON, b"AO AA AE BL CQ AF"),
    b"29": (b"30", b"0NUN%(date)s", b"AO AA AB AJ AH BL CQ AF"),
    b"35": (b"36", b"N%(date)s", b"AO AA BL CQ AF"),
    b"37": (b"38", b"N%(date)s", b"AO AA BL CQ AF"),
    b"63": (b"64", _PATRON + b"0000" * 6, b"AO AA AE BL CQ AF"),
    b"65": (b"66", b"0" + b"0000" * 2 + b"%(date)s", b"AO AA BL CQ AF"),
    b"93": (b"94", b"0", b""),
    # Nothing may be lent offline: a code is worth nothing later, when the kiosk would send what it kept.
    b"99": (b"98", b"NNNNNN000003%(date)s%(version)s", b"AO BX AF"),
}
_VALID_PATRON = (b"BL", b"CQ")
_NAME_A_LANGUAGE = (b"23", b"63")

SEND_AGAIN = sign(b"96", sequence=None)


def is_answerable(message: Message) -> bool:
    """Return whether SIP2 defines the answer to such a message."""
    return message.code in _ANSWERS


def refuse(
    message: Message, *, sentence: bytes, is_card_refused: bool = False, now: datetime, characters: str = ""
) -> bytes:
    """Return the answer that says no and why, with a checksum if the message had one. KeyError: `is_answerable`.

    BL and CQ say no if the card `is_card_refused`. Otherwise they are left out, since nothing is known of the patron:
    some clients delete a patron on BL=N.
    """
    code, fixed, names = _ANSWERS[message.code]
    said = {b"BL": b"N", b"CQ": b"N", b"BX": b"N" * 16, b"AF": sentence}
    said |= {name: message.value(name) for name in (b"AO", b"AA", b"AB")}
    fields = [(name, said.get(name, b"")) for name in names.split() if is_card_refused or name not in _VALID_PATRON]
    values = {
        b"date": now.astimezone(_KIOSKS_TIME).strftime("%Y%m%d    %H%M%S").encode(),
        b"language": (message.code in _NAME_A_LANGUAGE and message.fixed(0, 3)) or b"000",
        b"version": message.fixed(4, 4) or b"2.00",
    }
    content = compose(code, fixed % values, fields)
    return sign(content, sequence=message.sequence, characters=characters) if message.has_checksum else content
