"""The operator's door: the link that opens it once, who is in, and what one process keeps for its pages."""

from dataclasses import dataclass, field
from typing import Final, cast

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.operator.country import Country
from app.operator.entry import LASTS, Entry, NotTheLink
from app.operator.jobs import Jobs
from app.operator.watch import Watch
from app.web.access import Audience, open_to
from app.web.clock import now

KEPT: Final = "operators_page"
_COOKIE: Final = "lanekort_operator"
_WAYS_IN_AND_OUT: Final = ("operator.enter", "operator.leave")

operator = Blueprint("operator", __name__, url_prefix="/operator", template_folder="templates")


@dataclass(slots=True)
class Kept:
    """What this process knows and nobody keeps. `uploaded` is the list of libraries that was looked at last."""

    entry: Entry = field(default_factory=Entry)
    watch: Watch = field(default_factory=Watch)
    country: Country = field(default_factory=Country)
    jobs: Jobs = field(default_factory=Jobs)
    uploaded: bytes = b""


def kept() -> Kept:
    """Return what this process keeps."""
    return cast(Kept, current_app.extensions[KEPT])


@operator.before_request
def ask_for_the_link() -> ResponseReturnValue | None:
    """Refuse whoever did not come in by the link."""
    if request.endpoint in _WAYS_IN_AND_OUT or kept().entry.is_in(request.cookies.get(_COOKIE, ""), now=now()):
        return None
    return render_template("operator/enter.html", token=None), 401


@operator.route("/enter/<token>", methods=["GET", "POST"])
@open_to(Audience.OPERATOR)
def enter(token: str) -> ResponseReturnValue:
    """Show the button that uses the link, or let in who presses it."""
    if request.method != "POST":
        return render_template("operator/enter.html", token=token)
    try:
        cookie = kept().entry.enter(token, now=now())
    except NotTheLink:
        return render_template("operator/enter.html", token=None), 401
    answer = make_response(redirect(url_for("operator.libraries")))
    answer.set_cookie(
        _COOKIE, cookie, max_age=int(LASTS.total_seconds()), httponly=True, samesite="Strict", path="/operator"
    )
    return answer


@operator.post("/leave")
@open_to(Audience.OPERATOR)
def leave() -> ResponseReturnValue:
    """End what this browser's cookie opens."""
    kept().entry.leave(request.cookies.get(_COOKIE, ""))
    answer = make_response(render_template("operator/enter.html", token=None))
    answer.delete_cookie(_COOKIE, path="/operator")
    return answer
