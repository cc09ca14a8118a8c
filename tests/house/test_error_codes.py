"""Libraries' systems know errors by their codes. Those follow from class names, and must not change with them."""

from app.api import api, v1
from app.rules.errors import RuleBroken

CODES = """
already-registered card-refused changed-meanwhile consent-missing contact-not-valid cursor-passed gone gone
idempotency-key-reused if-match-missing last-library no-numbers-left no-push no-such-library no-such-patron
not-a-card-number
not-a-cursor not-a-national-id not-for-suppliers not-home-library not-joined not-kept not-your-report
number-not-reserved number-was-issued person-not-valid proof-missing synthetic-national-id systems-only unauthorized
"""


def test_the_api_keeps_its_error_codes():
    handled = {error for door in (api, v1) for errors in door.error_handler_spec[None].values() for error in errors}
    assert sorted(error.code for error in handled if issubclass(error, RuleBroken)) == sorted(CODES.split())
