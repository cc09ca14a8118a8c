"""Long words on a page may end a line where they are put together, and nowhere else, however large the letters are.

A browser divides words by itself only where it has a dictionary of the language, and none has one of Northern Sámi.
So the pages mark the places with soft hyphens, which nobody sees until a line ends there (CSS Text 3, 5.4).
"""

import re
from functools import lru_cache
from typing import Final

from flask import Flask
from flask_babel import get_translations
from flask_babel.speaklater import LazyString
from markupsafe import Markup

SOFT_HYPHEN: Final = "\u00ad"
_LETTERS: Final = 14
"""How long a word is that may be divided; shorter ones fit a phone with letters twice as large as usual."""
_WHOLE: Final = "lånekortnummer"
"""What is a label, which others look for: it fits where it stands."""
_IN_ALERTS: Final = "rekommenderar boarráseappot mearrideahppi"
"""Of 13 letters, in an alert within a card, where there is less room."""
_FIRST_PARTS: Final = """
    adresse autentiserings behandlings bibliotek demonstra erstatnings finger fødsels heime hjemme informasjons
    innloggings integritets kalender kontakt kvitterings lånekort nett opphalds oppholds opplysnings person
    telefon tilgjengeleg tilgjengelighets tilgjenge vern

    adress biblioteks dataskydds ersättnings inloggnings lånekorts personuppgifts skydds tillgänglighets
    rekommen tillsyns uppehålls uppgifts vårdnads återlämnings

    áige álbmot autentiseren beassan boarrá buhtadus bálvalan čáhppes diehto dieđihan dárkkistan geahččalan
    geavaheaddji girje kaleandar koarta lohka luoikka luoikkahan luoikkaheaddji mearre mearri neahtta
    oktavuođa olahahttivuođa olahahtti ovddas ođas persovdna plastihkka poasta registre riegádan ruovttu suodjalus
    telefovdna veahkke
"""
"""What long words begin with or go on with, in bokmål and nynorsk, Swedish, and Northern Sámi."""
_LONG: Final = re.compile(
    rf"\b(?!{_WHOLE}\b)(?:[^\W\d_]{{{_LETTERS},}}|(?:{'|'.join(_IN_ALERTS.split())})\b)", re.IGNORECASE
)
_LABEL: Final = re.compile(rf"\b{_WHOLE}\b", re.IGNORECASE)
# What is left for the next line has four letters at least.
_FIRST: Final = re.compile(
    rf"(?:{'|'.join(sorted(_FIRST_PARTS.split(), key=len, reverse=True))})(?=\w{{4}})", re.IGNORECASE
)


@lru_cache(maxsize=8192)
def with_soft_hyphens(text: str) -> str:
    """Return a text with soft hyphens in its long words, where one knows how they are put together."""
    return _LONG.sub(lambda found: _divide(found[0]), text)


def _divide_label(text: str) -> str:
    """Return a label as it stands within an alert, where it has less room."""
    return _LABEL.sub(lambda found: _divide(found[0]), with_soft_hyphens(text))


def _divide(word: str) -> str:
    parts = []
    while found := _FIRST.match(word):
        parts.append(found[0])
        word = word[found.end() :]
    return SOFT_HYPHEN.join([*parts, word])


def divide_long_words(app: Flask) -> None:
    """Let the texts of templates and the labels of forms have soft hyphens.

    `soft` is the filter for other words, and `soft_label` for a label where it has less room than beside its field.
    What is sent, stored or answered to programs is not written by a page's template, so it has none.
    """
    soft = with_soft_hyphens
    app.jinja_env.filters["soft"] = lambda text: text if isinstance(text, Markup) else soft(str(text))
    app.jinja_env.filters["soft_label"] = lambda text: _divide_label(str(text))
    app.jinja_env.finalize = lambda value: soft(str(value)) if isinstance(value, LazyString) else value
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: soft(get_translations().ugettext(text)),
        ngettext=lambda one, many, number: soft(get_translations().ungettext(one, many, number)),
        pgettext=lambda context, text: soft(get_translations().upgettext(context, text)),
        npgettext=lambda context, one, many, number: soft(get_translations().unpgettext(context, one, many, number)),
        newstyle=True,
    )
