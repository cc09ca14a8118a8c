"""After each act of a patron the focus is on what it changed, or where that was, and the message names it.

Every form of the patron's pages stands here: a new one that does not fails.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.card.offers import Wallets
from app.register.store.transaction import db
from app.register.tables.library import Library
from app.register.tables.patrons import FamilyPermission, Patron
from app.web.access import Audience, audience_of
from tests.authenticator import Authenticator
from tests.conftest import START, Clock
from tests.doors import passkeys, reminding
from tests.doors.libraries import correct, fetch
from tests.doors.test_hidden_address import KARI
from tests.doors.test_my_data_acts import CONTACT
from tests.doors.visits import AT_MULLSJO_ONLY, CHILD, GUARDIAN, log_in, read_page
from tests.doors.wallets import allow
from tests.push_service import serve_push
from tests.together.acts import send_permission
from tests.together.focusing import SETTINGS, TITLE, ULLENSAKER, Act, Home, Shown, press, presses, send
from tests.town import Town
from tests.wallets import google_issuer

ATLAS = "Atlas over Innlandet"
DATA, LOANS, DEVICES, REMINDERS = "/my/data", "/my/loans", "/card/devices", reminding.PAGE
WORDS = "words"

# What answers a script, a phone's wallet, or leads to the page that somebody wanted: no act on a page.
ELSEWHERE = {
    "card.agree",
    "card.apple_wallet",
    "family.push_renew",
    "portal.confirm",
    "portal.passkey_add_options",
    "portal.passkey_confirm_options",
}


@pytest.fixture
def home(
    app: APIFlask, town: Town, clock: Clock, new_browser: Callable[..., FlaskClient], tmp_path: Path
) -> Iterator[Home]:
    with serve_push(tmp_path) as service:
        app.extensions["push"] = reminding.post_to(service, tmp_path)
        child, guardian = new_browser(), new_browser()
        log_in(child, *CHILD, keep=True)
        log_in(guardian, *GUARDIAN, keep=True)
        browser = reminding.Browser(f"{service.address}/a")
        yield Home(app, town, clock, child, guardian, new_browser, Authenticator(), browser)


def permit_twice(home: Home) -> None:
    home.permit()
    send_permission(home.child, AT_MULLSJO_ONLY[0])


def permit_until(home: Home) -> None:
    home.permit()
    home.set(FamilyPermission, ends_on=home.clock().date() + timedelta(days=9))


def changes_hold(act: str, **fields: str) -> Act:
    first = changes_hold("pause", **PAUSE) if act == "resume" else Home.reserve
    return presses("guardian", LOANS, LOANS, f'value="{act}"', TITLE, first=first, **fields)


def end_this_sign_in(home: Home) -> Shown:
    return send(home.guardian, read_page(home.guardian.get(DEVICES)).select_one("form[action$='/revoke']"))


def revoke(home: Home) -> Shown:
    home.other_phone()
    cards = read_page(home.guardian.get(DEVICES)).select("li.ds-card")
    (other,) = [card for card in cards if "This device" not in str(card)]
    return send(home.guardian, other.select_one("form[action$='/revoke']"))


def push_on(home: Home) -> Shown:
    return press(home.guardian, REMINDERS, "/notifications", **home.browser.fields())


def learn_of_a_number(home: Home) -> None:
    home.guardian.get(DATA)
    correct(home.guardian, GUARDIAN[0], seen=fetch(home.guardian, GUARDIAN[0]), phone="+4799900777")


def of(person: tuple[str, str], page: str, ending: str, **fields: str) -> Act:
    """Return the act of somebody else."""

    def act(home: Home) -> Shown:
        home.set(Library, online_activation=True)
        browser = home.new_browser()
        log_in(browser, *person)
        return press(browser, page, ending, **fields)

    return act


def accept_rules(home: Home) -> Shown:
    form = read_page(home.child.get("/my")).select_one("form[action$='/logout']")
    form["action"] = "/my/rules"
    return send(home.child, form)


def add_passkey(home: Home) -> Shown:
    made = home.key.create(passkeys.options(home.guardian, "/my/passkeys/options", page=passkeys.ADD))
    return press(home.guardian, passkeys.ADD, passkeys.ADD, answer=made, label="Annas telefon")


def become_local(home: Home) -> None:
    with home.app.app_context():
        db.session.execute(update(Patron).where(Patron.card_number == GUARDIAN[0]).values(local_to=ULLENSAKER))
        db.session.commit()


def have_google(home: Home) -> None:
    home.app.extensions["wallets"] = Wallets(google=google_issuer(), apple=None)


child_does, guardian_does = partial(presses, "child"), partial(presses, "guardian")
TODAY, PAUSED_UNTIL = START.date(), START.date() + timedelta(days=9)
PAUSE = {"paused_from": TODAY.isoformat(), "paused_until": PAUSED_UNTIL.isoformat()}
CARRIED = child_does(SETTINGS, "/carry", first=Home.permit)
CALENDAR = guardian_does(REMINDERS, "/calendar")
FROZEN = guardian_does(DATA, "/freeze")
OTHER_LIBRARY = f"/my/libraries/{ULLENSAKER}"
WANTED = {"library_id": "Mull", "author": "A", "category": "book", "title": ATLAS, "publication_year": "1998"}
ASKED = guardian_does("/my/interlibrary", "/my/interlibrary", **WANTED)
MOVED = CONTACT | {"place": "Kløfta", "phone": "999 00 009"}

# By endpoint: what is done, which id has the focus (a star stands for the rest; WORDS: the message itself), and what
# the message names.
ACTS: dict[str, list[tuple[Act, str, str]]] = {
    "card.google_wallet": [(guardian_does("/card/wallet", "/google", first=have_google), WORDS, "The pass is ready")],
    "card.revoke": [(revoke, WORDS, "Unknown device"), (end_this_sign_in, WORDS, "on this device")],
    "demo.make_apple_pass": [
        (guardian_does("/demo/wallet", "/apple", first=lambda home: allow(home.app)), WORDS, "Apple Wallet")
    ],
    "demo.make_google_pass": [(guardian_does("/demo/wallet", "/google"), WORDS, "Google Wallet")],
    "family.calendar_end": [
        (guardian_does(REMINDERS, "/calendar/end", first=CALENDAR), "calendar", "The calendar address")
    ],
    "family.calendar_make": [(CALENDAR, "your-address", "Your calendar address")],
    "family.cancel_interlibrary": [(guardian_does(LOANS, "/cancel", ATLAS, first=ASKED), "person-own", ATLAS)],
    "family.change_hold": [
        (changes_hold("pause", **PAUSE), "hold-*", f"The reservation of {TITLE} is paused"),
        (changes_hold("resume"), "hold-*", f"The reservation of {TITLE} is no longer paused"),
        (changes_hold("cancel"), "person-own", f"The reservation of {TITLE} is cancelled"),
        (
            guardian_does(LOANS, LOANS, TITLE, first=Home.reserve_and_get),
            "person-own",
            f"The reservation of {TITLE} is cancelled",
        ),
    ],
    "family.give": [(child_does(SETTINGS, SETTINGS, guardian_card_number=GUARDIAN[0]), "given-1", GUARDIAN[0])],
    "family.interlibrary": [(ASKED, "request-*", ATLAS)],
    "family.let_carry_card": [(CARRIED, "given-1", GUARDIAN[0])],
    "family.push_off": [
        (guardian_does(REMINDERS, "/off", first=push_on), "notifications", "Notifications are off: Unknown device.")
    ],
    "family.push_on": [(push_on, "browser-1", "Notifications are on here: Unknown device.")],
    "family.push_try": [(guardian_does(REMINDERS, "/try", first=push_on), "notifications", "A notification")],
    "family.reminders_choose": [
        (
            guardian_does(REMINDERS, "/reminders", **reminding.BY_EMAIL, **reminding.NIGHT),
            WORDS,
            "Your reminders are saved.",
        ),
    ],
    "family.renew": [(guardian_does(LOANS, "/renew"), "loan-*", "is renewed until")],
    "family.renew_all": [(guardian_does(LOANS, "/renew-all"), "person-own", "renewed.")],
    "family.renew_permission": [(child_does(SETTINGS, "/renew", first=permit_until), "given-1", GUARDIAN[0])],
    "family.stop_carrying_card": [(child_does(SETTINGS, "/no-carry", first=CARRIED), "given-1", GUARDIAN[0])],
    "family.switch_off": [(guardian_does(SETTINGS, "/off", first=Home.permit_and_switch_on), "received-1", "Jonas")],
    "family.switch_on": [
        (guardian_does(SETTINGS, "/on", first=Home.permit), "received-1", "Jonas"),
        (guardian_does("/my", "/on", first=Home.permit), WORDS, "Jonas"),
    ],
    "family.withdraw": [
        (child_does(SETTINGS, "/1/withdraw", first=permit_twice), "given", GUARDIAN[0]),
        (child_does(SETTINGS, "/withdraw", first=Home.permit), WORDS, GUARDIAN[0]),
    ],
    "portal.accept_rules": [(accept_rules, WORDS, "You have accepted the rules.")],
    "portal.address_is_not_hidden": [(of(KARI, "/my/data/edit", "/address-not-hidden"), "address", "your address")],
    "portal.confirm_addresses": [
        (guardian_does(DATA, "/confirm-contact", first=learn_of_a_number), "your-phone", "Confirmed: Telephone.")
    ],
    "portal.edit": [
        (guardian_does("/my/data/edit", "/edit", **MOVED), "your-address", "Saved: Post town and Telephone.")
    ],
    "portal.end_all_other_sign_ins": [
        (guardian_does(DATA, "/end-others", first=Home.other_phone), "devices", "here only")
    ],
    "portal.end_one_sign_in": [
        (guardian_does(DATA, "/end", first=Home.other_phone), "devices", "Logged out: Unknown device.")
    ],
    "portal.erase": [(child_does("/my/data/erase", "/erase", confirm_pin=CHILD[1]), WORDS, "Receipt")],
    "portal.freeze": [(FROZEN, "frozen", "The card is frozen.")],
    "portal.leave_library": [
        (guardian_does("/my/libraries/Mull/leave", "/leave", confirm_pin=GUARDIAN[1]), "left", "Mullsjö bibliotek")
    ],
    "portal.my_library": [
        (
            of(AT_MULLSJO_ONLY, OTHER_LIBRARY, OTHER_LIBRARY, accepted="y"),
            f"library-{ULLENSAKER}",
            "Ullensaker bibliotek",
        )
    ],
    "portal.passkey_add": [(add_passkey, "passkey-1", "Annas telefon")],
    "portal.passkey_remove": [(guardian_does(DEVICES, "/remove", first=add_passkey), "passkeys", "Annas telefon")],
    "portal.passkey_rename": [
        (guardian_does(DEVICES, "/name", first=add_passkey, label="Nettbrettet"), "passkey-1", "Nettbrettet"),
        (guardian_does(DEVICES, "/name", first=add_passkey, label=""), "name-1", "Name"),
    ],
    "portal.pin": [
        (guardian_does("/my/pin", "/my/pin", new_pin="8350"), "pin-heading", "Your PIN is changed."),
        (guardian_does("/my/pin", "/my/pin", draw="y"), WORDS, "Your new PIN"),
    ],
    "portal.register_upgrade": [
        (guardian_does("/register", "/upgrade", first=become_local), WORDS, "Your card is a national one now.")
    ],
    "portal.thaw": [(guardian_does(DATA, "/thaw", first=FROZEN), "freeze", "The card can be used again.")],
}
CASES = [pytest.param(*case, id=f"{endpoint}-{n}") for endpoint, cases in ACTS.items() for n, case in enumerate(cases)]


def test_every_act_of_a_patron_stands_here(app: APIFlask) -> None:
    acts = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and audience_of(app, rule.endpoint) is Audience.PATRON
    }
    assert acts == ACTS.keys() | ELSEWHERE


@pytest.mark.parametrize(("act", "place", "named"), CASES)
def test_what_was_changed_has_the_focus_and_is_named(home: Home, act: Act, place: str, named: str) -> None:
    shown = act(home)
    assert named in shown.said
    focused = shown.focused
    assert focused.get("tabindex") == "-1" or focused.name == "input"
    if place == WORDS:
        assert " ".join(focused.get_text(" ").split()) == shown.said
    else:
        assert str(focused.get("id")).startswith(place.removesuffix("*"))
        assert place.endswith("*") or focused.get("id") == place
