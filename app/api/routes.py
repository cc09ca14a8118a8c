"""Version 1 of the interface for libraries' systems and kiosks."""

import inspect
from collections.abc import Callable

from apiflask import APIBlueprint
from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from app.api.access import authenticate_machine, read_json
from app.api.document import MEANINGS
from app.api.patrons.matching import restore_etags
from app.api.problems import answer_refusals
from app.api.scanning.at_once import raise_fault
from app.register.staff.machines import MachineRefused
from app.web.access import Audience, View, open_to
from app.web.faults.errors import problem
from app.web.metrics.counting import count_wrong_sign_in

v1 = APIBlueprint("v1", __name__, url_prefix="/api/v1", tag="Libraries and kiosks")
v1.before_request(raise_fault)
v1.before_request(authenticate_machine)
v1.before_request(read_json)
v1.before_request(restore_etags)
answer_refusals(v1)
api = APIBlueprint("api", __name__, template_folder="templates", enable_openapi=False)


def operation(operation_id: str, *statuses: int, is_public: bool = False, **others: str) -> Callable[[View], View]:
    """Describe a view in the OpenAPI document: its docstring's first line is the summary, the rest the description.
    `statuses` are the refusals beside 429 and, where it is not public, 401, which everybody may meet; `others` words
    one, as `_409="…"`."""
    refusals = {status: MEANINGS[status] for status in (*([] if is_public else [401]), 429, *statuses)}
    refusals |= {int(name.removeprefix("_")): words for name, words in others.items()}

    def describe(view: View) -> View:
        summary, _, description = inspect.cleandoc(view.__doc__ or "").partition("\n\n")
        return v1.doc(
            summary=summary.rstrip("."),
            description=" ".join(description.split()),
            operation_id=operation_id,
            security=None if is_public else "basic",
            responses=refusals,
        )(view)

    return describe


@v1.errorhandler(MachineRefused)
def refuse_machine(error: MachineRefused) -> ResponseReturnValue:
    """Answer a wrong password, and an unknown user, in the same way."""
    count_wrong_sign_in("machine")
    return problem(
        status=401,
        code=error.code,
        detail="A user name and password of a library's system or kiosk are needed.",
        headers={"WWW-Authenticate": 'Basic realm="Lånekort", charset="UTF-8"'.encode().decode("latin-1")},
    )


@api.get("/api/openapi.json")
@open_to(Audience.ANYONE)
def openapi() -> ResponseReturnValue:
    """Give the OpenAPI document."""
    return dict(current_app.spec)  # type: ignore[attr-defined]


@api.get("/api")
@open_to(Audience.ANYONE)
def docs() -> str:
    """Show the OpenAPI document as a page."""
    return render_template("api/docs.html", spec=current_app.spec)  # type: ignore[attr-defined]
