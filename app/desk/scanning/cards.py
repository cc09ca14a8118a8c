"""Cards that are scanned, or whose number is typed: each opens a visit and ends the one before."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from app.desk.scanning.lines import Line, Sign, owed_words
from app.desk.terminal import start_visit, this_terminal
from app.desk.words import ShownResult, age_words, describe
from app.ils.port import Account
from app.register.card.scans import Accepted, ScannedPatron
from app.register.card.scans import scan as scan_code
from app.register.desk.lookup import look_up_card_number
from app.register.desk.visits import open_visit_of_hit
from app.register.staff.staff import Workplace
from app.rules.card.code import Misread, NotOurs, group_digits, parse
from app.rules.card.number import is_card_number, parse_card_number
from app.web.gate import ask_account
from app.web.metrics.counting import count_scan

_SHOWN_DIGITS = 4


@dataclass(frozen=True, slots=True)
class OpenedCard:
    """What came of a card: the line, the result in full, and what the patron has at this library, if that is known."""

    line: Line
    result: ShownResult | None
    account: Account | None


def is_card(text: str) -> bool:
    """Tell whether a scan is a card: a code of ours, also one that was misread, or a card number."""
    try:
        parse(text)
    except NotOurs:
        return is_card_number(text)
    except Misread:
        pass
    return True


def shown_code(text: str) -> str:
    """Return the end of a card's code or number: the rest is on no list."""
    return "… " + group_digits("".join(text.split())[-_SHOWN_DIGITS:])


def open_card(text: str, workplace: Workplace, *, now: datetime) -> OpenedCard:
    """Open a visit with whose card it is; the visit before ends in any case. Raises TooManyAttempts."""
    code = shown_code(text)
    start_visit(None)
    if is_card_number(text):
        return _open_number(text, code, workplace, now=now)
    outcome = scan_code(payload=text, terminal=this_terminal(workplace), now=now)
    count_scan("desk", outcome)
    if not isinstance(outcome, Accepted):
        result = describe(outcome)
        line = Line(code=code, sign=Sign.REFUSED, headline=result.headline, advice=result.advice, reason=result.reason)
        return OpenedCard(line, result, None)
    start_visit(outcome.session)
    account = None
    if outcome.patron.activated_here:
        account = ask_account(library_id=workplace.library_id, card_number=outcome.patron.card_number)
    blocks = tuple(block.reason for block in account.blocks) if account else ()
    result = describe(outcome, blocks=blocks)
    sign = Sign.ACCEPTED if outcome.patron.activated_here and not blocks else Sign.ATTENTION
    line = Line(
        code=code,
        sign=sign,
        headline=result.headline,
        title=outcome.patron.name,
        facts=_facts(outcome.patron),
        advice=". ".join([*result.blocks, result.advice]),
        owed=owed_words(account) if account else "",
    )
    return OpenedCard(line, result, account)


def _facts(patron: ScannedPatron) -> str:
    device = patron.device_label
    if device and patron.carried_by_guardian:
        device = _("%(device)s, a guardian's phone", device=device)
    return " · ".join(filter(None, (age_words(patron.age_band), patron.home_library, device)))


def _open_number(text: str, code: str, workplace: Workplace, *, now: datetime) -> OpenedCard:
    terminal = this_terminal(workplace)
    hit = look_up_card_number(
        card_number=parse_card_number(text), viewer=terminal.viewer, library_id=workplace.library_id, now=now
    )
    if hit is None:
        advice = _("No card has this number. Look at it once more.")
        return OpenedCard(Line(code=code, sign=Sign.REFUSED, headline=_("Unknown card"), advice=advice), None, None)
    start_visit(open_visit_of_hit(patron_id=hit.patron_id, terminal=terminal, now=now))
    headline, account = _("Not activated here"), None
    if hit.activated_here:
        headline = _("Looked up")
        account = ask_account(library_id=workplace.library_id, card_number=parse_card_number(text))
    # A number is no proof of who somebody is: others may have read it.
    advice = _("Ask for photo id: a card number can be anybody's.")
    owed = owed_words(account) if account else ""
    line = Line(code=code, sign=Sign.ATTENTION, headline=headline, title=hit.name, advice=advice, owed=owed)
    return OpenedCard(line, None, account)
