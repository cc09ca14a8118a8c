"""A SIP2 server that others wrote (PyPI's pysip2), with handlers that answer from an invented library's shelves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pysip2
from anyio.from_thread import start_blocking_portal

from app.ils.sip2.system import Sip2System
from app.ils.sip2.wire import Encoding, Sip2Settings
from tests.contract.invented_library import Checkout, InventedWorld
from tests.contract.world import NOW, PASSWORD, PATIENCE, USER

INSTITUTION = "MULL"
# Servers may tell long lists in pieces.
PAGE = 3


class Sip2World(InventedWorld):
    reserved_code = "not_renewable"
    tells_fees = False
    called = r"SIP2 2\.00"

    def __init__(self, encoding: Encoding) -> None:
        super().__init__()
        self.encoding = encoding
        self.connections = 0
        self.keeps_holds = False
        self.knows_items = True
        self.status: dict[int, str] = {}
        self.server = pysip2.SIP2Server(institution_id=INSTITUTION, encoding=encoding, login_required=True)
        self.server.route(pysip2.LOGIN)(self._login)
        self.server.route(pysip2.PATRON_INFORMATION)(self._patron)
        self.server.route(pysip2.ITEM_INFORMATION)(self._item)
        self.server.route(pysip2.HOLD)(self._change_hold)
        self.server.route(pysip2.RENEW)(self._renew)
        self.server.route(pysip2.RENEW_ALL)(self._renew_all)

    def connect(self, port: int) -> None:
        def open_system(password: str = PASSWORD, *, tls: bool = False, seconds: float = PATIENCE) -> Sip2System:
            settings = Sip2Settings(
                host="127.0.0.1",
                port=port,
                currency="NOK",
                tls=tls,
                user=USER,
                password=password,
                institution=INSTITUTION,
                encoding=self.encoding,
            )
            return Sip2System(settings=settings, seconds=seconds, clock=lambda: NOW)

        self.open = open_system
        self.system = open_system()

    def loan_id(self, checkout: Checkout) -> str:
        return checkout.barcode

    def with_wrong_password(self) -> Sip2System:
        return self.open(password="another password")

    def calls(self) -> int:
        return self.connections

    def _login(self, asked: Any, context: Any) -> Any:
        self.connections += 1
        return pysip2.LoginResponse(ok="1" if (asked.login_user_id, asked.login_password) == (USER, PASSWORD) else "0")

    def _patron(self, asked: Any, context: Any) -> Any:
        card = asked.patron_identifier
        lists = {
            0: ("hold_items", [r.barcode for r in self.shelves.reserves if r.card_number == card and r.ready]),
            1: ("overdue_items", [c.barcode for c in self.shelves.of(card) if c.due_on < NOW.date()]),
            2: ("charged_items", [c.barcode for c in self.shelves.of(card)]),
            5: (
                "unavailable_hold_items",
                [r.barcode for r in self.shelves.reserves if r.card_number == card and not r.ready],
            ),
        }
        first = int(asked.start_item or 1)
        which = asked.summary.find("Y")
        name, items = lists.get(which, ("fine_items", []))
        owed = sum(amount for owner, _, amount in self.shelves.fees if owner == card)
        return pysip2.PatronInformationResponse(
            patron_status="".join(self.status.get(place, " ") for place in range(14)),
            language="000",
            transaction_date=context.now_18(),
            hold_items_count=f"{len(lists[0][1]):04}",
            overdue_items_count=f"{len(lists[1][1]):04}",
            charged_items_count=f"{len(lists[2][1]):04}",
            fine_items_count="    ",
            recall_items_count="    ",
            unavailable_holds_count=f"{len(lists[5][1]):04}",
            institution_id=INSTITUTION,
            patron_identifier=card,
            personal_name="Granberg, Tove",
            valid_patron="Y" if card in self.shelves.cards else "N",
            currency_type=self.currency,
            fee_amount=f"{owed / 100:.2f}",
            home_address="Storgata 1",
            screen_message=("Greetings from Koha.",),
            **{name: tuple(items[first - 1 : first - 1 + PAGE])},
        )

    def _item(self, asked: Any, context: Any) -> Any:
        barcode = asked.item_identifier
        checkout = next((c for c in self.shelves.checkouts.values() if c.barcode == barcode), None)
        reserve = next((r for r in self.shelves.reserves if r.barcode == barcode), None)
        if not self.knows_items:
            checkout = reserve = None
        title = checkout.title if checkout else reserve.title if reserve else ""
        return pysip2.ItemInformationResponse(
            circulation_status="04",
            security_marker="00",
            fee_type="01",
            transaction_date=context.now_18(),
            due_date=f"{checkout.due_on:%Y%m%d}    235900" if checkout else None,
            hold_pickup_date="20260309    235900" if reserve and reserve.ready else None,
            item_identifier=barcode,
            title_identifier=title,
            media_type="001",
        )

    def _change_hold(self, asked: Any, context: Any) -> Any:
        # As some servers do: it does not matter whose it is.
        wanted = [reserve for reserve in self.shelves.reserves if reserve.barcode == asked.item_identifier]
        done = asked.hold_mode == "-" and bool(wanted) and not self.keeps_holds
        if done:
            self.shelves.reserves.remove(wanted[0])
        return pysip2.HoldResponse(
            ok="1" if done else "0",
            available="N",
            transaction_date=context.now_18(),
            institution_id=INSTITUTION,
            patron_identifier=asked.patron_identifier,
        )

    def _renew(self, asked: Any, context: Any) -> Any:
        # As some servers do: it does not matter whose it is.
        checkout = next(c for c in self.shelves.checkouts.values() if c.barcode == asked.item_identifier)
        refused = self.shelves.reason_against(checkout) is not None
        if not refused:
            self.shelves.renew(checkout)
        return pysip2.RenewResponse(
            ok="0" if refused else "1",
            renewal_ok="N" if refused else "Y",
            magnetic_media="U",
            desensitize="U",
            transaction_date=context.now_18(),
            institution_id=INSTITUTION,
            patron_identifier=asked.patron_identifier,
            item_identifier=checkout.barcode,
            title_identifier=checkout.title,
            due_date=f"{checkout.due_on:%Y-%m-%d}",
            screen_message=(f"{checkout.title} is on hold",) if refused else (),
        )

    def _renew_all(self, asked: Any, context: Any) -> Any:
        mine = self.shelves.of(asked.patron_identifier)
        free = [checkout for checkout in mine if self.shelves.reason_against(checkout) is None]
        for checkout in free:
            self.shelves.renew(checkout)
        return pysip2.RenewAllResponse(
            ok="1",
            renewed_count=f"{len(free):04}",
            unrenewed_count=f"{len(mine) - len(free):04}",
            transaction_date=context.now_18(),
            institution_id=INSTITUTION,
            renewed_items=tuple(checkout.barcode for checkout in free),
            unrenewed_items=tuple(checkout.barcode for checkout in mine if checkout not in free),
        )


@contextmanager
def sip2(encoding: Encoding = "utf-8") -> Iterator[Sip2World]:
    """A SIP2 server behind a real socket."""
    world = Sip2World(encoding)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(world.server.start()) as port:
        world.connect(port)
        yield world
