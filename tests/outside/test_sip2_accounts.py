"""What libraries' SIP2 servers really send: what can be read is shown, and what is missing is marked."""

import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from app.ils.port import Account, Refused, Unavailable
from app.ils.sip2.system import Sip2System
from app.ils.sip2.wire import Sip2Settings
from app.rules.sip2 import Message, sign
from tests.contract.world import ANNA, NOW, listening

DATE = "20260302    120000"
DUE = "20260330    235900"
SECONDS = 30.0


@dataclass
class Server:
    """A SIP2 server with one patron. Texts are sent as they are written here, in `encoding`."""

    items: Mapping[str, str] = field(default_factory=dict)  # by barcode: the fields of its 18 behind AB
    patron: str = "BLY|"
    status: str = " " * 14
    counts: str = ""
    lists: Mapping[str, str] = field(default_factory=dict)  # by the place of the Y in the summary
    encoding: str = "utf-8"
    end: bytes = b"\r"
    sums: str | None = ""
    seconds_each: float = 0.0
    echo: Callable[[str], str] = lambda item: item
    card: str = ANNA
    answers: Mapping[str, bytes] = field(default_factory=dict)  # by code: what is answered instead
    asked: list[bytes] = field(default_factory=list)

    def answer(self, message: Message) -> bytes:
        code = message.code.decode()
        if code in self.answers:
            return self.answers[code]
        fields = {name.decode(): value.decode(self.encoding) for name, value in message.fields}
        match code:
            case "63":
                which = message.fixed(21, 10).find(b"Y")
                charged = "".join(f"AU{item}|" for item in self.items)
                rows = self.lists.get(str(which), charged if which == 2 and not fields.get("BP") else "")
                counts = self.counts or f"00000000{len(self.items):04}000000000000"
                text = f"64{self.status}000{DATE}{counts}AOMULL|AA{self.card}|AEGranberg|{self.patron}{rows}"
            case "17":
                item = next((item for item in self.items if item.split() == fields["AB"].split()), fields["AB"])
                text = f"18040001{DATE}AB{self.echo(item)}|{self.items.get(item, 'AJ|')}"
            case "29":
                text = f"301YNN{DATE}AOMULL|AA{ANNA}|AB{fields['AB']}|AJTittel|AH20260420    235900|"
            case _:
                return b""
        return self.write(text, message.sequence)

    def write(self, text: str, sequence: bytes | None = b"0") -> bytes:
        raw = text.encode(self.encoding) if "\udcf8" not in text else text.encode("utf-8", "surrogateescape")
        return (raw if self.sums is None else sign(raw, sequence=sequence, characters=self.sums)) + self.end

    def talk(self, connection: socket.socket, stop: threading.Event) -> None:
        received = b""
        while not stop.is_set():
            while not (found := re.search(rb"\r", received)):
                if not (chunk := connection.recv(4096)):
                    return
                received += chunk
            message, received = Message(received[: found.start()].strip()), received[found.end() :]
            self.asked.append(message.content)
            time.sleep(self.seconds_each)
            answer = self.answer(message)
            if answer == b"hang up":
                return
            connection.sendall(answer)


def account_of(server: Server, *, seconds: float = SECONDS, currency: str = "NOK", **chosen: Any) -> Account:
    with listening(server.talk) as port:
        (account,) = open_system(server, port, seconds=seconds, currency=currency, **chosen).accounts(
            card_numbers=[ANNA]
        )
    return account


def open_system(server: Server, port: int, *, seconds: float = SECONDS, **chosen: Any) -> Sip2System:
    kept = {"host": "127.0.0.1", "port": port, "tls": False, "currency": "NOK", "encoding": server.encoding}
    return Sip2System(settings=Sip2Settings(**(kept | chosen)), seconds=seconds, clock=lambda: NOW)


def loans_of(account: Account) -> list[tuple[str | None, str, date | None]]:
    return [(loan.barcode, loan.title, loan.due_on) for loan in account.loans]


GOOD = f"AJSult|AH{DUE}|"
DAY = date(2026, 3, 30)


@pytest.mark.parametrize(
    ("sent", "debt", "currency"),
    [
        ("BV5.000000|", 500, "NOK"),
        ("BV3.3000000000000003|", 330, "NOK"),
        ("BV0.005|", 1, "NOK"),
        ("BV2.675|", 268, "NOK"),
        ("BV-5.00|", 0, "NOK"),
        ("BV−5,00|", 0, "NOK"),
        ("BV5.00-|", 0, "NOK"),
        ("BV(5.00)|", 0, "NOK"),
        ("BVkr 7,00|", 700, "NOK"),
        ("BV7,00 kr|", 700, "NOK"),
        ("BV7,-|", 700, "NOK"),
        ("BVNOK 7.00|", 700, "NOK"),
        ("BV1,234.50|", 123450, "NOK"),
        ("BV1.234,50|", 123450, "NOK"),
        ("BV1 234,50|", 123450, "NOK"),
        ("BV1\N{NO-BREAK SPACE}234,50|", 123450, "NOK"),
        ("BV1'234.50|", 123450, "NOK"),
        ("BV.50|", 50, "NOK"),
        ("BV,5|", 50, "NOK"),
        ("BV007|", 700, "NOK"),
        ("BV |", 0, "NOK"),
        ("BV£7.00|", 700, "GBP"),
        ("BV€7|BHEUR|", 700, "EUR"),
        ("BV7.00|BHnok|", 700, "NOK"),
        ("BV7.00|BHkr|", 700, "NOK"),
        ("BV7.00|BHkr.|", 700, "NOK"),
        ("BV7.00|BHsek |", 700, "SEK"),
        ("BV0.00|BHkroner|", 0, "NOK"),
        ("BV7.00|BHXQZ|", None, "NOK"),
        ("BV7.00|BH??|", None, "NOK"),
        ("BV£7.00|BHNOK|", None, "NOK"),
        ("BV$7.00|", None, "NOK"),
        ("BV1,234|", None, "NOK"),
        ("BVtwelve|", None, "NOK"),
        ("BV5e3|", None, "NOK"),
        ("BVNaN|", None, "NOK"),
        ("BV99999999999999|", None, "NOK"),
    ],
)
def test_a_sum_is_read_or_unknown_and_the_loans_are_shown(sent: str, debt: int | None, currency: str) -> None:
    account = account_of(Server({"B1": GOOD}, patron=f"BLY|{sent}"))
    assert (account.debt_total, account.currency) == (debt, currency)
    assert loans_of(account) == [("B1", "Sult", DAY)]


@pytest.mark.parametrize(
    ("item", "title", "due_on"),
    [
        ("AJGr\udcf8nn|AH" + DUE + "|", "Grønn", DAY),
        ("AJSult|", "Sult", None),
        ("AJSult|AH|", "Sult", None),
        ("AJSult|AH00000000|", "Sult", None),
        ("AJSult|AH00000000    000000|", "Sult", None),
        ("AJSult|AH00010101    000000|", "Sult", None),
        ("AJSult|AHsoon|", "Sult", None),
        ("AJSult|AH20261330    235900|", "Sult", None),
        ("AJSult|AH20260330|", "Sult", DAY),
        ("AJSult|AH 2026-03-30T23:59:00 |", "Sult", DAY),
        (f"AJRo\u0308da rummet|AH{DUE}|", "Röda rummet", DAY),
        (f"AJSult\x00\x1f  og\N{NO-BREAK SPACE}tørst|AH{DUE}|", "Sult og tørst", DAY),
        (f"AJSult\nroman|AH{DUE}|", "Sult roman", DAY),
        (f"AJSult\rroman|AH{DUE}|", "Sult roman", DAY),
        (f"AJSult\r\nroman|AH{DUE}|", "Sult roman", DAY),
        (f"AJ|AH{DUE}|", "", DAY),
        ("", "", None),
    ],
)
@pytest.mark.parametrize("sums", ["", None], ids=["sums", "no sums"])
def test_an_odd_item_hides_no_other(item: str, title: str, due_on: date | None, sums: str | None) -> None:
    account = account_of(Server({"B1": item, "B2": f"AJMarkens grøde|AH{DUE}|"}, sums=sums))
    assert sorted(loans_of(account), key=str) == [("B1", title, due_on), ("B2", "Markens grøde", DAY)]
    assert account.unread_loans == 0


@pytest.mark.parametrize(
    ("echo", "title"),
    [(lambda item: f"  {item}   ", "Sult"), (lambda _item: "", "Sult"), (lambda _item: "B9", "")],
    ids=["padded", "left out", "another item's"],
)
def test_an_item_is_known_by_its_barcode(echo: Callable[[str], str], title: str) -> None:
    account = account_of(Server({"B1": GOOD}, echo=echo))
    assert loans_of(account) == [("B1", title, DAY if title else None)]


def test_a_padded_barcode_is_asked_for_and_shown_without_its_blanks() -> None:
    server = Server({"  B1   ": GOOD})
    assert loans_of(account_of(server)) == [("B1", "Sult", DAY)]
    assert b"|ABB1|" in server.asked[-1]


@pytest.mark.parametrize("card", [ANNA.lower(), f" {ANNA} "])
def test_a_card_number_in_small_letters_or_padded_is_the_same(card: str) -> None:
    assert loans_of(account_of(Server({"B1": GOOD}, card=card))) == [("B1", "Sult", DAY)]


def counted(charged: str) -> str:
    return f"00000000{charged}000000000000"


@pytest.mark.parametrize(
    ("charged", "lists", "unread"),
    [
        ("0000", {}, 0),
        ("0001", {}, 0),
        ("0002", {}, 0),
        ("0005", {}, 3),
        ("    ", {}, 0),
        ("XXXX", {}, 0),
        ("0003", {"2": "AUB1|AUB2|AUB1|AU|"}, 1),
    ],
)
def test_a_count_that_does_not_fit_the_list_hides_nothing(charged: str, lists: dict[str, str], unread: int) -> None:
    account = account_of(Server({"B1": GOOD, "B2": GOOD}, counts=counted(charged), lists=lists))
    assert {barcode for barcode, _title, _due in loans_of(account)} == {"B1", "B2"}
    assert account.unread_loans == unread


def test_a_server_that_does_not_count_is_asked_for_its_other_lists() -> None:
    server = Server({"B1": GOOD}, counts="0" * 24, lists={"0": "ASSult|", "1": "ATB1|", "5": "CDPan|"})
    account = account_of(server)
    assert [(hold.title, hold.ready) for hold in account.holds] == [("Sult", True), ("Pan", False)]
    assert account.loans[0].overdue


def test_reservations_that_cannot_be_read_are_counted() -> None:
    counts = "0002" + "0000" + "0001" + "0000" * 2 + "0003"
    account = account_of(Server({"B1": GOOD}, counts=counts, lists={"0": "ASB1|"}))
    assert (len(account.holds), account.unread_holds, len(account.loans)) == (1, 4, 1)


@pytest.mark.parametrize("sums", ["", "utf-8", "cp850"])
def test_sums_of_bytes_and_of_code_points_are_both_right(sums: str) -> None:
    encoding = sums or "utf-8"
    server = Server({"B1": f"AJBlåbær på Ærøya|AH{DUE}|"}, encoding=encoding, sums=sums)
    account = account_of(server, institution="Sørlandet")
    assert loans_of(account) == [("B1", "Blåbær på Ærøya", DAY)]
    # What is sent after the first answer that shows how it sums is summed as there.
    assert server.asked[-1].isascii() or Message(server.asked[-1]).summed in (sums, "")


def test_a_server_that_takes_the_other_sum_for_a_fault_gets_its_own() -> None:
    class Strict(Server):
        def answer(self, message: Message) -> bytes:
            return b"96AZFEF6\r" if message.summed != "utf-8" else super().answer(message)

    server = Strict({"B1": GOOD}, sums="utf-8")
    assert loans_of(account_of(server, institution="Sørlandet")) == [("B1", "Sult", DAY)]
    assert len(server.asked) == 3, "one message is repeated, and no more"


@pytest.mark.parametrize("before", [b"\n", b"\x00", b"\x02", b" ", b"\xef\xbb\xbf", b"\r\n\r\n"])
def test_what_stands_before_a_message_is_passed_over(before: bytes) -> None:
    class Padded(Server):
        def answer(self, message: Message) -> bytes:
            return before + super().answer(message)

    assert loans_of(account_of(Padded({"B1": GOOD}))) == [("B1", "Sult", DAY)]


def test_what_is_overdue_stands_first_also_without_a_due_date() -> None:
    server = Server({"B1": GOOD, "B2": "AJPan|", "B3": "AJ|"}, counts="0000" + "0001" + "0003" + "0000" * 3)
    server.lists = {"1": "ATB3|"}
    assert [loan.barcode for loan in account_of(server).loans] == ["B3", "B1", "B2"]


def test_many_loans_on_a_slow_server_are_shown_in_time() -> None:
    items = {f"B{number:02}": f"AJBind {number}|AH{DUE}|" for number in range(19)}
    counts = "0000" + "0001" + "0019" + "0000" * 3
    server = Server(items, seconds_each=0.15, counts=counts, lists={"1": "ATB18|"})
    account = account_of(server, seconds=2.0)
    assert {loan.barcode for loan in account.loans} == set(items)
    titles = [loan.title for loan in account.loans if loan.title]
    assert 0 < len(titles) < 19, "it asks no more when the time is up"
    assert "Bind 18" in titles, "what is overdue is asked for first"
    assert [loan.barcode for loan in account.loans if loan.overdue] == ["B18"]
    assert all((loan.due_on == DAY) == bool(loan.title) for loan in account.loans)


@pytest.mark.parametrize("answer", [b"hang up", b"", b"96\r", b"18short\r", b"941AY1AZFDFC\r"])
def test_a_server_that_stops_answering_after_the_list_has_its_list_shown(answer: bytes) -> None:
    account = account_of(Server({"B1": GOOD, "B2": GOOD}, answers={"17": answer}), seconds=2.0)
    assert loans_of(account) == [("B1", "", None), ("B2", "", None)]


def test_another_cards_account_is_never_shown() -> None:
    with pytest.raises(Unavailable):
        account_of(Server({"B1": GOOD}, card="N000200002"))


def test_one_odd_account_of_a_family_hides_no_other() -> None:
    class Family(Server):
        def answer(self, message: Message) -> bytes:
            if b"|AAN000200003|" in message.content:
                return self.write(f"64{self.status}000{DATE}{'0' * 24}AOMULL|AAN000200009|BLY|", message.sequence)
            self.card = ANNA if f"|AA{ANNA}|".encode() in message.content else "N000200002"
            return super().answer(message)

    server = Family({"B1": GOOD})
    with listening(server.talk) as port:
        accounts = open_system(server, port).accounts(card_numbers=[ANNA, "N000200003", "N000200002"])
    assert [account.unread_loans for account in accounts] == [0, None, 0]
    assert [len(account.loans) for account in accounts] == [1, 0, 1]
    assert [account.debt_total for account in accounts] == [0, None, 0]


REFUSED = b"300NNN" + DATE.encode() + b"AOMULL|AAN000200001|ABB1|AJ|AH|AFNo|\r"


@pytest.mark.parametrize(
    ("answers", "renewed"),
    [
        pytest.param({"65": f"661{'0002'}{'0000'}{DATE}BMB1 |BMB2|".encode() + b"\r"}, {"B1", "B2"}, id="named"),
        pytest.param({"65": f"661{'0001'}{'0001'}{DATE}BNB2|".encode() + b"\r"}, {"B1"}, id="the others named"),
        pytest.param({"65": f"661{'0002'}{'0000'}{DATE}".encode() + b"\r"}, {"B1", "B2"}, id="all, counted"),
        pytest.param({"65": f"661{'0000'}{'0000'}{DATE}".encode() + b"\r"}, {"B1", "B2"}, id="nothing"),
        pytest.param({"65": f"660{'    '}{'    '}{DATE}".encode() + b"\r"}, {"B1", "B2"}, id="blanks"),
        pytest.param({"65": f"660{'0000'}{'0002'}{DATE}".encode() + b"\r"}, set(), id="none may be"),
        pytest.param({"65": b"96\r"}, {"B1", "B2"}, id="not understood"),
        pytest.param({"65": b"hang up"}, {"B1", "B2"}, id="hung up on"),
        pytest.param({"65": b"None"}, {"B1", "B2"}, id="invenio-sip2"),
        pytest.param({"65": b""}, {"B1", "B2"}, id="silence"),
        pytest.param({"65": b"\r"}, {"B1", "B2"}, id="an empty line"),
        pytest.param({"65": b"hang up", "29": REFUSED}, set(), id="each refused"),
    ],
)
def test_renewing_all_falls_back_to_one_by_one(answers: dict[str, bytes], renewed: set[str]) -> None:
    server = Server({"B1": GOOD, "B2": GOOD}, answers=answers, sums=None)
    with listening(server.talk) as port:
        results = open_system(server, port, seconds=4.0, error_detection=False).renew_all(card_number=ANNA)
    assert {result.loan.loan_id for result in results if result.renewed} == renewed
    assert len(results) == 2


def test_a_renewal_without_a_due_date_is_one() -> None:
    done = f"301YNN{DATE}AOMULL|AA{ANNA}|AB B1 |AJSult|AH|".encode() + b"\r"
    server = Server({"B1": GOOD}, answers={"29": done}, sums=None)
    with listening(server.talk) as port:
        loan = open_system(server, port, error_detection=False).renew(card_number=ANNA, loan_id="B1")
    assert (loan.title, loan.due_on) == ("Sult", None)
    assert not [asked for asked in server.asked if asked.startswith(b"17")], "no title is asked for to renew one"


def test_a_loan_of_nobody_knows_whom_is_not_renewed() -> None:
    server = Server({"B1": GOOD})
    with listening(server.talk) as port, pytest.raises(Refused):
        open_system(server, port).renew(card_number=ANNA, loan_id="B2")
