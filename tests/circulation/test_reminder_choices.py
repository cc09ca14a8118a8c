"""What a card's holder chose at the register: when to be reminded, by which way, and at which hours not."""

from typing import Any

import pytest

from circulation.lending.claims import run_claims
from circulation.lending.reminders import run_reminders
from circulation.notices import Sent, send_notices
from circulation.policy.rules import is_quiet
from tests.circulation.conftest import ANNA, BERIT, Building

NO_HOURS = {"quiet_from": 0, "quiet_to": 0}
PUSH = {"due": "push", "ready": "push", "overdue": "push", "days_before": 3, **NO_HOURS}
EMAIL = {"due": "email", "ready": "email", "overdue": "email", "days_before": 3, **NO_HOURS}
NIGHT = {"quiet_from": 21, "quiet_to": 8}


class Post:
    """What was sent, and who has which address."""

    def __init__(self, *, phone: str | None = "+4740612345", shows: bool = True, texts: bool = True) -> None:
        self.phone, self.shows, self.texts = phone, shows, texts
        self.letters: list[str] = []
        self.messages: list[tuple[str, str]] = []
        self.pushed: list[tuple[str, str, str]] = []
        self.asked: list[str] = []

    def address_of(self, card_number: str) -> str | None:
        self.asked.append(card_number)
        return "anna@example.org"

    def push(self, card_number: str, kind: str, key: str) -> bool:
        if self.shows:
            self.pushed.append((card_number, kind, key))
        return self.shows

    def text(self, number: str, words: str) -> bool:
        if self.texts:
            self.messages.append((number, words))
        return self.texts

    def run(self, mull: Building) -> Sent:
        return send_notices(
            database=mull.database,
            policy=mull.policy,
            sender="bibliotek@example.org",
            address_of=self.address_of,
            send=lambda letter: self.letters.append(letter.get_content()),
            phone_of=lambda _card_number: self.phone,
            text=self.text,
            push=self.push,
            now=mull.clock(),
        )


def choose(mull: Building, card_number: str = ANNA, **chosen: Any) -> None:
    mull.act("patrons/reminders", card_number=card_number, **chosen)


def lend(mull: Building, *, days: float) -> None:
    mull.stock("1001")
    mull.lend("1001")
    mull.clock.turn(days=days)


def remind(mull: Building) -> int:
    return run_reminders(database=mull.database, policy=mull.policy, now=mull.clock())


def test_who_chose_is_reminded_on_their_own_day(mull: Building) -> None:
    choose(mull, **EMAIL | {"days_before": 9})
    lend(mull, days=0)
    mull.stock("1002")
    mull.lend("1002", to=BERIT)
    (due,) = mull.column("SELECT min(due_on) FROM loans")
    assert due is not None
    for _ in range(40):
        mull.clock.turn(days=1)
        remind(mull)
    assert mull.column(f"SELECT step FROM notices WHERE card_number = '{ANNA}'") == [9]
    steps = mull.column(f"SELECT step FROM notices WHERE card_number = '{BERIT}' ORDER BY step")
    assert steps == list(mull.policy.reminder_days)


def test_who_wants_none_gets_no_reminder(mull: Building) -> None:
    choose(mull, **EMAIL | {"due": "none"})
    lend(mull, days=26)
    assert remind(mull) == 0


def test_a_notification_is_asked_for_once_and_no_address(mull: Building) -> None:
    choose(mull, **PUSH)
    lend(mull, days=26)
    remind(mull)
    post = Post()
    assert post.run(mull) == Sent(1, 0, 0)
    ((card_number, kind, key),) = post.pushed
    assert (card_number, kind, len(key)) == (ANNA, "due", 64)
    assert (post.letters, post.asked) == ([], [])
    assert post.run(mull) == Sent(0, 0, 0)


def test_a_notification_that_nobody_shows_becomes_an_email(mull: Building) -> None:
    choose(mull, **PUSH)
    lend(mull, days=26)
    remind(mull)
    post = Post(shows=False)
    assert post.run(mull) == Sent(1, 0, 0)
    assert len(post.letters) == 1


def test_a_text_message_says_whose_it_is_how_many_and_when_and_never_what(mull: Building) -> None:
    choose(mull, **EMAIL | {"due": "sms"})
    lend(mull, days=26)
    remind(mull)
    post = Post()
    assert post.run(mull) == Sent(1, 0, 0)
    ((number, words),) = post.messages
    assert number == "+4740612345"
    assert words.startswith(f"{mull.policy.name}: Lån som ska vara tillbaka senast ")
    assert "Gösta" not in words
    assert post.letters == []


@pytest.mark.parametrize("wants", [{"phone": None}, {"texts": False}])
def test_who_gets_no_text_message_gets_an_email(mull: Building, wants: dict[str, Any]) -> None:
    post = Post(**wants)
    choose(mull, **EMAIL | {"due": "sms"})
    lend(mull, days=26)
    remind(mull)
    assert post.run(mull) == Sent(1, 0, 0)
    assert (len(post.letters), post.messages) == (1, [])


def test_nothing_is_sent_in_quiet_hours_and_all_of_it_after_them(mull: Building) -> None:
    hour = mull.clock().astimezone(mull.policy.zone).hour
    choose(mull, **EMAIL | {"quiet_from": hour, "quiet_to": (hour + 2) % 24})
    lend(mull, days=26)
    remind(mull)
    post = Post()
    assert post.run(mull) == Sent(0, 0, 0, quiet=1)
    assert (post.letters, post.asked) == ([], [])
    mull.clock.turn(days=3 / 24)
    assert post.run(mull) == Sent(1, 0, 0)


def test_a_claim_that_nobody_wants_stays_to_be_printed(mull: Building) -> None:
    choose(mull, **EMAIL | {"overdue": "none", "due": "none"})
    lend(mull, days=60)
    assert run_claims(database=mull.database, policy=mull.policy, now=mull.clock()) > 0
    post = Post()
    assert post.run(mull) == Sent(0, 1, 0)
    assert mull.column("SELECT count(*) FROM notices WHERE sent_on IS NULL AND kind = 'claim'") != [0]


@pytest.mark.parametrize(
    "wrong", [{"due": "fax"}, {"days_before": 15}, {"days_before": -1}, {"quiet_from": 24}, {"quiet_to": "8"}]
)
def test_what_cannot_be_chosen_is_refused(mull: Building, wrong: dict[str, Any]) -> None:
    assert mull.refuse("patrons/reminders", card_number=ANNA, **(EMAIL | NIGHT | wrong)) == "invalid_field"


def test_a_later_choice_replaces_a_former_one_and_quiet_hours_end(mull: Building) -> None:
    choose(mull, **EMAIL | NIGHT)
    choose(mull, **PUSH)
    assert mull.rows()["reminder_choices"] == [(ANNA, "push", "push", "push", 3, 0, 0)]


@pytest.mark.parametrize("chosen_since", [False, True])
def test_a_choice_follows_a_new_card_and_the_newest_stays(mull: Building, chosen_since: bool) -> None:
    choose(mull, **PUSH)
    if chosen_since:
        choose(mull, BERIT, **EMAIL)
    mull.act("patrons/rename", old_card_number=ANNA, new_card_number=BERIT)
    ((card_number, due, *_rest),) = mull.rows()["reminder_choices"]
    assert (card_number, due) == (BERIT, "email" if chosen_since else "push")


def test_a_choice_goes_with_its_patron(mull: Building) -> None:
    choose(mull, **PUSH)
    mull.act("patrons/end", card_number=ANNA, dry_run=False)
    assert mull.rows()["reminder_choices"] == []


@pytest.mark.parametrize(
    ("begin", "end", "hour", "quiet"),
    [
        (21, 8, 20, False),
        (21, 8, 21, True),
        (21, 8, 3, True),
        (21, 8, 8, False),
        (9, 15, 9, True),
        (9, 15, 15, False),
        (8, 8, 8, False),
    ],
)
def test_quiet_hours_may_go_across_midnight(mull: Building, begin, end, hour, quiet) -> None:
    now = mull.clock().astimezone(mull.policy.zone).replace(hour=hour, minute=30)
    assert is_quiet(policy=mull.policy, quiet_from=begin, quiet_to=end, now=now) is quiet
