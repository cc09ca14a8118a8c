"""Every refusal of a library's system, in words for staff: none is left at the library said no."""

import pytest
from apiflask import APIFlask
from flask_babel import force_locale

from app.desk.library.rules.words import rules_refusal
from app.desk.system_refusals import FAULTS, known_refusals, refusal_at_desk, refusal_of_title
from app.ils.koha.answers import Problem
from app.ils.port import Refused
from app.web.pages.languages import LANGUAGES
from circulation.errors import PROBLEMS

KOHAS = (
    "too_many, too_unseen, on_reserve, recalled, booked, too_soon, auto_too_soon, overdue, restriction, "
    "too_much_owing, too_much_oweing, item_denied_renewal, something_new"
)
# What Koha and SIP2 servers refuse, by our words for it.
OF_OTHER_SYSTEMS = {Problem(error_code=reason).refusal() for reason in KOHAS.split(", ")} | {
    "unknown_loan",
    "not_renewable",
    "invalid_field",
}
# Said on the page of rules alone, in words of its own; bad rules are told field by field.
OF_RULES = {
    "bad_rules",
    "changed_meanwhile",
    "in_force",
    "later_rules",
    "no_draft",
    "nothing_changed",
    "unknown_version",
}
AT_THE_DESK = set(PROBLEMS) - OF_RULES


def test_staff_are_told_the_meaning_of_every_code():
    assert known_refusals() >= AT_THE_DESK | OF_OTHER_SYSTEMS
    assert known_refusals() <= set(PROBLEMS), "a code that no system knows"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", sorted(AT_THE_DESK))
def test_each_code_has_a_sentence_of_its_own_in_each_language(app: APIFlask, code: str, language: str):
    with app.test_request_context():
        with force_locale("en"):
            english = refusal_at_desk(code)
        with force_locale(language):
            words = refusal_at_desk(code)
            others = {refusal_at_desk(other) for other in known_refusals() - {code}}
    assert (f"({code})" in words) == (code in FAULTS)
    assert words not in others
    assert words.endswith(".")
    assert language in ("en", "se") or words != english, "not translated"
    for never in ("Spør i skranken", "Fråga i disken", "Ask at the desk", "sa nei"):
        assert never not in words


def test_a_code_that_is_new_to_us_is_named_so_that_it_can_be_told_on(app: APIFlask):
    with app.test_request_context():
        assert "(brand_new)" in refusal_at_desk("brand_new")


def test_a_title_is_named_and_cannot_bring_a_page_of_its_own(app: APIFlask):
    with app.test_request_context():
        words = refusal_of_title("reserved", "<b>Et dukkehjem</b>")
    assert words.startswith("<cite>&lt;b&gt;Et dukkehjem&lt;/b&gt;</cite>: ")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", sorted(OF_RULES - {"bad_rules"}))
def test_what_is_refused_of_rules_has_a_sentence_on_their_page(app: APIFlask, code: str, language: str):
    with app.test_request_context(), force_locale(language):
        words = rules_refusal(Refused(code))
    assert words.endswith(".")
    assert code not in words
