"""Our own circulation, the real one, with the rules of Mullsjö."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from typing import Any

import httpx
from sqlalchemy import select

from app.ils.circulation.system import CirculationSystem
from app.ils.json_call import make_client
from circulation.factory import create_circulation
from circulation.lending.interlibrary import match_key
from circulation.settings import Settings
from circulation.tables import Item, Loan
from tests.conftest import Clock
from tests.contract.world import NOW, PASSWORD, PATIENCE, TITLE, USER, Counted, Lent, World, serving

STAFF = "desk-1"


class CirculationWorld(World):
    called = r"Lånekort \d+\.\d+\.\d+ \(\d{4}\)"

    def __init__(self, urls: dict[str, str]) -> None:
        self.clock = Clock(NOW)
        app = create_circulation(Settings(urls, USER, PASSWORD), clock=self.clock)
        self.libraries = app.extensions["circulation"]
        self.database = self.libraries["Mull"].database
        self.app = Counted(app)
        self._barcodes = count(1)
        self._open: Callable[..., CirculationSystem] | None = None

    def connect(self, client: httpx.Client, url: str) -> None:
        def open_system(library_id: str = "Mull", password: str = PASSWORD) -> CirculationSystem:
            return CirculationSystem(
                client=client, url=url, library_id=library_id, user=USER, password=password, seconds=PATIENCE
            )

        self.open = open_system
        self.system = self.lending = open_system()

    def stock(self, title: str = TITLE, **fields: Any) -> str:
        """Put a copy of a new edition on the shelf; its barcode."""
        barcode = f"C{next(self._barcodes)}"
        values = {"author": "Lagerlöf, Selma", "category": "book", "shelf_code": "Hc", "publication_year": 1891}
        values |= {"edition": f"edition-{barcode}", "interlibrary": False, "state": "stock", **fields}
        with self.database.writing() as session:
            session.add(Item(barcode=barcode, title=title, match_key=match_key(title), **values))
        return barcode

    def lend(self, card_number: str, title: str = TITLE, *, days_ago: int = 0) -> Lent:
        barcode = self.stock(title)
        self.clock.turn(days=-days_ago)
        loan = self.lending.check_out(card_number=card_number, barcode=barcode).loan
        self.clock.turn(days=days_ago)
        return Lent(loan.loan_id, title, loan.due_on)

    def barcode_of(self, lent: Lent) -> str:
        with self.database.reading() as session:
            row = select(Item.barcode).join(Loan, Loan.item_id == Item.id).where(Loan.id == lent.loan_id)
            return str(session.scalars(row).one())

    def take_back(self, lent: Lent) -> None:
        self.lending.return_item(barcode=self.barcode_of(lent), staff="desk-1")

    def want(self, lent: Lent, card_number: str) -> None:
        self.lending.reserve(card_number=card_number, barcode=self.barcode_of(lent))

    def charge(self, card_number: str) -> None:
        key = f"charge-{card_number}"
        self.lending.issue_replacement_card(card_number=card_number, idempotency_key=key, staff=STAFF)

    def due_on(self, lent: Lent) -> date:
        with self.database.reading() as session:
            return session.scalars(select(Loan.due_on).where(Loan.id == lent.loan_id)).one()

    def with_wrong_password(self) -> CirculationSystem:
        return self.open(password="another password")

    def calls(self) -> int:
        return len(self.app.addresses)

    def addresses(self) -> list[str]:
        return self.app.addresses

    def close(self) -> None:
        for library in self.libraries.values():
            library.database.close()


@contextmanager
def circulation_in_process(urls: dict[str, str]) -> Iterator[CirculationWorld]:
    """Circulation called without a network, as in the demo."""
    world = CirculationWorld(urls)
    with make_client(transport=httpx.WSGITransport(app=world.app)) as client:
        world.connect(client, "http://circulation")
        yield world
    world.close()


@contextmanager
def circulation_over_http(urls: dict[str, str]) -> Iterator[CirculationWorld]:
    """Circulation behind a real server, as in production."""
    world = CirculationWorld(urls)
    with serving(world.app) as url, make_client() as client:
        world.connect(client, url)
        yield world
    world.close()
