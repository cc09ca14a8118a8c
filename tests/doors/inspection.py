"""What must hold for every answer that any test fetches, whatever the test is about."""

import json
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, tostring

import html5lib
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.test import TestResponse

from app.web.http.static_files import GATHERED, without_version
from app.web.pages.languages import LANGUAGES
from app.web.sign_in.identity import DESK_PATH
from scripts.vendor import SHEETS

# What differs each time a page is fetched, and is right or wrong whatever it is.
_CSRF = re.compile(r'(name="csrf_token"[^>]* value=")[^"]+')
_TOKEN = re.compile(r'((?:value|data-visit)=")[\w-]{16,}(?=")')
_TIME = re.compile(r'(<time datetime=")[^"]+">[^<]*')
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
# What a page has where a template was broken.
_OF_TEMPLATES = {"if", "elif", "else", "endif", "endfor", "loop"}
# The page that scans with the camera, and no other, may run what reads the codes.
_WITH_CAMERA = {"script-src": "'self' 'wasm-unsafe-eval'"}
_FOR_EVERYBODY = ("/card/app", "/manifest.webmanifest", "/offline", "/sw.js")
_PROBLEM = {"type": str, "title": str, "status": int, "code": str, "detail": str}


class InspectingClient(FlaskClient):
    """A browser without a screen that looks at every answer it gets."""

    def open(self, *args: object, **kwargs: object) -> TestResponse:
        response = super().open(*args, **kwargs)
        inspect_headers(self.application, response)
        is_page = response.mimetype == "text/html" and not 300 <= response.status_code < 400
        if is_page and response.request.method not in ("HEAD", "OPTIONS"):
            page = _TIME.sub(r'\g<1>">x', _TOKEN.sub(r"\g<1>x", _CSRF.sub(r"\g<1>x", response.text)))
            faults = find_faults(self.application, page)
            assert not faults, "\n".join([f"{response.request.method} {response.request.path}:", *faults])
        return response


def inspect_headers(app: Flask, response: TestResponse) -> None:
    path, headers = response.request.path, response.headers
    for name, value in _HEADERS.items():
        assert headers.get(name) == value, f"{path}: {name} is {headers.get(name)!r}"
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    for directive, value in (_POLICY | (_WITH_CAMERA if path == DESK_PATH else {})).items():
        assert policy.get(directive) == value, f"{path}: {directive} is {policy.get(directive)!r}"
    assert "unsafe" not in headers["Content-Security-Policy"].replace("'wasm-unsafe-eval'", "")
    assert re.fullmatch("[0-9a-f]{32}", headers["X-Request-ID"])
    if path in _FOR_EVERYBODY:
        assert headers["Cache-Control"] in ("no-cache", "no-store", "public, max-age=86400"), path
    elif path.startswith("/api/v1/libraries"):
        assert headers["Cache-Control"] in ("public, max-age=300", "no-store"), path
        assert "Set-Cookie" not in headers, path
    elif not path.startswith("/static/"):
        assert headers["Cache-Control"] == "no-store", path
    for cookie in headers.getlist("Set-Cookie"):
        assert "HttpOnly" in cookie, cookie
        assert "SameSite=Lax" in cookie, cookie
        assert ("Secure" in cookie) == app.config["SESSION_COOKIE_SECURE"], cookie
    if path.startswith("/api/") and response.status_code >= 400:
        _inspect_problem(response)


def _inspect_problem(response: TestResponse) -> None:
    assert response.mimetype == "application/problem+json", response.request.path
    if response.request.method != "HEAD":
        problem = json.loads(response.data)
        errors = problem.pop("errors", {"x": "x"})
        assert errors
        assert all(isinstance(word, str) for pair in errors.items() for word in pair)
        assert isinstance(problem.pop("patron", {}), dict)
        assert {name: type(value) for name, value in problem.items()} == _PROBLEM
        assert problem["status"] == response.status_code
        assert problem["title"]
        assert problem["detail"].endswith("."), problem


def find_faults(app: Flask, html: str) -> list[str]:
    """Return what is wrong with a page, one sentence each."""
    faults, addresses = _read(html)
    lost = [address for address in addresses if not _leads_somewhere(app, address)]
    return [*faults, *(f"leads nowhere: {address}" for address in lost)]


@lru_cache(maxsize=2000)
def _read(html: str) -> tuple[list[str], list[str]]:
    # Reading as a browser does is slow, and most tests fetch the same pages.
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
    page = parser.parse(html)
    faults = [f"does not parse at {place}: {code}" for place, code, _data in parser.errors]
    for look in (_frame_faults, _label_faults, _reference_faults, _inline_faults, _form_faults, _style_faults):
        faults += look(page)
    return faults, sorted(_addresses(page))


def _all(page: Element, *names: str) -> list[Element]:
    """Return a page's elements with one of the names, or every one."""
    return [each for each in page.iter() if isinstance(each.tag, str) and (not names or each.tag in names)]


def _with(page: Element, attribute: str) -> list[Element]:
    return [each for each in _all(page) if each.get(attribute) is not None]


def _frame_faults(page: Element) -> list[str]:
    faults = []
    if len(_all(page, "h1")) != 1:
        faults.append(f"has {len(_all(page, 'h1'))} h1")
    title = " ".join(text for each in _all(page, "title") for text in each.itertext()).strip()
    if not title.removesuffix("– Lånekort").strip():
        faults.append("has no title of its own")
    if page.get("lang") not in LANGUAGES:
        faults.append("names no language")
    if len(_all(page, "main")) != 1:
        faults.append("has not one main")
    return faults


def _label_faults(page: Element) -> list[str]:
    faults = []
    labels = _all(page, "label")
    labelled = {label.get("for") for label in labels}
    inside = {each for label in labels for each in label.iter()}
    for field in _all(page, "input", "select", "textarea"):
        if field.get("type") in ("hidden", "submit", "button"):
            continue
        if not (field.get("id") in labelled or field in inside or field.get("aria-label")):
            faults.append(f"has a field without a label: {_text(field)}")
    faults += [f"has a control without a name: {_text(each)}" for each in _all(page, "a", "button") if not _name(each)]
    faults += [f"has a picture without alt: {_text(each)}" for each in _all(page, "img") if each.get("alt") is None]
    return faults


def _text(element: Element) -> str:
    return tostring(element, encoding="unicode")


def _name(control: Element) -> str:
    pictures = " ".join(image.get("alt", "") for image in control.iter("img"))
    return f"{control.get('aria-label', '')} {''.join(control.itertext())} {pictures}".strip()


def _reference_faults(page: Element) -> list[str]:
    ids = Counter(each.get("id") for each in _with(page, "id"))
    faults = [f"has the id {each} twice" for each, times in sorted(ids.items()) if times > 1]
    for attribute in ("for", "aria-describedby", "aria-labelledby", "aria-controls"):
        for each in _with(page, attribute):
            names = each.get(attribute, "").split()
            faults += [f"{attribute} points at no {name}" for name in names if name not in ids]
    for link in _all(page, "a"):
        address = link.get("href", "")
        if re.match("#.", address) and address[1:] not in ids:
            faults.append(f"links to no {address}")
    return faults


def _inline_faults(page: Element) -> list[str]:
    faults = [f"has a script in the page: {_text(each)}" for each in _all(page, "script") if not each.get("src")]
    faults += [f"has a style in the page: {_text(each)}" for each in _all(page, "style")]
    for each in _all(page):
        inline = [name for name in each.attrib if name == "style" or name.startswith("on")]
        faults += [f"has {name} on {each.tag}" for name in inline]
        faults += [f"has a template's {name} on {each.tag}" for name in sorted(each.attrib.keys() & _OF_TEMPLATES)]
    return faults


# A question that changes nothing and whose answer holds nothing secret in its address.
_ASKING_FORMS = (
    "/desk/library/numbers",
    "/desk/library/rules/check",
    "/my/loans/cost",
    "/my/libraries",
    "/register/library",
    "/libraries",
)


def _form_faults(page: Element) -> list[str]:
    faults = []
    for form in _all(page, "form"):
        if form.get("action") in _ASKING_FORMS and form.get("method") == "get":
            continue
        if form.get("method", "get").lower() != "post":
            faults.append(f"has a form that does not post: {form.get('action')}")
        if not any(each.get("name") == "csrf_token" and each.get("value") for each in form.iter("input")):
            faults.append(f"has a form without a CSRF token: {form.get('action')}")
    return faults


def _style_faults(page: Element) -> list[str]:
    files = [each.get("href", "") for each in _all(page, "link")]
    files += [
        part for sheet, parts in GATHERED.items() if any(each.endswith(sheet) for each in files) for part in parts
    ]
    linked = {sheet for sheet in SHEETS if any(each.endswith(sheet) for each in files)}
    used = {name for each in _with(page, "class") for name in each.get("class", "").split()}
    missed = {name for sheet in SHEETS.keys() - linked for name in SHEETS[sheet] if f"ds-{name}" in used}
    return [f"has ds-{name} and does not link its styles" for name in sorted(missed)]


def _addresses(page: Element) -> set[str]:
    found = {each.get(name, "") for name in ("href", "src", "action") for each in _with(page, name)}
    return {address for address in found if urlsplit(address).scheme not in ("https", "mailto", "tel", "data")}


@lru_cache(maxsize=20_000)
def _leads_somewhere(app: Flask, address: str) -> bool:
    if address.startswith(("#", "?")):
        return True
    target = urlsplit(address).path
    if not target.startswith("/"):
        return False
    if target.startswith("/static/"):
        name = without_version(target.removeprefix("/static/"))
        return name in GATHERED or (Path(str(app.static_folder)) / name).is_file()
    for method in ("GET", "POST"):
        try:
            app.url_map.bind("localhost").match(target, method=method)
        except RequestRedirect:
            return False
        except HTTPException:
            continue
        return True
    return False
