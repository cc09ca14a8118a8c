"""The card as an app on the phone: its manifest, its service worker, and the pages that work without a network.

All of it is the same for everybody and holds no personal data: the script puts in what is the patron's, from the
phone's own storage (docs/adr/0012).
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from flask import Response, current_app, jsonify, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.card.offers import has_wallets
from app.card.routes import card
from app.rules.people.reminders import DUE, OVERDUE, PERMISSION, READY
from app.web.access import Audience, open_to
from app.web.http.static_files import compress
from app.web.pages.languages import LANGUAGES, language, speak

_WORKER = Path(__file__).parent / "service_worker.js"
_COLOUR = "#0062ba"
_STATIC = Path(__file__).parents[1] / "static"
# What the card page needs on the screen; the font is the phone's own.
FILES = (
    "favicon.svg",
    "vendor/lean-qr/index.mjs",
    "css/every-page.css",
    "css/card.css",
    "js/card_kept.js",
    *(f"js/card/{path.name}" for path in sorted(_STATIC.glob("js/card/*.js"))),
)
# What a notification says by its kind, in every language, and which page it opens. No word of it passes a push service.
_NOTIFICATIONS = {
    DUE: (_l("Something that you have borrowed is due soon. Touch to see what."), "family.loans"),
    OVERDUE: (_l("Something that you have borrowed is overdue. Touch to see what."), "family.loans"),
    READY: (_l("Something is ready for you at the library. Touch to see what."), "family.loans"),
    PERMISSION: (_l("Somebody has given you a permission. Touch to switch it on."), "family.settings"),
    "trial": (_l("Notifications work. This is how they look."), "family.reminders"),
    "other": (_l("Your library has a message for you. Touch to see it."), "portal.my"),
}


@dataclass(frozen=True, slots=True)
class Pages:
    """The app's two pages in one language, and the service worker that keeps them."""

    shell: str
    offline: str
    worker: str


@card.get("/manifest.webmanifest")
@open_to(Audience.ANYONE)
def manifest() -> Response:
    """Say how the card is installed (W3C Web Application Manifest)."""

    def icon(name: str, size: int, purpose: str = "any") -> dict[str, str]:
        source = url_for("static", filename=f"img/{name}.png")
        return {"src": source, "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}

    response = jsonify(
        id="/card/app",
        name="Lånekort",
        short_name="Lånekort",
        description=_("Your library card on your phone, for public libraries."),
        lang=language(),
        start_url=url_for("card.shell"),
        scope="/",
        display="standalone",
        orientation="any",
        theme_color=_COLOUR,
        background_color="#ffffff",
        icons=[icon("icon-192", 192), icon("icon-512", 512), icon("icon-maskable-512", 512, "maskable")],
        shortcuts=[
            {"name": name, "url": url_for(endpoint), "icons": [icon("icon-192", 192)]}
            for name, endpoint in ((_("Card"), "card.shell"), (_("Loans"), "family.loans"))
            if endpoint in current_app.view_functions
        ],
    )
    response.mimetype = "application/manifest+json"
    return _public(response, kept="public, max-age=86400")


@card.get("/sw.js")
@open_to(Audience.ANYONE)
def service_worker() -> Response:
    """Give the service worker. It is another one whenever a page or file that it keeps has changed."""
    return _public(Response(_pages().worker, mimetype="text/javascript"))


@card.get("/card/app")
@open_to(Audience.ANYONE)
def shell() -> Response:
    """Show the card page without a card. The script puts in what the phone keeps."""
    return _public(Response(_pages().shell, mimetype="text/html"))


@card.get("/offline")
@open_to(Audience.ANYONE)
def offline() -> Response:
    """Say what works without a network."""
    return _public(Response(_pages().offline, mimetype="text/html"))


def _public(response: Response, *, kept: str = "no-cache") -> Response:
    response.headers["Cache-Control"] = kept
    response.add_etag()
    compress(response).make_conditional(request)
    return response


def _pages() -> Pages:
    made: dict[str, Pages] = current_app.extensions.setdefault("card_pages", {})
    if language() not in made:
        made[language()] = _make_pages()
    return made[language()]


def _notification_words(code: str) -> dict[str, str]:
    with speak(code):
        return {kind: str(words) for kind, (words, _page) in _NOTIFICATIONS.items()}


def _make_pages() -> Pages:
    shell_page = render_template("card/app.html", has_wallets=has_wallets())
    offline_page = render_template("card/offline.html")
    files = [url_for("static", filename=name) for name in FILES]
    body = _WORKER.read_text()
    said = {code: _notification_words(code) for code in LANGUAGES}
    version = hashlib.sha256("\n".join([shell_page, offline_page, body, str(said), *files]).encode()).hexdigest()[:12]
    values = {
        "VERSION": version,
        "CARD": url_for("card.show"),
        "SHELL": url_for("card.shell"),
        "OFFLINE": url_for("card.offline"),
        "FILES": files,
        "ICON": url_for("static", filename="img/icon-192.png"),
        "LANG": language(),
        "WORDS": said,
        "RENEW": url_for("family.push_renew"),
        "STATE": url_for("card.phone_state"),
        "PAGES": {kind: url_for(page) for kind, (_words, page) in _NOTIFICATIONS.items()},
    }
    heads = [f"const {name} = {current_app.json.dumps(value)};\n" for name, value in values.items()]
    return Pages(shell_page, offline_page, "".join(heads) + body)
