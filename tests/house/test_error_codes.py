"""Systems and pages know errors by their codes. Those follow from class names, and must not change with them."""

import importlib
import pkgutil
from collections.abc import Iterator

import app
from app.rules.errors import RuleBroken

CODES = """
MISREAD NOT_OURS already-registered borrowed-device card-refused changed-meanwhile code-not-valid consent-missing
contact-not-valid criteria-not-valid cursor-passed eid-refused garbage gone idempotency-key-reused if-match-missing
language-not-known last-library library-unavailable link-not-valid no-answer no-child no-eid no-numbers-left
no-open-visit no-such-card no-such-device no-such-library no-such-machine no-such-message no-such-patron
no-such-permission no-such-receipt no-such-sign-in no-such-staff nobody-seen not-a-card-number not-a-cursor
not-a-library-list not-a-national-id not-a-public-key not-a-webhook not-activated-online not-an-adult not-an-amount
not-finished not-for-suppliers not-home-library not-joined not-kept not-looked-up not-printed-here not-your-library
not-your-report nothing-to-undo number-not-reserved number-was-issued papers-not-seen permission-to-oneself
person-not-valid pin-not-good proof-missing reached-elsewhere refused registration-gone same-person
sealed-id-not-valid secret-not-opened setting-not-valid sign-in-refused slow staff-sign-in-refused
static-codes-not-allowed synthetic-national-id systems-only too-busy too-little-to-go-by too-long too-many-alike
too-many-attempts too-many-numbers too-many-permissions too-soon unauthorized username-taken was-opened was-replaced
"""


def _errors(parent: type[RuleBroken]) -> Iterator[type[RuleBroken]]:
    for error in parent.__subclasses__():
        yield error
        yield from _errors(error)


def test_every_error_of_the_portal_keeps_its_code():
    for module in pkgutil.walk_packages(app.__path__, "app."):
        importlib.import_module(module.name)
    codes = {error.code for error in _errors(RuleBroken) if error.__module__.startswith("app.")}
    assert sorted(codes) == sorted(CODES.split())
