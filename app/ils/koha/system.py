"""A library that runs Koha, by Koha's REST API (api.koha-community.org; Koha's api/v1/swagger).

A family is three calls (patrons, checkouts, holds), and one more for each card that owes something. Card numbers stand
in the query that goes as the request's body (`q_body` in the schema); a proxy that drops bodies of GET is noticed.
Koha's own ids of patrons and checkouts stand in some addresses, as its API has it.

A Koha that does not know an embed answers 400, and is asked without it: titles then come from its list of items, and
what is owed by one call for each card. The API user needs the permissions list_borrowers, edit_borrowers,
circulate_remaining_permissions, place_holds and updatecharges, and without the embeds catalogue.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Final, Generic, TypeVar

import httpx

from app.ils.budget import BUDGET_SECONDS, Budget, attempt, call_within, utc_now
from app.ils.guard import Guard
from app.ils.json_call import Reply, call_json
from app.ils.koha import answers
from app.ils.koha.front_page import read_version
from app.ils.koha.login import BasicLogin, OAuthLogin
from app.ils.port import Account, Hold, Loan, Place, Refused, Renewal, Unavailable, read
from app.rules.people.ages import day_in_norway

_MOST_ROWS: Final = 500

# Of the time left once the loans are there.
_SHARE_FOR_THE_REST: Final = 0.8
_MOST_UNREAD: Final = 10_000

R = TypeVar("R", answers.Checkout, answers.HoldRow)


@dataclass(frozen=True, slots=True)
class _Rows(Generic[R]):
    """The rows of a list by patron, and how many of each patron's could not be read."""

    of: dict[int, list[R]]
    unread: Counter[int]


@dataclass(eq=False, repr=False, kw_only=True)
class KohaSystem:
    """One Koha. Fulfils LibrarySystem; safe to share between threads. `url` is the API's, such as
    https://koha.example/api/v1. Koha's API does not tell its currency: `currency` does."""

    client: httpx.Client
    url: str
    login: BasicLogin | OAuthLogin
    currency: str
    seconds: float = BUDGET_SECONDS
    clock: Callable[[], datetime] = utc_now
    guard: Guard = field(default_factory=Guard)

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")
        # Lists that this version sends without what is embedded.
        self._without_embed: set[str] = set()

    def accounts(self, *, card_numbers: Sequence[str]) -> list[Account]:
        """See LibrarySystem."""
        asked = list(dict.fromkeys(card_numbers))
        return call_within(self.seconds, partial(self._accounts, asked), guard=self.guard) if asked else []

    def renew(self, *, card_number: str, loan_id: str) -> Loan:
        """See LibrarySystem. Koha would renew any checkout: that it is this card's is checked before."""

        def act(budget: Budget) -> Loan:
            for loan in self._loans_of(card_number, budget):
                if loan.loan_id == loan_id:
                    return self._renew(loan, budget)
            raise Refused("unknown_loan")

        return call_within(self.seconds, act, guard=self.guard)

    def renew_all(self, *, card_number: str) -> list[Renewal]:
        """See LibrarySystem. A call for each loan, so it may take three times as long as others."""

        def try_renewal(loan: Loan, budget: Budget) -> Renewal:
            try:
                return Renewal(self._renew(loan, budget), True, None)
            except Refused as refused:
                return Renewal(loan, False, refused.code)

        def act(budget: Budget) -> list[Renewal]:
            return [try_renewal(loan, budget) for loan in self._loans_of(card_number, budget)]

        return call_within(3 * self.seconds, act, guard=self.guard)

    def cancel_hold(self, *, card_number: str, hold_id: str) -> None:
        """See LibrarySystem."""
        self._change_hold(card_number, hold_id, "cancel", "DELETE", f"holds/{hold_id}", 204)

    def pause_hold(self, *, card_number: str, hold_id: str, first: date, last: date) -> None:
        """See LibrarySystem. Koha pauses from now on."""
        if first > day_in_norway(self.clock()):
            raise Refused("cannot_pause")
        until = {"end_date": (last + timedelta(days=1)).isoformat()}
        self._change_hold(card_number, hold_id, "pause", "POST", f"holds/{hold_id}/suspension", 201, until)

    def resume_hold(self, *, card_number: str, hold_id: str) -> None:
        """See LibrarySystem."""
        self._change_hold(card_number, hold_id, "pause", "DELETE", f"holds/{hold_id}/suspension", 204)

    def pickup_places(self, *, card_number: str, hold_id: str) -> list[Place]:
        """See LibrarySystem."""

        def act(budget: Budget) -> list[Place]:
            if "move" not in self._hold_of(card_number, hold_id, budget).acts:
                return []
            path = f"holds/{hold_id}/pickup_locations?_per_page={_MOST_ROWS}"
            branches = read(list[answers.Branch], self._json(self._call("GET", path, budget), 200))
            return [Place(one.library_id, one.name or one.library_id) for one in branches if not one.needs_override]

        return call_within(self.seconds, act, guard=self.guard)

    def move_hold(self, *, card_number: str, hold_id: str, place_id: str) -> None:
        """See LibrarySystem."""
        self._change_hold(
            card_number, hold_id, "move", "PATCH", f"holds/{hold_id}", 200, {"pickup_library_id": place_id}
        )

    def version(self) -> str:
        """See LibrarySystem. The API does not tell; the front page of the same host does."""
        page = httpx.URL(self.url).copy_with(raw_path=b"/")
        reply = call_within(self.seconds, partial(call_json, client=self.client, method="GET", url=str(page)))
        return read_version(reply.body.decode("utf-8", "replace"))

    def _change_hold(
        self, card_number: str, hold_id: str, act: str, method: str, path: str, status: int, body: object = None
    ) -> None:
        """Make a call about a hold that is this card's, which Koha does not check."""

        def change(budget: Budget) -> None:
            if act not in self._hold_of(card_number, hold_id, budget).acts:
                raise Refused("hold_ready")
            reply = self._call(method, path, budget, body)
            if reply.status == 404:
                raise Refused("unknown_hold")
            if reply.status == 400:
                # Since it was looked at, a copy was found, or the place is none of this hold's.
                raise Refused("unknown_place" if act == "move" else "hold_ready")
            if reply.status == 403:
                raise Unavailable("not_admitted")
            if reply.status != status:
                raise Unavailable("bad_answer")

        call_within(self.seconds, change, guard=self.guard)

    def _hold_of(self, card_number: str, hold_id: str, budget: Budget) -> Hold:
        ids = [patron.patron_id for patron in self._patrons([card_number], budget).values()]
        rows = self._rows_of(answers.HoldRow, "holds", ids, "biblio", budget)
        for row in chain.from_iterable(rows.of.values()):
            if str(row.hold_id) == hold_id:
                return answers.hold(row)
        raise Refused("unknown_hold")

    def _accounts(self, asked: Sequence[str], budget: Budget) -> list[Account]:
        patrons = self._patrons(asked, budget)
        ids = [patron.patron_id for patron in patrons.values()]
        checkouts = self._checkouts(ids, budget)
        # The rest can be missing, and must not take the time to hand over the loans.
        spare = budget.share(_SHARE_FOR_THE_REST)
        holds = attempt(lambda: self._holds(ids, spare), None)
        found, now = [], self.clock()
        for card in asked:
            if (patron := patrons.get(card)) is None:
                found.append(Account(card, self.currency, (), (), (), (), (), 0, 0))
                continue
            number = patron.patron_id
            owed = attempt(partial(self._owed, patron, spare), answers.UNKNOWN)
            account = Account(
                card_number=card,
                currency=self.currency,
                loans=tuple(answers.loans(checkouts.of[number], running=owed.running, now=now)),
                holds=tuple(answers.hold(row) for row in (holds.of[number] if holds else ())),
                fees=owed.fees,
                requests=(),
                blocks=patron.blocks(now=now),
                debt_total=owed.debt_total,
                running_fees=owed.running_total,
                unread_loans=checkouts.unread[number],
                unread_holds=holds.unread[number] if holds else None,
            )
            found.append(account)
        return found

    def _owed(self, patron: answers.Patron, budget: Budget) -> answers.Owed:
        if patron.account_balance is not None and patron.account_balance <= 0:
            return answers.NOTHING_OWED
        reply = self._call("GET", f"patrons/{patron.patron_id}/account", budget)
        return answers.owed(read(answers.Balance, self._json(reply, 200)), currency=self.currency)

    def _patrons(self, asked: Sequence[str], budget: Budget) -> dict[str, answers.Patron]:
        rows = self._list("patrons", {"cardnumber": list(asked)}, "account_balance", budget)
        found = [read(answers.Patron, row) for row in rows]
        patrons = {patron.cardnumber.upper(): patron for patron in found}
        if len(patrons) != len(found) or not patrons.keys() <= set(asked):
            raise Unavailable("bad_answer")
        return patrons

    def _checkouts(self, ids: Sequence[int], budget: Budget) -> "_Rows[answers.Checkout]":
        rows = self._rows_of(answers.Checkout, "checkouts", ids, "item.biblio", budget)
        if (items := self._items("checkouts", "item_id", rows, budget)) is not None:
            for number, mine in rows.of.items():
                rows.of[number] = [replace(row, item=items[row.item_id]) for row in mine]
        return rows

    def _holds(self, ids: Sequence[int], budget: Budget) -> "_Rows[answers.HoldRow]":
        rows = self._rows_of(answers.HoldRow, "holds", ids, "biblio", budget)
        if (items := self._items("holds", "biblio_id", rows, budget)) is not None:
            for number, mine in rows.of.items():
                rows.of[number] = [replace(row, biblio=items[row.biblio_id].biblio) for row in mine]
        return rows

    def _items(self, path: str, by: str, rows: "_Rows[R]", budget: Budget) -> Mapping[int | None, answers.Item] | None:
        """Return the copies that rows name, by that number, where the list cannot embed them."""
        numbers = [number for mine in rows.of.values() for row in mine if (number := getattr(row, by)) is not None]
        if path not in self._without_embed or not numbers:
            return None
        spare = attempt(partial(budget.share, _SHARE_FOR_THE_REST), budget)
        listed = attempt(partial(self._list, "items", {by: numbers}, "biblio", spare), list[object]())
        items = [item for row in listed if (item := attempt(partial(read, answers.Item, row), None))]
        return defaultdict(answers.Item, {getattr(item, by): item for item in items})

    def _rows_of(self, kind: type[R], path: str, ids: Sequence[int], embed: str, budget: Budget) -> "_Rows[R]":
        found: _Rows[R] = _Rows({number: [] for number in ids}, Counter())
        for row in self._list(path, {"patron_id": list(ids)}, embed, budget) if ids else []:
            owner = attempt(partial(read, answers.Owner, row), None)
            if owner is not None and owner.patron_id not in found.of:
                raise Unavailable("bad_answer")
            # One that nobody's number stands in was sent for one of those who were asked about.
            number = owner.patron_id if owner else ids[0]
            if (read_row := attempt(partial(read, kind, row), None)) is None:
                found.unread[number] += 1
            else:
                found.of[number].append(read_row)
        return found

    def _loans_of(self, card_number: str, budget: Budget) -> list[Loan]:
        ids = [patron.patron_id for patron in self._patrons([card_number], budget).values()]
        rows = [row for mine in self._checkouts(ids, budget).of.values() for row in mine]
        return answers.loans(rows, running={}, now=self.clock())

    def _renew(self, loan: Loan, budget: Budget) -> Loan:
        reply = self._call("POST", f"checkouts/{loan.loan_id}/renewal", budget)
        if reply.status in (403, 404):
            problem = read(answers.Problem, self._json(reply, reply.status))
            if problem.required_permissions is not None:
                raise Unavailable("not_admitted")
            raise Refused("unknown_loan" if reply.status == 404 else problem.refusal())
        due_on, overdue = read(answers.Due, self._json(reply, 201)).due(now=self.clock())
        return replace(loan, due_on=due_on, overdue=overdue)

    def _list(self, path: str, query: Mapping[str, object], embed: str, budget: Budget) -> list[object]:
        """Return the rows of a list, with None for each that Koha has and did not send."""
        embeds = {} if path in self._without_embed else {"x-koha-embed": embed}
        reply = self._call("GET", f"{path}?_per_page={_MOST_ROWS}", budget, query, embeds)
        if reply.status == 400 and embeds:
            # This version does not know the embed.
            reply = self._call("GET", f"{path}?_per_page={_MOST_ROWS}", budget, query)
            if reply.status == 200:
                self._without_embed.add(path)
        rows = self._json(reply, 200)
        if not isinstance(rows, list):
            raise Unavailable("bad_answer")
        return rows + [None] * min(_MOST_UNREAD, max(0, (reply.total or 0) - len(rows)))

    def _json(self, reply: Reply, status: int) -> object:
        if reply.status == 403 != status:
            raise Unavailable("not_admitted")
        if reply.status != status or reply.media_type != "application/json":
            raise Unavailable("bad_answer")
        return reply.json()

    def _call(
        self, method: str, path: str, budget: Budget, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        sent = {**(headers or {}), "Authorization": self.login.header(self.client, self.url, budget)}
        url = f"{self.url}/{path}"
        reply = call_json(budget, client=self.client, method=method, url=url, body=body, headers=sent)
        if reply.status == 401:
            self.login.forget()
            raise Unavailable("not_admitted")
        if reply.status == 503:
            raise Unavailable("busy")
        return reply
