"""Libraries for everybody: finding one, whether it is open, its hours, and how to reach it."""

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from app.portal.online.registration_steps import SHOWN_LIBRARIES
from app.portal.routes import portal
from app.register.face.facts import list_branches, read_facts
from app.register.face.opening import read_branch_hours, read_hours, read_hours_of
from app.register.patron.libraries import search_libraries
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.pages.opening_words import open_sentence, tell_opening


@portal.get("/libraries")
@open_to(Audience.ANYONE)
def libraries() -> str:
    """Find a library, and see whether it is open now."""
    words = request.args.get("q", "")[:80]
    found = search_libraries(words=words, limit=SHOWN_LIBRARIES + 1)
    shown = found[:SHOWN_LIBRARIES]
    hours = read_hours_of(library_ids=[each.id for each in shown])
    return render_template(
        "portal/libraries.html",
        words=words,
        found=[(each, open_sentence(hours[each.id], now=now())) for each in shown],
        has_more=len(found) > SHOWN_LIBRARIES,
    )


@portal.get("/libraries/<library_id>")
@open_to(Audience.ANYONE)
def library(library_id: str) -> ResponseReturnValue:
    """Show a library: open now or not, opening hours, exceptions to come, addresses, branches."""
    facts = read_facts(library_id=library_id)
    if facts is None:
        abort(404)
    every = read_branch_hours(library_id=library_id)
    told = {branch_id: tell_opening(hours, now=now()) for branch_id, hours in every.items()}
    return render_template(
        "portal/library.html",
        library_id=library_id,
        facts=facts,
        branches=[(known.facts, told.get(known.id)) for known in list_branches(library_id=library_id)],
        told=tell_opening(read_hours(library_id=library_id), now=now()),
    )
