"""Which pages and templates there are, as the running app and its folders tell."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from jinja2 import Environment

import app as package
from app.web.access import Audience, audience_of

# Addresses that only lead on: always, and where there is nothing to confirm.
_LEADS_ON = {"/.well-known/change-password", "/desk/confirm", "/login/code-first", "/my/confirm"}


def list_pages(app: Flask, audience: Audience) -> list[str]:
    """Return the address of every page for this audience that needs no more than its address."""
    return [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and not rule.arguments
        and audience_of(app, rule.endpoint) is audience
        and rule.rule not in _LEADS_ON
    ]


def list_templates() -> set[str]:
    folder = Path(package.__file__).parent
    return {path.as_posix().split("/templates/", 1)[1] for path in folder.glob("*/templates/**/*.html")}


@contextmanager
def noting_templates(app: Flask) -> Iterator[set[str]]:
    """Note the templates that are used, those included, imported and extended among them."""
    loader = app.jinja_env.loader
    assert loader is not None
    get_source, used = loader.get_source, set()

    def note(environment: Environment, template: str) -> object:
        used.add(template)
        return get_source(environment, template)

    if app.jinja_env.cache is not None:
        app.jinja_env.cache.clear()
    loader.get_source = note  # type: ignore[method-assign, assignment]
    yield used
    loader.get_source = get_source  # type: ignore[method-assign]
