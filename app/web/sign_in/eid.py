"""Signing in with the country's own service: what the browser carries meanwhile, and what comes of it.

The way there is a link, since a form may not lead off the portal (web/http/headers.py). The way back is a page that
writes nothing and sends its answer in by itself (docs/adr/0004); without JavaScript one presses its button. An answer
counts once, in the browser that began, for a quarter of an hour.
"""

import hmac
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, cast

from flask import current_app, request, session, url_for
from flask_babel import lazy_gettext as _l

from app.eid.identity import Identity
from app.eid.provider import Answer, Begun, Provider
from app.eid.refusals import EidRefused, Why
from app.register.keys.vault import hash_of_random_token
from app.register.limits.budgets import TooManyAttempts, from_source, give_back_tries, take_tries
from app.rules.errors import RuleBroken
from app.rules.people.national_id import NationalId, NotANationalId, SyntheticNationalId, parse_national_id
from app.rules.pins.pin import EID_ONCE, EID_SOURCE
from app.web.clock import now, today
from app.web.pages.languages import language

LASTS: Final = timedelta(minutes=15)
_KEPT_AS: Final = "eid"


class Purpose(StrEnum):
    """What somebody signs in with the national sign-in for."""

    LOGIN = "login"
    CARD = "card"
    CHILD = "child"
    GUARDIAN = "guardian"
    CONFIRM = "confirm"


class NoEid(RuleBroken):
    """This installation is connected to no sign-in service."""


@dataclass(frozen=True, slots=True, repr=False)
class Identified:
    """Somebody who has just signed in, and what for. The number is used in this request and kept nowhere."""

    purpose: Purpose
    national_id: NationalId
    identity: Identity
    keeps: bool
    goes_on_to: str


def eid() -> Provider:
    """Return the sign-in service. Raises NoEid."""
    provider = current_app.extensions["eid"]
    if provider is None:
        raise NoEid
    return cast(Provider, provider)


def eid_name() -> str:
    """Return what people call the sign-in service; empty where there is none."""
    provider = current_app.extensions["eid"]
    return provider.settings.name if provider else ""


def begin_sign_in(purpose: Purpose, *, keeps: bool, goes_on_to: str) -> str:
    """Begin a sign-in in this browser, in place of any that it began before. Returns where it goes.

    Raises NoEid or EidRefused.
    """
    # Everybody is asked anew, also a guardian on the phone of a child.
    address, begun = eid().begin(redirect_uri=_redirect_uri(), language=language(), anew=True)
    at = int(now().timestamp())
    session[_KEPT_AS] = {"begun": asdict(begun), "at": at, "purpose": purpose, "keeps": keeps, "next": goes_on_to}
    return address


def begun_purpose() -> Purpose | None:
    """Return what the sign-in is for that was begun in this browser."""
    try:
        return Purpose(session.get(_KEPT_AS, {}).get("purpose"))
    except ValueError:
        return None


def finish_sign_in() -> Identified:
    """Take the answer that came back. Tries are taken before anything is looked at.

    Raises EidRefused, NoEid or TooManyAttempts.
    """
    state, code, issuer, error = (request.form.get(name, "") for name in ("state", "code", "iss", "error"))
    provider, answer = eid(), Answer(state=state, code=code, issuer=issuer, error=error)
    kept: dict[str, Any] = session.get(_KEPT_AS, {})
    # The answer to a sign-in that another window took the place of leaves that one as it is.
    if not kept or not hmac.compare_digest(answer.state.encode(), kept["begun"]["state"].encode()):
        raise EidRefused(Why.NOT_BEGUN)
    del session[_KEPT_AS]
    if kept["at"] + LASTS.total_seconds() <= now().timestamp():
        raise EidRefused(Why.EXPIRED)
    tries = from_source(EID_SOURCE, request.remote_addr or "")
    take_tries(tries=tries, now=now())
    try:
        # A browser can bring back a cookie that it had before: what counts once is counted here.
        take_tries(tries=[(EID_ONCE, hash_of_random_token(answer.state))], now=now())
    except TooManyAttempts:
        raise EidRefused(Why.USED) from None
    identity = provider.finish(answer, begun=Begun(**kept["begun"]), redirect_uri=_redirect_uri(), now=now())
    try:
        allow_synthetic = current_app.config["SYNTHETIC_IDS"]
        number = parse_national_id(identity.number, today=today(), allow_synthetic=allow_synthetic)
    except (NotANationalId, SyntheticNationalId):
        raise EidRefused(Why.SILENT) from None
    give_back_tries(tries=tries)
    return Identified(Purpose(kept["purpose"]), number, identity, bool(kept["keeps"]), str(kept["next"]))


def _redirect_uri() -> str:
    # Word for word what the service has on its list, whatever the request calls this machine.
    return str(current_app.config["PUBLIC_URL"]) + url_for("portal.eid_return")


def refusal_sentence(why: Why) -> str:
    """Return why nobody was identified, and what to do, in the reader's language."""
    sentences = {
        Why.CANCELLED: _l("The login with %(service)s was cancelled. Nothing was changed."),
        Why.NOT_BEGUN: _l(
            "This login was not begun in this browser, or another one was begun since. Begin again here."
        ),
        Why.EXPIRED: _l("The login took too long, and no longer counts. Begin again."),
        Why.USED: _l("This login was used already. Begin again if you were not let in."),
        Why.CLOCK: _l("The clocks here and at %(service)s differ. Try again in a few minutes."),
        Why.TOO_WEAK: _l("%(service)s was not sure enough who you are. Choose a safer way to log in there."),
        Why.SILENT: _l("%(service)s does not answer as it should. Try again in a few minutes."),
        Why.NOT_OURS: _l("The answer was not meant for you and us, so we did not use it. Begin again."),
    }
    return str(sentences[why]) % {"service": eid_name()}
