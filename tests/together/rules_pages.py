"""The pages of a library's rules, as an administrator's browser has them."""

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.doors.visits import csrf_token, main_text, read_page

PAGE = "/desk/library/rules"
CHECK = f"{PAGE}/check"
DAY, NOW_DAY = "2026-12-01", "2026-11-22"


def fields_of(page: TestResponse) -> dict[str, list[str]]:
    """What the browser would send of the page's form."""
    form = read_page(page).select_one(f"form[action='{PAGE}']")
    assert form is not None
    found: dict[str, list[str]] = {}
    for field in form.select("select"):
        found[str(field["name"])] = [str(chosen["value"]) for chosen in field.select("option[selected]")]
    for field in form.select("input"):
        if field.get("type") != "checkbox" or field.has_attr("checked"):
            found.setdefault(str(field["name"]), []).append(str(field.get("value", "")))
    return found


def save(browser: FlaskClient, seen: dict[str, list[str]] | None = None, **typed: str | None) -> TestResponse:
    """Open the form, or take one that was seen, type into fields (`__` for a dot; None: unticked), and send it."""
    fields = dict(seen or fields_of(browser.get(PAGE)))
    for name, value in typed.items():
        fields[name.replace("__", ".")] = [] if value is None else [value]
    return browser.post(PAGE, data=fields)


def publish(browser: FlaskClient, day: str = DAY, note: str = "") -> TestResponse:
    form = sent_along(browser, f"{CHECK}?from={day}")
    return browser.post(f"{PAGE}/publish", data={**form, "valid_from": day, "note": note})


def sent_along(browser: FlaskClient, page: str) -> dict[str, str]:
    found = read_page(browser.get(page))
    revision = found.select_one("input[name=revision]")
    assert revision is not None
    return {"csrf_token": csrf_token(browser, page), "revision": str(revision["value"])}


def read_rules(browser: FlaskClient) -> str:
    return main_text(browser.get("/libraries/2023500/rules"))
