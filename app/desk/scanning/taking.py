"""What is done with one scan: what comes decides."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from app.desk.lending.forms import ScanForm
from app.desk.refusals import UNREADABLE
from app.desk.scanning import items
from app.desk.scanning.cards import OpenedCard, is_card, open_card
from app.desk.scanning.items import Counter
from app.desk.scanning.lines import Line, Sign, is_isbn
from app.desk.terminal import current_visit, served_card, this_terminal, this_workplace, visit_mark
from app.register.desk.patron_view import MINIMUM
from app.register.desk.visits import NoOpenVisit
from app.rules.card.scan import Reason
from app.rules.typed import clean_scan
from app.web.gate import library_systems

_LOANS = "card number, loans, holds, fees"


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a scan; of a card the result in full as well."""

    line: Line
    opened: OpenedCard | None = None

    @property
    def is_card(self) -> bool:
        """Whether a card was scanned, whatever came of it."""
        return self.opened is not None


def take_scan(form: ScanForm, *, now: datetime) -> Taken:
    """Do what a scan asks for. Raises Unavailable and TooManyAttempts.

    A card opens its patron's visit. An item is returned where the form says so, else lent to the patron of the visit in
    which it was scanned, or shown where nobody was being served. Of an ended visit's item it is told what became.
    """
    text = clean_scan(form.payload.data or "").strip()
    workplace = this_workplace()
    if text == "":
        return Taken(_refused("", str(UNREADABLE)))
    if is_card(text):
        opened = open_card(text, workplace, now=now)
        return Taken(opened.line, opened)
    lending = library_systems().lending(workplace.library_id)
    if lending is None:
        return Taken(_no_card(text))
    counter = Counter(lending, workplace.library_id, this_terminal(workplace).viewer, now)
    key, scanned_in = form.key.data or "", form.visit.data if form.visit.raw_data else None
    if form.place.data == "return":
        line = items.take_back(text, counter, key=key, served=served_card(workplace))
        if line.owed:
            current_visit(workplace, fields=_LOANS, extend=False, minimum=MINIMUM)
        return Taken(line)
    if scanned_in == "":
        return Taken(items.show(text, counter))
    try:
        if scanned_in not in (None, visit_mark()):
            raise NoOpenVisit
        patron = current_visit(workplace, fields=_LOANS, extend=True, minimum=MINIMUM)
    except NoOpenVisit:
        if scanned_in:
            return Taken(items.tell(text, counter, key=key) if key else _refused(text, str(items.VISIT_OVER)))
        return Taken(items.show(text, counter))
    return Taken(items.lend(text, patron, counter, key=key))


def _no_card(text: str) -> Line:
    advice = _("This is another kind of code. Ask for the card page on the phone.")
    if is_isbn(text):
        advice = _("This is the ISBN of the book. Items are lent in the library's own system.")
    return Line(code=text, sign=Sign.REFUSED, headline=_("Not a library card"), advice=advice, reason=Reason.NOT_OURS)


def _refused(text: str, reason: str) -> Line:
    return Line(code=text, sign=Sign.REFUSED, headline=reason)
