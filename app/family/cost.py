"""What will it cost if I return it on …? Asked of the libraries, which charge by the same rules."""

from dataclasses import dataclass
from datetime import date, timedelta

from flask import render_template, request
from flask_babel import gettext as _
from flask_login import current_user

from app.family.routes import family
from app.ils.lending import Cost
from app.ils.port import Refused, Unavailable
from app.register.card.families import view_family
from app.register.patron.patrons import list_affiliations
from app.web.access import Audience, open_to
from app.web.clock import now, today
from app.web.gate import library_systems
from app.web.pages.library_words import refusal_words


@dataclass(frozen=True, slots=True)
class Answer:
    """What returning everything on a day costs one person at one library; a sentence where the library did not say."""

    name: str
    library: str
    currency: str
    cost: Cost | None
    sentence: str = ""


@family.get("/my/loans/cost")
@open_to(Audience.PATRON)
def cost() -> str:
    """Show what it costs to return the loans on a day, which is a week from now where none is asked for."""
    day, fault = _asked_day()
    answers = [] if fault else _ask(day)
    totals = {
        currency: sum(answer.cost.total for answer in answers if answer.cost and answer.currency == currency)
        for currency in dict.fromkeys(answer.currency for answer in answers if answer.cost)
    }
    return render_template("family/cost.html", day=day, today=today(), answers=answers, totals=totals, fault=fault)


def _asked_day() -> tuple[date, str]:
    in_a_week = today() + timedelta(days=7)
    asked = request.args.get("on", "")
    if not asked:
        return in_a_week, ""
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        return in_a_week, _("Write the day as year-month-day, such as %(day)s.", day=in_a_week.isoformat())
    return (day, "") if day >= today() else (in_a_week, _("Choose today or a day to come."))


def _ask(day: date) -> list[Answer]:
    systems = library_systems()
    answers = []
    silent: set[str] = set()
    for person in view_family(guardian_id=current_user.patron_id, now=now()):
        for library_id, library in list_affiliations(patron_ids=[person.patron_id])[person.patron_id].items():
            lending = systems.lending(library_id)
            if lending is None:
                continue
            found, sentence, currency = None, "", ""
            try:
                if library_id in silent:
                    # Nobody waits for the same library once for each child.
                    raise Unavailable("too_slow")
                currency = lending.rules().currency
                found = lending.cost(card_number=person.card_number, on=day)
            except Refused as refused:
                sentence = refusal_words(refused.code)
            except Unavailable:
                silent.add(library_id)
                sentence = _("%(library)s does not answer now.", library=library)
            answers.append(Answer(person.name, library, currency, found, sentence))
    return answers
