"""Koha cannot run here: it needs Perl, MariaDB and a search engine. This is a small HTTP server that answers as Koha's
published schema (api/v1/swagger) says: the routes, embeds and queries it knows are refused or answered as there, and
each answer is held against the schema's properties and types, so that a field cannot be imagined.
"""

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta, timezone
from typing import Any

from flask import Flask, Response, jsonify, request

from app.ils.json_call import make_client
from app.ils.koha.login import BasicLogin, OAuthLogin
from app.ils.koha.system import KohaSystem
from tests.contract.invented_library import Checkout, InventedWorld, Reserve
from tests.contract.koha_holds import serve_holds
from tests.contract.koha_schema import EMBEDS, SCHEMA
from tests.contract.world import NOW, PASSWORD, PATIENCE, USER, Counted, serving

OSLO = timezone(timedelta(hours=1))


def number_of(title: str) -> int:
    """The bibliographic record's number."""
    return sum(map(ord, title))


class KohaWorld(InventedWorld):
    called = r"Koha 25\.05\.01\.000"

    def __init__(self) -> None:
        super().__init__()
        self.app = Counted(self._server())
        self.violations: list[str] = []
        self.tokens = 0
        self.drops_bodies = False
        self.generator = "Koha 25.0501000"
        self.grows: dict[int, float] = {}
        self.lost_cards: set[str] = set()
        # Lists that this user may not read, rows that are sent otherwise, and rows that are there and not sent.
        self.closed: set[str] = set()
        self.odd: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.untold: dict[str, int] = {}

    def connect(self, client: Any, url: str, *, oauth: bool) -> None:
        def open_system(password: str = PASSWORD) -> KohaSystem:
            login = OAuthLogin(client_id=USER, client_secret=password)
            chosen = login if oauth else BasicLogin(user=USER, password=password)
            api = f"{url}/api/v1"
            return KohaSystem(
                client=client,
                url=api,
                login=chosen,
                currency=self.currency,
                seconds=PATIENCE,
                clock=lambda: NOW,
            )

        self.open = open_system
        self.system = open_system()

    def loan_id(self, checkout: Checkout) -> str:
        return str(checkout.number)

    def with_wrong_password(self) -> KohaSystem:
        return self.open(password="another password")

    def calls(self) -> int:
        return len([address for address in self.app.addresses if "/oauth/" not in address])

    def addresses(self) -> list[str]:
        return self.app.addresses

    def conforming(self, definition: str, row: dict[str, Any]) -> dict[str, Any]:
        for name, value in row.items():
            types = SCHEMA[definition].get(name)
            if types is None or not any(type(value) in (t if isinstance(t, tuple) else (t,)) for t in types):
                self.violations.append(f"{definition}.{name}: {value!r}")
        return row

    def _server(self) -> Flask:
        app = Flask("koha")

        @app.after_request
        def offer_a_session(response: Response) -> Response:
            # Koha offers one with each answer; the gate must have none.
            response.set_cookie("CGISESSID", "session", path="/")
            return response

        @app.before_request
        def authenticate() -> Any:
            self.violations += [f"a cookie came back: {name}" for name in request.cookies]
            if request.path in ("/", "/api/v1/oauth/token"):
                return None
            basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            if request.headers.get("Authorization") in (basic, f"Bearer token-{self.tokens}"):
                return None
            return self.fault(401, "Authentication failure.")

        @app.get("/")
        def front_page() -> Any:
            return f'<html><head><meta name="generator" content="{self.generator}" /></head></html>'

        @app.post("/api/v1/oauth/token")
        def token() -> Any:
            given = (request.form["grant_type"], request.form["client_id"], request.form["client_secret"])
            if given != ("client_credentials", USER, PASSWORD):
                return self.fault(403, "unauthorized_client")
            self.tokens += 1
            return {"access_token": f"token-{self.tokens}", "token_type": "Bearer", "expires_in": 3600}

        @app.get("/api/v1/patrons")
        def patrons() -> Any:
            return self._listed("patrons", [self._patron(card) for card in self.shelves.cards])

        @app.get("/api/v1/checkouts")
        def checkouts() -> Any:
            return self._listed("checkouts", [self._checkout(c, True) for c in self.shelves.checkouts.values()])

        @app.get("/api/v1/holds")
        def holds() -> Any:
            return self._listed("holds", [self.hold_row(reserve) for reserve in self.shelves.reserves])

        @app.get("/api/v1/items")
        def items() -> Any:
            checkouts = self.shelves.checkouts.values()
            return self._listed("items", [self._checkout(checkout, True)["item"] for checkout in checkouts])

        @app.get("/api/v1/patrons/<int:patron_id>/account")
        def account(patron_id: int) -> Any:
            if "account" in self.closed:
                return self.fault(403, "Authorization failure. Missing required permission(s).")
            card = next(card for card, number in self.shelves.cards.items() if number == patron_id)
            return self.odd.get("account", dict)(self._balance(card))

        @app.post("/api/v1/checkouts/<int:checkout_id>/renewal")
        def renewal(checkout_id: int) -> Any:
            checkout = self.shelves.checkouts.get(checkout_id)
            if checkout is None:
                return self.fault(404, "Checkout not found")
            if reason := self.shelves.reason_against(checkout):
                return self.fault(403, f"Renewal not authorized ({reason})")
            self.shelves.renew(checkout)
            return self._checkout(checkout, False), 201, {"Location": request.path}

        serve_holds(app, self)
        return app

    def fault(self, status: int, error: str) -> tuple[Response, int]:
        return jsonify(self.conforming("error", {"error": error})), status

    def _listed(self, path: str, rows: list[dict[str, Any]]) -> Any:
        if path in self.closed:
            return self.fault(403, "Authorization failure. Missing required permission(s).")
        embeds = list(filter(None, request.headers.get("x-koha-embed", "").split(",")))
        if not set(embeds) <= EMBEDS[path] or not request.args.keys() <= {"_page", "_per_page", "_match", "_order_by"}:
            return self.fault(400, "Properties not allowed")
        query = {} if self.drops_bodies else request.get_json(silent=True) or {}
        for name, wanted in query.items():
            rows = [row for row in rows if row[name] in (wanted if isinstance(wanted, list) else [wanted])]
        page = [self._embedded(path, row, embeds) for row in rows[: int(request.args.get("_per_page", 20))]]
        response = jsonify([self.odd.get(path, dict)(row) for row in page])
        response.headers["X-Total-Count"] = str(len(rows) + self.untold.get(path, 0))
        return response

    def _embedded(self, path: str, row: dict[str, Any], embeds: list[str]) -> dict[str, Any]:
        """Leave out what is not asked for."""
        hidden = {"account_balance", "item", "biblio"} - {embed.partition(".")[0] for embed in embeds}
        return {name: value for name, value in row.items() if name not in hidden}

    def _patron(self, card: str) -> dict[str, Any]:
        row = {
            "patron_id": self.shelves.patron_id(card),
            "cardnumber": card,
            "surname": "Granberg",
            "firstname": "Tove",
            "date_of_birth": "2015-01-01",
            "library_id": "MULL",
            "category_id": "BARN",
            "expiry_date": "2027-01-01",
            "patron_card_lost": card in self.lost_cards,
            "restricted": False,
            "account_balance": self._owed(card) / 100,
        }
        return self.conforming("patron", row)

    def _checkout(self, checkout: Checkout, embedded: bool) -> dict[str, Any]:
        row = {
            "checkout_id": checkout.number,
            "patron_id": self.shelves.patron_id(checkout.card_number),
            "item_id": checkout.number + 1,
            "due_date": datetime.combine(checkout.due_on, time(23, 59), OSLO).isoformat(),
            "library_id": "MULL",
            "renewals_count": checkout.renewals,
            "onsite_checkout": False,
            "checkout_date": NOW.isoformat(),
        }
        if embedded:
            biblio = {
                "biblio_id": number_of(checkout.title),
                "title": f"{checkout.title} /",
                "author": "Lagerlöf, Selma,",
            }
            item = {
                "item_id": checkout.number + 1,
                "biblio_id": number_of(checkout.title),
                "external_id": checkout.barcode,
                "effective_item_type_id": "BOK",
                "biblio": biblio,
            }
            row["item"] = self.conforming("item", item)
        return self.conforming("checkout", row)

    def hold_row(self, reserve: Reserve) -> dict[str, Any]:
        row = {
            "hold_id": reserve.number,
            "patron_id": self.shelves.patron_id(reserve.card_number),
            "hold_date": "2026-03-01",
            "biblio_id": number_of(reserve.title),
            "priority": 0 if reserve.ready else 1,
            "status": "W" if reserve.ready else None,
            "expiration_date": "2026-03-09" if reserve.ready else None,
            "pickup_library_id": reserve.place,
            "suspended": reserve.paused,
            "suspended_until": f"{reserve.resumes_on}T00:00:00+01:00" if reserve.resumes_on else None,
            "biblio": {"biblio_id": number_of(reserve.title), "title": reserve.title, "author": None},
        }
        return self.conforming("hold", row)

    def _owed(self, card: str) -> int:
        running = sum(int(100 * self.grows.get(checkout.number, 0)) for checkout in self.shelves.of(card))
        return running + sum(amount for owner, _, amount in self.shelves.fees if owner == card)

    def _balance(self, card: str) -> dict[str, Any]:
        lines = [
            self._line(card, number, kind, amount / 100, None, None)
            for number, (owner, kind, amount) in enumerate(self.shelves.fees, start=1)
            if owner == card
        ]
        lines += [
            self._line(card, 500 + checkout.number, "OVERDUE", self.grows[checkout.number], checkout, "UNRETURNED")
            for checkout in self.shelves.of(card)
            if checkout.number in self.grows
        ]
        total = self._owed(card) / 100
        return self.conforming(
            "patron_balance",
            {
                "balance": total,
                "outstanding_credits": {"total": 0, "lines": []},
                "outstanding_debits": {"total": total, "lines": lines},
            },
        )

    def _line(
        self, card: str, number: int, kind: str, amount: float, checkout: Checkout | None, status: str | None
    ) -> dict[str, Any]:
        row = {
            "account_line_id": number,
            "checkout_id": checkout.number if checkout else None,
            "patron_id": self.shelves.patron_id(card),
            "date": "2026-03-01T09:00:00+01:00",
            "amount": amount,
            "amount_outstanding": amount,
            "description": f"{checkout.title} 2026-03-30" if checkout else "New card",
            "debit_type": kind,
            "status": status,
        }
        return self.conforming("account_line", row)


@contextmanager
def koha(*, oauth: bool) -> Iterator[KohaWorld]:
    """A Koha behind a real server. What it answered against the schema fails the test."""
    world = KohaWorld()
    with serving(world.app) as url, make_client() as client:
        world.connect(client, url, oauth=oauth)
        yield world
    assert not world.violations
    # Nothing is asked for by a query but the size of the page.
    assert not re.search(r"\?(?!_per_page=\d+$).", "\n".join(world.addresses()), re.MULTILINE)
