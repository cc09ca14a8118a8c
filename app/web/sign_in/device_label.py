"""The name of a device, by which its owner recognises it in a list."""

from typing import Final

from flask_babel import gettext as _

# In this order: most browsers also name the one that they derive from (RFC 9110, section 10.1.5).
_BROWSERS: Final = {
    "Edge": ("Edg/", "EdgA/", "EdgiOS/"),
    "Opera": ("OPR/", "OPT/", "OPX/"),
    "Samsung Internet": ("SamsungBrowser/",),
    "DuckDuckGo": ("DuckDuckGo/", "Ddg/"),
    "Firefox": ("Firefox/", "FxiOS/", "Focus/"),
    "Chrome": ("Chrome/", "CriOS/", "Chromium/"),
    "Safari": ("Safari/",),
}
_SYSTEMS: Final = {
    "iPhone": ("iPhone", "iPod"),
    "iPad": ("iPad",),
    "Android": ("Android",),
    "ChromeOS": ("CrOS",),
    "Windows": ("Windows",),
    "Mac": ("Macintosh",),
    "Linux": ("Linux",),
}
_ON_IOS: Final = ("CriOS/", "FxiOS/", "EdgiOS/", "OPT/", "Focus/", "Mobile/")


def device_label(user_agent: str) -> str:
    """Return a label such as `Chrome, Android` for a User-Agent; `?` where nothing is known.

    Browsers on an iPad say that they run on a Macintosh (iPadOS 13 and later). Safari there cannot be told from Safari
    on a Mac, so that both are called `Mac/iPad`.
    """
    browser, system = (_first(names, user_agent) for names in (_BROWSERS, _SYSTEMS))
    if system == "Mac" and any(sign in user_agent for sign in _ON_IOS):
        system = "iPad"
    elif (browser, system) == ("Safari", "Mac"):
        system = "Mac/iPad"
    return ", ".join(part for part in (browser, system) if part) or "?"


def _first(names: dict[str, tuple[str, ...]], user_agent: str) -> str:
    return next((name for name, signs in names.items() if any(sign in user_agent for sign in signs)), "")


def device_name(label: str | None) -> str:
    """Return what a device is called for its owner, also where its browser does not say what it is."""
    return label if label and len(label) > 1 else _("Unknown device")
