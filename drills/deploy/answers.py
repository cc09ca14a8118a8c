"""What an answer of nginx's own must hold: a page for people, problem+json for machines."""

import json

from drills.deploy.proxy import Answer
from drills.figures import Figures

_WITH_RETRY = {429, 503, 504}


def promise_page(figures: Figures, name: str, answer: Answer, status: int) -> None:
    """Promise a page with a sentence in each language, and when to come again where that helps."""
    text = answer.body.decode()
    whole = all(word in text for word in ("<h1>", 'lang="nb"', 'lang="nn"', 'lang="sv"', 'lang="en"', 'href="/"'))
    holds = answer.status == status and whole and _is_framed(answer)
    figures.promise(name, answer.status, holds=holds, promised=f"a page, {status}")


def promise_problem(
    figures: Figures, name: str, answer: Answer, status: int, code: str, *, clear: bool = False
) -> None:
    """Promise problem+json (RFC 9457) with a code. `clear`: it came without TLS, where HSTS says nothing."""
    is_problem = answer.header("content-type").startswith("application/problem+json")
    problem = json.loads(answer.body) if is_problem else {}
    holds = answer.status == status == problem.get("status") and problem.get("code") == code
    holds = holds and bool(problem.get("title") and problem.get("detail")) and _is_framed(answer, clear=clear)
    figures.promise(name, f"{answer.status} {problem.get('code')}", holds=holds, promised=f"{status} {code}")


def _is_framed(answer: Answer, *, clear: bool = False) -> bool:
    says_when = bool(answer.header("retry-after")) == (answer.status in _WITH_RETRY)
    is_safe = answer.header("cache-control") == "no-store" and answer.header("x-content-type-options") == "nosniff"
    return says_when and is_safe and bool(answer.header("strict-transport-security")) != clear
