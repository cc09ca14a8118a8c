"""A hundred at once, and a power cut in the middle: real threads, real processes, real kill -9, on both engines."""

import json
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.circulation.conftest import ANNA, BERIT, PASSWORD, STAFF, USER, Building
from tests.circulation.racing import Act, card, lend_late_film

pytestmark = pytest.mark.usefixtures("programs")

CROWD = 100


def together(mull: Building, acts: list[Act]) -> Counter[str]:
    """Each act in a thread of its own, all at once. Counts the outcomes."""

    def run(act: Act) -> str:
        call, body = act
        client = mull.app.test_client()
        answer = client.post(f"/circulation/v1/{mull.library}/{call}", json=body, auth=(USER, PASSWORD))
        code: str = answer.get_json().get("code", "ok")
        return code

    with ThreadPoolExecutor(CROWD) as crowd:
        return Counter(crowd.map(run, acts))


def start(mull: Building, acts: list[Act], stop: str = "") -> subprocess.Popen[str]:
    """A process that waits at its start line."""
    arguments = [mull.url, mull.clock().isoformat(), stop, json.dumps(acts)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.circulation.worker", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def in_processes(mull: Building, acts: list[Act]) -> Counter[str]:
    """The acts dealt out to two processes that start together."""
    processes = [start(mull, acts[number::2]) for number in range(2)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return Counter(line for process in processes for line in process.communicate()[0].split())


def pay(card_number: str, amount: int, key: str) -> Act:
    body = {"card_number": card_number, "amount": amount, "currency": "SEK", "idempotency_key": key, **STAFF}
    return "fees/pay", body


@pytest.mark.parametrize("race", [together, in_processes])
def test_a_hundred_checkouts_of_one_copy_give_one_loan(mull: Building, race: Any) -> None:
    mull.stock("1001")
    acts = [("loans/checkout", {"card_number": card(number), "barcode": "1001"}) for number in range(CROWD)]
    assert race(mull, acts) == {"ok": 1, "on_loan": CROWD - 1}
    assert mull.column("SELECT count(*) FROM loans") == [1]


@pytest.mark.parametrize("race", [together, in_processes])
def test_a_hundred_returns_have_one_effect(mull: Building, race: Any) -> None:
    lend_late_film(mull)
    assert race(mull, [("loans/return", {"barcode": "1001"})] * CROWD) == {"ok": 1, "not_on_loan": CROWD - 1}
    assert mull.column("SELECT amount FROM debts") == [10000]


@pytest.mark.parametrize("race", [together, in_processes])
def test_a_payment_sent_a_hundred_times_is_one_payment(mull: Building, race: Any) -> None:
    lend_late_film(mull)
    mull.act("loans/return", barcode="1001")
    assert race(mull, [pay(ANNA, 4000, "payment-1")] * CROWD) == {"ok": CROWD}
    assert mull.column("SELECT amount FROM payments") == [4000]
    assert mull.patron()["debt_total"] == 6000


def test_a_hundred_payments_never_take_more_than_is_owed(mull: Building) -> None:
    lend_late_film(mull)
    mull.act("loans/return", barcode="1001")
    outcome = together(mull, [pay(ANNA, 1000, f"payment-{number}") for number in range(CROWD)])
    assert outcome == {"ok": 10, "overpaid": CROWD - 10}
    assert mull.column("SELECT sum(amount) FROM payments") == [10000]
    assert mull.patron()["debt_total"] == 0


def test_one_key_used_by_many_patrons_is_one_payment(mull: Building) -> None:
    for number in range(10):
        mull.stock(f"b{number}", category="dvd")
        mull.lend(f"b{number}", to=card(number))
    mull.clock.turn(days=10)
    for number in range(10):
        mull.act("loans/return", barcode=f"b{number}")
    outcome = together(mull, [pay(card(number % 10), 1000, "the-same-key") for number in range(CROWD)])
    assert (outcome["ok"], outcome["key_reused"]) == (10, CROWD - 10)
    assert mull.column("SELECT count(*) FROM payments") == [1]


def test_a_hundred_renewals_on_one_day_use_one(mull: Building) -> None:
    mull.stock("1001")
    loan_id = mull.lend("1001")
    mull.clock.turn(days=5)
    outcome = together(mull, [("loans/renew", {"card_number": ANNA, "loan_id": loan_id})] * CROWD)
    assert outcome == {"ok": 1, "nothing_gained": CROWD - 1}
    assert mull.column("SELECT renewals FROM loans") == [1]


def test_a_hundred_replacement_cards_with_one_key_cost_once(mull: Building) -> None:
    body = {"card_number": ANNA, "idempotency_key": "card-0001", **STAFF}
    assert together(mull, [("cards/replacement", body)] * CROWD) == {"ok": CROWD}
    assert mull.column("SELECT amount FROM debts") == [2500]


def test_holds_never_exceed_their_limit(mull: Building) -> None:
    barcodes = [f"b{number}" for number in range(30)]
    mull.stock(*barcodes)
    outcome = together(mull, [("holds/reserve", {"card_number": ANNA, "barcode": barcode}) for barcode in barcodes])
    assert outcome == {"ok": 10, "too_many_holds": 20}


def test_a_copy_is_never_set_aside_twice_nor_left_free_while_someone_waits(mull: Building) -> None:
    mull.stock("c1", "c2", "c3", edition="saga")
    for number, barcode in enumerate(("c1", "c2", "c3")):
        mull.lend(barcode, to=card(500 + number))
    acts: list[Act] = [("holds/reserve", {"card_number": card(n), "barcode": "c1"}) for n in range(20)]
    acts[5:5] = [("loans/return", {"barcode": barcode}) for barcode in ("c1", "c2", "c3")]
    assert together(mull, acts) == {"ok": 23}
    assert mull.column("SELECT count(DISTINCT item_id) FROM holds WHERE item_id IS NOT NULL") == [3]
    ready = mull.column("SELECT number FROM holds WHERE item_id IS NOT NULL ORDER BY number")
    assert ready == mull.column("SELECT number FROM holds ORDER BY number")[:3]


def test_everything_at_once_ends_without_a_deadlock(mull: Building) -> None:
    """Loans, returns, payments, replaced cards and departures of the same few patrons and copies."""
    for number in range(4):
        mull.stock(f"b{number}", category="dvd", edition="one" if number < 2 else "two")
        mull.lend(f"b{number}", to=card(number))
    mull.clock.turn(days=9)
    acts: list[Act] = []
    for number in range(CROWD):
        patron, barcode = card(number % 4), f"b{number // 7 % 4}"
        acts.append(
            [
                ("loans/return", {"barcode": barcode}),
                ("loans/checkout", {"card_number": patron, "barcode": barcode}),
                ("loans/renew-all", {"card_number": patron}),
                ("patrons/rename", {"old_card_number": patron, "new_card_number": card((number + 1) % 5)}),
                ("holds/reserve", {"card_number": patron, "barcode": barcode}),
                pay(patron, 100, f"payment-{number}"),
                ("patrons/end", {"card_number": patron, "dry_run": False}),
                ("patrons/overview", {"card_numbers": [patron, card(4)]}),
                ("loans/lost", {"barcode": barcode, **STAFF}),
            ][number % 9]
        )
    outcome = together(mull, acts)
    assert not {"internal", "busy"} & set(outcome), outcome
    assert mull.column("SELECT count(*) FROM loans l JOIN holds h ON h.item_id = l.item_id") == [0]


ACTS = {
    "checkout": ("loans/checkout", {"card_number": BERIT, "barcode": "free"}),
    "return": ("loans/return", {"barcode": "1001"}),
    "payment": pay(BERIT, 3000, "payment-1"),
    "rename": ("patrons/rename", {"old_card_number": ANNA, "new_card_number": "N000299999"}),
    "loss": ("loans/lost", {"barcode": "1001", **STAFF}),
}


CHANGES = {
    "checkout": {"loans", "daily_totals"},
    "return": {"loans", "debts", "holds", "notices", "daily_totals"},
    "payment": {"debts", "payments"},
    "rename": {"loans"},
    "loss": {"loans", "debts", "items"},
}


@pytest.mark.parametrize(
    ("act", "where"),
    [*((act, "before_commit") for act in ACTS), ("return", "after_commit"), ("payment", "after_commit")],
)
def test_kill_9_leaves_all_or_nothing(mull: Building, act: str, where: str) -> None:
    mull.stock("0999", category="dvd")
    mull.stock("free")
    mull.lend("0999", to=BERIT)
    lend_late_film(mull)
    mull.act("holds/reserve", card_number=BERIT, barcode="1001")
    mull.act("loans/return", barcode="0999")
    before = mull.rows()

    process = start(mull, [ACTS[act]], stop=where)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.stdout.readline() == "stopped\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()

    if where == "before_commit":
        # A writer that comes later gets through, and finds what was before.
        mull.act("patrons/rename", old_card_number="N000000001", new_card_number="N000000002")
        assert mull.rows() == before
        call, body = ACTS[act]
        mull.act(call, **body)
    after = mull.rows()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == CHANGES[act]


@pytest.mark.parametrize("race", [together, in_processes])
def test_of_many_who_save_or_publish_rules_at_once_one_does(mull: Building, race: Any) -> None:
    def rules(price: int) -> dict[str, Any]:
        document = mull.act("rules/show", number=1, **STAFF)["document"]
        document["categories"]["dvd"]["overdue_per_day_ore"] = price
        result: dict[str, Any] = document
        return result

    for revision in (0, 1):
        saving = [("rules/draft", {"revision": revision, "document": rules(number), **STAFF}) for number in range(20)]
        assert race(mull, saving) == {"ok": 1, "changed_meanwhile": 19}
    publishing = [("rules/publish", {"revision": 2, "valid_from": "2026-03-06", **STAFF})] * 20
    outcome = race(mull, publishing)
    assert outcome["ok"] == 1
    assert set(outcome) <= {"ok", "changed_meanwhile", "no_draft"}
    assert mull.column("SELECT number FROM policy_versions ORDER BY number") == [1, 2]
