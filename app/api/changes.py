"""A library's queue of changes: reading it, and acknowledging what was applied."""

from typing import Any

from flask import g, jsonify
from flask.typing import ResponseReturnValue

from app.api.document import NEXT_PAGE, WITH_BODY
from app.api.routes import operation, v1
from app.api.schemas import AckIn, AckOut, ChangesIn, ChangesOut
from app.register.library.feed import acknowledge, read_changes
from app.register.store.transaction import writing
from app.web.access import Audience, open_to
from app.web.clock import now
from app.work.notifying import notice_json


@v1.get("/changes")
@open_to(Audience.SYSTEM)
@v1.input(ChangesIn, location="query")
@v1.output(ChangesOut, links=NEXT_PAGE)
@operation("readChanges", 403, 422, _410="Gone: what came after the cursor is deleted in part")
def changes(query_data: dict[str, Any]) -> ResponseReturnValue:
    """Read what is new.

    Your library's queue of changes, oldest first: keep `next`, and read on from there, every night or every minute.
    No change is ever left out. The queue holds no data of patrons: fetch those who changed. 410 says that changes
    you have not read are deleted: fetch each of your patrons again, delete those who are gone, and begin without
    `after`.
    """
    after = query_data.get("after")
    page = read_changes(library_id=g.machine.library_id, after=int(after) if after else None, limit=query_data["limit"])
    return jsonify(changes=[notice_json(each) for each in page.notices], next=str(page.next), more=page.more)


@v1.post("/changes/ack")
@open_to(Audience.SYSTEM)
@v1.input(AckIn)
@v1.output(AckOut)
@operation("acknowledgeChanges", *WITH_BODY, 403)
def ack(json_data: dict[str, Any]) -> ResponseReturnValue:
    """Acknowledge changes.

    Report that you have applied every change up to here. Until then the receipt of an erased patron says that your
    library has not answered. For patrons who left or were erased you may report which kinds of data you must keep;
    until when, you tell them yourselves. The first answer counts; sending it again changes nothing.
    """
    kept = {each["id"]: each["kinds"] for each in json_data["kept"]}
    with writing():
        up_to = int(json_data["up_to"])
        return {"confirmed": acknowledge(library_id=g.machine.library_id, up_to=up_to, kept=kept, now=now())}
