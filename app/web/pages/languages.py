"""The languages of the pages: bokmål first, then what the reader or the browser asks for."""

from typing import Any

from flask import Flask, Response, request
from flask_babel import Babel
from flask_babel import get_locale as current_locale

from app.rules.people.fields import choices_of
from app.web.http.cookies import cookie_name, keep_cookie

LANGUAGES = dict(choices_of("language"))
_COOKIE = "lang"

babel = Babel()


def choose_language() -> str:
    """Return the language asked for in the address, else last chosen, else the browser's, else bokmål."""
    for asked in (request.args.get("lang"), request.cookies.get(cookie_name(_COOKIE))):
        if asked in LANGUAGES:
            return asked
    for tag, _quality in request.accept_languages:
        language = tag.lower().split("-")[0]
        if language == "no":
            return "nb"
        if language in LANGUAGES:
            return language
    return "nb"


def language() -> str:
    """Return the code of the language of this page."""
    locale = current_locale()
    return str(locale) if locale else "nb"


def remember_language(response: Response) -> Response:
    """Keep a language that was asked for in the address."""
    asked = request.args.get("lang") if request.query_string else None
    if asked in LANGUAGES:
        keep_cookie(response, _COOKIE, asked)
    return response


def speak_languages(app: Flask) -> None:
    """Give every template its language."""
    babel.init_app(app, locale_selector=choose_language, default_locale="nb", default_timezone="Europe/Oslo")
    app.after_request(remember_language)

    @app.context_processor
    def offer_languages() -> dict[str, Any]:
        return {"lang": language(), "languages": list(LANGUAGES.items())}
