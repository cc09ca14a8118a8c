"""The languages of the pages: bokmål first, then what the reader or the browser asks for."""

from contextlib import AbstractContextManager
from typing import Any, Final

from babel.support import Translations
from flask import Flask, Response, request
from flask_babel import Babel, force_locale
from flask_babel import get_locale as current_locale

from app.rules.people.fields import choices_of
from app.web.http.cookies import cookie_name, keep_cookie
from app.web.pages.long_words import divide_long_words

MESSAGE_LANGUAGES = dict(choices_of("language"))
LANGUAGES = MESSAGE_LANGUAGES | {"se": "Davvisámegiella"}
_COOKIE = "lang"
# Whose dates, times and amounts a language has, where it alone does not say (CLDR): 30 November 2026 and 15:05.
_LOCALES: Final = {"en": "en_GB"}
# What browsers call our languages besides: Norwegian, and Sámi without saying which, or by its three letters.
_ALSO_CALLED = {"no": "nb", "smi": "se", "sme": "se"}
# CLDR has no Northern Sámi dates but those that begin with the year, and the months in the wrong case for a date.
_SAMI_DATES = {"date.long": "d.M.y", "date.medium": "d.M.y", "date.short": "d.M.y", "date.full": "EEEE d.M.y"}


class _DateFormats(dict[str, str | None]):
    """How Flask-Babel writes dates and times, by the reader's language."""

    def __getitem__(self, key: str) -> str | None:
        """Return a pattern, or None for that of CLDR."""
        return (_SAMI_DATES.get(key) if language() == "se" else None) or super().__getitem__(key)


babel = Babel(date_formats=_DateFormats(Babel.default_date_formats))


def choose_language() -> str:
    """Return the language asked for in the address, else last chosen, else the browser's, else bokmål."""
    for asked in (request.args.get("lang"), request.cookies.get(cookie_name(_COOKIE))):
        if asked in LANGUAGES:
            return asked
    for tag, _quality in request.accept_languages:
        primary = tag.lower().split("-")[0]
        language = _ALSO_CALLED.get(primary, primary)
        if language in LANGUAGES:
            return language
    return "nb"


def language() -> str:
    """Return the code of the language of this page."""
    locale = current_locale()
    return str(locale.language) if locale else "nb"


def speak(language: str) -> AbstractContextManager[None]:
    """Write texts, dates and amounts in a language while the context lasts, whatever the page's own is."""
    return force_locale(_LOCALES.get(language, language))


def message_language() -> str:
    """Return the code of the language of this page, or bokmål where neither messages nor libraries' words have it."""
    return language() if language() in MESSAGE_LANGUAGES else "nb"


def remember_language(response: Response) -> Response:
    """Keep a language that was asked for in the address, but not in an answer that is stored for others."""
    asked = request.args.get("lang") if request.query_string and not response.cache_control.public else None
    if asked in LANGUAGES:
        keep_cookie(response, _COOKIE, asked)
    return response


def speak_languages(app: Flask) -> None:
    """Give every template its language."""

    def choose_locale() -> str:
        chosen = choose_language()
        return _LOCALES.get(chosen, chosen)

    babel.init_app(app, locale_selector=choose_locale, default_locale="nb", default_timezone="Europe/Oslo")
    divide_long_words(app)
    _fall_back_to_bokmal(app)
    app.after_request(remember_language)

    @app.context_processor
    def offer_languages() -> dict[str, Any]:
        return {"lang": language(), "library_lang": message_language(), "languages": list(LANGUAGES.items())}


def _fall_back_to_bokmal(app: Flask) -> None:
    """Show in bokmål what Northern Sámi lacks: the texts for staff."""
    with app.app_context():
        domain = babel.domain_instance
        (folder,) = domain.translation_directories
        sami = Translations.load(folder, ["se"])
        sami.add_fallback(Translations.load(folder, ["nb"]))
        domain.cache["se", "messages"] = sami
