"""A library that runs Koha, by Koha's REST API (api.koha-community.org; Koha's api/v1/swagger).

A family is three calls (patrons, checkouts, holds), and one more for each card that owes something. Card numbers stand
in the query that goes as the request's body (`q_body` in the schema); a proxy that drops bodies of GET is noticed.
Koha's own ids of patrons and checkouts stand in some addresses, as its API has it.

Needs a Koha whose schema permits the embeds account_balance (patrons), item.biblio (checkouts) and biblio (holds), and
an API user with the permissions list_borrowers, edit_borrowers, circulate_remaining_permissions, place_holds and
updatecharges.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

import httpx

from app.ils.budget import BUDGET_SECONDS, Budget, call_within, utc_now
from app.ils.guard import Guard
from app.ils.json_call import Reply, call_json
from app.ils.koha import answers
from app.ils.koha.login import BasicLogin, OAuthLogin
from app.ils.port import Account, Loan, Refused, Renewal, T, Unavailable, read

_MOST_ROWS: Final = 500

R = TypeVar("R", answers.Checkout, answers.HoldRow)


class KohaSystem:
    """One Koha. Fulfils LibrarySystem; safe to share between threads.

    `url` is the API's, such as https://koha.example/api/v1. Koha's API does not tell its currency: `currency` does.
    """

    def __init__(
        self,
        *,
        client: httpx.Client,
        url: str,
        login: BasicLogin | OAuthLogin,
        currency: str,
        seconds: float = BUDGET_SECONDS,
        clock: Callable[[], datetime] = utc_now,
        guard: Guard | None = None,
    ) -> None:
        self.guard = guard or Guard()
        self._client = client
        self._url = url.rstrip("/")
        self._login = login
        self._currency = currency
        self._seconds = seconds
        self._clock = clock

    def accounts(self, *, card_numbers: Sequence[str]) -> list[Account]:
        """See LibrarySystem."""
        asked = list(dict.fromkeys(card_numbers))
        if not asked:
            return []
        return call_within(self._seconds, lambda budget: self._accounts(asked, budget), guard=self.guard)

    def renew(self, *, card_number: str, loan_id: str) -> Loan:
        """See LibrarySystem. Koha would renew any checkout: that it is this card's is checked before."""

        def act(budget: Budget) -> Loan:
            for loan in self._loans_of(card_number, budget):
                if loan.loan_id == loan_id:
                    return self._renew(loan, budget)
            raise Refused("unknown_loan")

        return call_within(self._seconds, act, guard=self.guard)

    def renew_all(self, *, card_number: str) -> list[Renewal]:
        """See LibrarySystem. A call for each loan, so it may take three times as long as others."""

        def attempt(loan: Loan, budget: Budget) -> Renewal:
            try:
                return Renewal(self._renew(loan, budget), True, None)
            except Refused as refused:
                return Renewal(loan, False, refused.code)

        return call_within(
            3 * self._seconds,
            lambda budget: [attempt(loan, budget) for loan in self._loans_of(card_number, budget)],
            guard=self.guard,
        )

    def _accounts(self, asked: Sequence[str], budget: Budget) -> list[Account]:
        patrons = self._patrons(asked, budget)
        ids = [patron.patron_id for patron in patrons.values()]
        checkouts = self._rows_of(answers.Checkout, "checkouts", ids, "item.biblio", budget)
        holds = self._rows_of(answers.HoldRow, "holds", ids, "biblio", budget)
        found = []
        for card in asked:
            if (patron := patrons.get(card)) is None:
                found.append(answers.empty_account(card, currency=self._currency))
                continue
            owed = answers.NOTHING_OWED
            if patron.account_balance and patron.account_balance > 0:
                reply = self._call("GET", f"patrons/{patron.patron_id}/account", budget)
                balance = read(answers.Balance, self._json(reply, 200))
                owed = answers.owed(balance, currency=self._currency)
            found.append(
                answers.account(
                    patron,
                    checkouts=checkouts.get(patron.patron_id, []),
                    holds=holds.get(patron.patron_id, []),
                    owed=owed,
                    currency=self._currency,
                    now=self._clock(),
                )
            )
        return found

    def _patrons(self, asked: Sequence[str], budget: Budget) -> dict[str, answers.Patron]:
        found = self._list(answers.Patron, "patrons", {"cardnumber": list(asked)}, "account_balance", budget)
        patrons = {patron.cardnumber: patron for patron in found}
        if len(patrons) != len(found) or not patrons.keys() <= set(asked):
            raise Unavailable("bad_answer")
        return patrons

    def _rows_of(self, kind: type[R], path: str, ids: Sequence[int], embed: str, budget: Budget) -> dict[int, list[R]]:
        if not ids:
            return {}
        rows: dict[int, list[R]] = {number: [] for number in ids}
        for row in self._list(kind, path, {"patron_id": list(ids)}, embed, budget):
            if row.patron_id not in rows:
                raise Unavailable("bad_answer")
            rows[row.patron_id].append(row)
        return rows

    def _loans_of(self, card_number: str, budget: Budget) -> list[Loan]:
        patrons = self._patrons([card_number], budget)
        ids = [patron.patron_id for patron in patrons.values()]
        rows = self._rows_of(answers.Checkout, "checkouts", ids, "item.biblio", budget)
        return answers.loans([row for mine in rows.values() for row in mine], running={}, now=self._clock())

    def _renew(self, loan: Loan, budget: Budget) -> Loan:
        reply = self._call("POST", f"checkouts/{loan.loan_id}/renewal", budget)
        if reply.status in (403, 404):
            problem = read(answers.Problem, self._json(reply, reply.status))
            if problem.required_permissions is not None:
                raise Unavailable("not_admitted")
            raise Refused("unknown_loan" if reply.status == 404 else problem.refusal())
        due_on, overdue = read(answers.Due, self._json(reply, 201)).due(now=self._clock())
        return replace(loan, due_on=due_on, overdue=overdue)

    def _list(self, kind: type[T], path: str, query: Mapping[str, object], embed: str, budget: Budget) -> list[T]:
        reply = self._call("GET", f"{path}?_per_page={_MOST_ROWS}", budget, query, {"x-koha-embed": embed})
        rows = self._json(reply, 200)
        if not isinstance(rows, list) or (reply.total or 0) > len(rows):
            raise Unavailable("bad_answer")
        return [read(kind, row) for row in rows]

    def _json(self, reply: Reply, status: int) -> object:
        if reply.status == 403 != status:
            raise Unavailable("not_admitted")
        if reply.status != status or reply.media_type != "application/json":
            raise Unavailable("bad_answer")
        return reply.json()

    def _call(
        self, method: str, path: str, budget: Budget, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        reply = call_json(
            client=self._client,
            method=method,
            url=f"{self._url}/{path}",
            budget=budget,
            body=body,
            headers={**(headers or {}), "Authorization": self._login.header(self._client, self._url, budget)},
        )
        if reply.status == 401:
            self._login.forget()
            raise Unavailable("not_admitted")
        if reply.status == 503:
            raise Unavailable("busy")
        return reply
