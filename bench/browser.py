"""As much of a browser as signing in needs: the form's token, and the cookies."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from bench.load import Answer, send_one, write_request
from bench.people import PIN, card_number

_TOKEN = re.compile(rb'name="csrf_token"[^>]* value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it was given out: its token, and the cookie that belongs to it."""

    token: str
    cookie: str


def get_form(port: int, *, path: str = "/login", cookie: str = "") -> Form:
    """Fetch a page with a form, such as that for signing in. Raises ValueError where the page has none."""
    answer = send_one(port, write_request("GET", path, headers={"Cookie": cookie} if cookie else {}))
    token = _TOKEN.search(answer.body)
    if token is None:
        raise ValueError(f"no form came, but: {answer.raw.decode(errors='replace')}")
    return Form(token=token[1].decode(), cookie=cookies_of(answer))


def write_sign_in(form: Form, number: str) -> bytes:
    """Return the request that fills in the form for a card number."""
    filled = urlencode({"csrf_token": form.token, "card_number": number, "pin": PIN}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": form.cookie}
    return write_request("POST", "/login", headers=headers, body=filled)


def is_let_in(answer: Answer) -> bool:
    """Tell whether the answer leads to Min side."""
    return answer.status == 302 and answer.headers("Location") == ["/my"]


def sign_in(port: int, *, person: int) -> str:
    """Sign a person in and return the cookies to come with."""
    answer = send_one(port, write_sign_in(get_form(port), card_number(person)))
    if not is_let_in(answer):
        raise ValueError(f"not let in: {answer.raw.decode(errors='replace')}")
    return cookies_of(answer)


def cookies_of(answer: Answer) -> str:
    """Return the cookies that an answer gives, as they are sent back."""
    return "; ".join(line.partition(";")[0] for line in answer.headers("Set-Cookie"))
