"""The year's figures as the national statistics ask for them, and what has to be found elsewhere.

Sources. Norway: Nasjonalbiblioteket's yearly statistics of public libraries, in the words of bibstat.no (aktive lånere,
førstegangslån, besøkende, nedlastede e-bøker og lydbøker) and of bibliotekutvikling.no and SSB (bøker for barn and for
voksne, fag- and skjønnlitteratur, fornyelser); children are 0 to 14 years (medienorge.uib.no), and KOSTRA counts
førstegangslån alone. The form itself is behind the libraries' sign-in and was not read. Sweden: Kungliga biblioteket's
survey as its own program has it (github.com/libris/bibstat, January 2026: initiala lån, omlån, totalt; fjärrlån;
fysiska besök; aktiva låntagare, kvinnor, män, barn och unga), where somebody is active who has borrowed, returned,
renewed or reserved.
"""

from dataclasses import dataclass

from flask_babel import gettext as _

from app.desk.library.numbers.figures import Numbers
from app.rules.library.totals import Shown


@dataclass(frozen=True, slots=True)
class Answer:
    """A question as the form has it, the figure if there is one, and what to know about it."""

    question: str
    shown: Shown | None
    says: str


def is_norwegian(library_id: str) -> bool:
    """Tell whether a library is a Norwegian one: those have numbers (biblioteknummer), Swedish ones letters (sigel)."""
    return library_id.isdigit()


def answer_statistics(numbers: Numbers, *, library_id: str) -> list[Answer]:
    """Return the questions of the country's form in its own words, with what is known here."""
    known = numbers.totals.get
    lends = "loan" in numbers.totals
    elsewhere = _("Not counted here. Your library's own system has it.")
    active = _(
        "Cards that were used here in the year, in full tens. The form asks for borrowers with at least one loan, and "
        "who borrowed is not kept."
    )
    by_kind = _(
        "Add up the categories in the table of loans above. Whether a book is for children, or fiction, is known "
        "only if your categories say so."
    )
    other = _("Not known here.")
    words = _NORWEGIAN if is_norwegian(library_id) else _SWEDISH
    return [
        Answer(
            words["active"], numbers.active, _("Known when the year is over.") if numbers.active is None else active
        ),
        Answer(words["persons"], None, _("Not known: loans are not tied to age or gender when they are counted.")),
        Answer(words["loans"], known("loan"), _("Loans from other libraries are among them.") if lends else elsewhere),
        Answer(words["renewals"], known("renewal"), "" if lends else elsewhere),
        Answer(words["total"], _sum(known("loan"), known("renewal")), "" if lends else elsewhere),
        Answer(words["kinds"], None, by_kind if lends else elsewhere),
        Answer(words["inter"], known("interlibrary"), "" if lends else elsewhere),
        Answer(words["outgoing"], None, other),
        Answer(words["electronic"], None, _("Not known here. The suppliers of e-books have it.")),
        Answer(words["visits"], None, _("Not known here: a card that is shown is not a visit. Use your door counter.")),
        Answer(
            words["open"],
            None,
            _("Your hours are under %(page)s. They are not added up here.", page=_("Opening hours")),
        ),
        Answer(words["rest"], None, other),
    ]


def _sum(one: Shown | None, other: Shown | None) -> Shown | None:
    if one is None or other is None:
        return None
    return Shown(one.least + other.least, one.most + other.most)


# The forms' own words, which are not translated: one is looked up by them.
_NORWEGIAN = {
    "active": "Aktive lånere",
    "persons": "Aktive lånere, barn (0–14 år) og voksne",
    "loans": "Førstegangslån, fysiske medier",
    "renewals": "Fornyelser",
    "total": "Utlån i alt, førstegangslån og fornyelser",
    "kinds": "Utlån etter medietype: bøker for barn og voksne, fag- og skjønnlitteratur, andre medier",
    "inter": "Fjernlån: innlån fra andre bibliotek",
    "outgoing": "Fjernlån: utlån til andre bibliotek",
    "electronic": "Nedlastede e-bøker og lydbøker",
    "visits": "Besøkende",
    "open": "Åpningstid, også meråpen",
    "rest": "Bestand, tilvekst, arrangement og deltagere, personale, økonomi",
}
_SWEDISH = {
    "active": "Totalt antal aktiva låntagare",
    "persons": "Aktiva låntagare: kvinnor, män, barn och unga",
    "loans": "Antal initiala lån, fysiskt bestånd",
    "renewals": "Antal omlån, fysiskt bestånd",
    "total": "Totalt antal lån, initiala lån och omlån",
    "kinds": "Antal lån per medietyp",
    "inter": "Fjärrlån: inlån",
    "outgoing": "Fjärrlån: utlån",
    "electronic": "Elektroniska medier, användning och lån",
    "visits": "Antal fysiska besök",
    "open": "Öppettider",
    "rest": "Bestånd, nyförvärv, titlar, aktiviteter, personal, ekonomi, lokaler",
}
