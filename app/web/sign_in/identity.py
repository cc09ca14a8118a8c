"""Who is signed in: Flask-Login over sessions that the server keeps, and the cookies that carry their tokens.

Staff and patrons have cookies of their own, so a librarian may show a card of their own in the same browser.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Flask, Request, Response, after_this_request, current_app, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from app.register.card.cards import issue_card, revoke_device
from app.register.card.carrying import carry_cards
from app.register.card.phone_keys import end_phone_keys
from app.register.sign_in import sessions
from app.register.sign_in.devices import admit_recognised, recognise_device
from app.register.sign_in.pins import lock_sign_in
from app.register.staff.staff import admit_staff
from app.register.store.transaction import writing
from app.web.access import Audience
from app.web.clock import now
from app.web.faults.errors import API_PREFIX
from app.web.http.cookies import cookie_name, device_token
from app.web.sign_in.device_label import device_label

DESK_PATH = "/desk"
LEFT_COOKIE = "lanekort_left"
"""The page's script sets it where somebody logs out without a network. Nobody is signed in to a browser that has it,
and the sign-in ends as soon as the browser reaches us and says so."""
FOR_EVERYBODY = ("/card/app", "/manifest.webmanifest", "/offline", "/sw.js", "/time")
"""The same for everybody. With `Vary: Cookie` a browser would fetch it anew whenever the cookie changes."""
_CSRF = "csrf_token"
_STATIC = "/static/"
_USED_AT = "used_at"
_USED_AT_GRAIN = 60
_LOGOUT = "portal.logout"

login_manager = LoginManager()
# A phone moves between networks; the token is what proves who comes, not the address.
login_manager.session_protection = None


@dataclass(frozen=True, eq=False)
class SignedIn(UserMixin):
    """Somebody who is signed in. The token is only in the browser's signed cookie; the register has its hash."""

    token: str
    audience: Audience
    session: sessions.LiveSession

    @property
    def patron_id(self) -> int:
        """The patron who is signed in."""
        assert self.session.patron_id is not None
        return self.session.patron_id

    @property
    def staff_id(self) -> int:
        """The staff member who is signed in."""
        assert self.session.staff_id is not None
        return self.session.staff_id

    def get_id(self) -> str:
        """Return what Flask-Login puts into the cookie."""
        return self.token


class CookiePerDoor(SecureCookieSessionInterface):
    """Flask's signed session cookie, one for the desk and one for everything else. Machines have none."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return what the cookie holds; nothing, and nothing that is kept, for machines and what is for everybody."""
        without = request.path.startswith((API_PREFIX, _STATIC)) or request.path in FOR_EVERYBODY
        return None if without else super().open_session(app, request)

    def get_cookie_name(self, app: Flask) -> str:
        """Return the cookie's name for the path that is asked for."""
        return cookie_name("lanekort_desk" if _at_desk() else "lanekort")

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Tell whether the answer sets the cookie: not where a script of the desk only looks (Fetch Metadata).

        A card may be scanned meanwhile, and an answer that is late would bring back the cookie of the visit before.
        """
        looks = request.method == "GET" and request.headers.get("Sec-Fetch-Dest") == "empty"
        return not (looks and _at_desk()) and super().should_set_cookie(app, session)


def _at_desk() -> bool:
    return request.path == DESK_PATH or request.path.startswith(DESK_PATH + "/")


@login_manager.user_loader
def load_signed_in(token: str) -> SignedIn | None:
    """Return who holds this token, unless the session was ended or has timed out."""
    used_at = datetime.fromtimestamp(session.get(_USED_AT, 0), UTC)
    found = sessions.find_session(token=token, last_used_at=used_at, now=now())
    if found is None or (found.staff_id is not None) != _at_desk():
        return None
    if (now() - used_at).total_seconds() >= _USED_AT_GRAIN:
        session[_USED_AT] = int(now().timestamp())
    signed_in = SignedIn(token, Audience.PATRON if found.staff_id is None else Audience.STAFF, found)
    if was_left() and request.endpoint != _LOGOUT:
        g.left_behind = signed_in
        return None
    return signed_in


def was_left() -> bool:
    """Tell whether a patron has logged out here without a network, and the server does not know it yet."""
    return cookie_name(LEFT_COOKIE) in request.cookies and not _at_desk()


@writing()
def start_patron_session(
    *,
    patron_id: int,
    own_device: bool,
    confirmed: bool = True,
    code_entered: bool = False,
    identified: bool = False,
    since: datetime | None = None,
) -> str | None:
    """Sign the patron in on this browser and issue its card, which is what the next page shows.

    The card is issued here because a page that is only looked at writes nothing. `confirmed`: no code is asked for on
    this device from now on; `code_entered`: one was entered just now; `identified`: they came by the national sign-in,
    which stands in for PIN and code; `since` is when the PIN was entered, if it was. Returns the device token that the
    browser is to keep, on a device of the patron's own; a borrowed one keeps nothing.

    Raises SignInRefused where the card was blocked or the PIN changed since.
    """
    lock_sign_in(patron_id=patron_id, since=since)
    if "left_behind" in g:
        _end(g.left_behind)
    lasting = sessions.OWN_DEVICE if own_device else sessions.BORROWED_DEVICE
    shown = device_token() if own_device else None
    known, token = recognise_device(patron_id=patron_id, token=shown), shown or secrets.token_urlsafe(32)
    if known is None:
        after_this_request(clear_browser_data)
    label = device_label(request.headers.get("User-Agent", ""))
    device = admit_recognised(known, patron_id=patron_id, token=token, label=label, now=now(), confirmed=confirmed)
    expires_at = now() + timedelta(seconds=lasting.absolute)
    issue_card(patron_id=patron_id, device_id=device.id, is_new=known is None, expires_at=expires_at, now=now())
    carry_cards(guardian_id=patron_id, device_id=device.id, expires_at=expires_at, now=now())
    if is_patron() and current_user.session.device_id not in (None, device.id):
        end_phone_keys(device_id=current_user.session.device_id, now=now())
    entered_at = now() if code_entered or identified else None
    session_token, started = sessions.start_session(
        patron_id=patron_id, device_id=device.id, lasting=lasting, code_entered_at=entered_at, now=now()
    )
    _enter(session_token, started, audience=Audience.PATRON, lasts=own_device)
    return token if own_device else None


def clear_browser_data(response: Response) -> Response:
    """Have the browser throw away stored pages, keys and the installed app's files, but no cookie (Clear Site Data).

    Said at signing out, and when somebody signs in on a browser that may hold somebody else's card.
    """
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def is_patron() -> bool:
    """Tell whether a patron is signed in."""
    return bool(current_user.is_authenticated and current_user.audience is Audience.PATRON)


def keeps_card() -> bool:
    """Tell whether this browser is the patron's own device, which may keep the card."""
    return is_patron() and bool(session.permanent)


@writing()
def carry_on_this_device() -> None:
    """Let this browser show the cards that the patron may carry; a borrowed one while the patron is signed in."""
    device_id = current_user.session.device_id
    if device_id is not None:
        lasting = sessions.OWN_DEVICE if keeps_card() else sessions.BORROWED_DEVICE
        expires_at = now() + timedelta(seconds=lasting.absolute)
        carry_cards(guardian_id=current_user.patron_id, device_id=device_id, expires_at=expires_at, now=now())


@writing()
def start_staff_session(*, staff_id: int) -> None:
    """Sign a staff member in at this desk. Raises StaffSignInRefused for one who was suspended or dismissed since."""
    admit_staff(staff_id=staff_id, now=now())
    token, started = sessions.start_session(staff_id=staff_id, lasting=sessions.DESK, now=now())
    _enter(token, started, audience=Audience.STAFF, lasts=False)


@writing()
def end_own_session() -> None:
    """Sign out here: the server's session is gone, and so is the content of the cookie."""
    if current_user.is_authenticated:
        _end(current_user)
    forget_sign_in()


def _end(signed_in: SignedIn) -> None:
    sessions.end_session(session_id=signed_in.session.id)
    device_id = signed_in.session.device_id
    if device_id is not None and not session.permanent:
        # A borrowed device shows no card after this, and is no device of the patron's any more.
        revoke_device(patron_id=signed_in.patron_id, device_id=device_id, now=now())
    elif device_id is not None:
        end_phone_keys(device_id=device_id, now=now())


def forget_sign_in() -> None:
    """Sign out here, where the register has forgotten who it was already. A patron's browser keeps nothing of it."""
    if not _at_desk():
        after_this_request(clear_browser_data)
    logout_user()
    # A form that is open already stays good where the script has logged out behind it.
    token = session.get(_CSRF) if was_left() else None
    session.clear()
    if token:
        session[_CSRF] = token
    _note_that_we_know()


def _note_that_we_know() -> None:
    @after_this_request
    def forget_the_mark(response: Response) -> Response:
        if was_left():
            secure = current_app.config["SESSION_COOKIE_SECURE"]
            response.delete_cookie(cookie_name(LEFT_COOKIE), httponly=True, samesite="Lax", secure=secure)
        return response


def _enter(token: str, started: sessions.LiveSession, *, audience: Audience, lasts: bool) -> None:
    if current_user.is_authenticated:
        sessions.end_session(session_id=current_user.session.id)
    session.clear()
    _note_that_we_know()
    session.permanent = lasts
    session[_USED_AT] = int(now().timestamp())
    login_user(SignedIn(token, audience, started))
