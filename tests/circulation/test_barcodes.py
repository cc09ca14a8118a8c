"""A barcode is the same one, whatever the scanner sends around it."""

import pytest

from tests.circulation.conftest import ANNA, Building

SENT = {
    "blanks": " 1001 ",
    "CR LF": "1001\r\n",
    "tab": "\t1001",
    "no-break space": "\u00a01001\u202f",
    "STX and ETX": "\x021001\x03",
    "byte order mark": "\ufeff1001",
    "zero-width space": "\u200b10\u200b01",
    "soft hyphen": "1001\u00ad",
    "Code 39": "]A01001",
    "GS1-128": "]C11001",
    "QR": "\x02]Q11001\r",
    "wide digits": "１００１",
    "Arabic digits": "١٠٠١",
}


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
def test_what_a_scanner_adds_leaves_no_item_on_loan(mull: Building, sent: str) -> None:
    mull.stock("1001")
    assert mull.post("loans/checkout", card_number=ANNA, barcode=sent).status_code == 200
    assert mull.post("loans/return", barcode=sent).status_code == 200


@pytest.mark.parametrize("sent", ["", " ", "]C1", "1001 1002", "1001\r1002", "10\x1d01", "1" * 41, "10\u00e501"])
def test_what_is_not_one_barcode_is_refused(mull: Building, sent: str) -> None:
    answer = mull.post("loans/return", barcode=sent)
    assert (answer.json["code"], answer.json["field"]) == ("invalid_field", "barcode")
