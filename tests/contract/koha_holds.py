"""What Koha does with a hold (paths/holds.yaml, Koha::REST::V1::Holds), for the server that stands in for a Koha."""

from typing import TYPE_CHECKING, Any

from flask import Flask, jsonify, request

from tests.contract.invented_library import Reserve
from tests.contract.koha_schema import HOLD_BODIES

if TYPE_CHECKING:
    from tests.contract.koha_world import KohaWorld


def serve_holds(app: Flask, koha: "KohaWorld") -> None:
    """Add the routes. Koha does not ask whose a hold is."""

    def found(hold_id: int) -> Reserve | None:
        return next((reserve for reserve in koha.shelves.reserves if reserve.number == hold_id), None)

    def body(name: str) -> Any:
        given = request.get_json(silent=True) or {}
        return given if given.keys() <= HOLD_BODIES[name] else None

    @app.get("/api/v1/holds/<int:hold_id>/pickup_locations")
    def places(hold_id: int) -> Any:
        rows = [("MULL", "Mullsjö", False), ("HAB", "Habo", False), ("FAR", "Langt unna", True)]
        return jsonify(
            [
                koha.conforming(
                    "library",
                    {"library_id": code, "name": name, "pickup_location": True, "needs_override": override},
                )
                for code, name, override in rows
            ]
        )

    @app.patch("/api/v1/holds/<int:hold_id>")
    def edit(hold_id: int) -> Any:
        reserve, given = found(hold_id), body("holds")
        if reserve is None:
            return koha.fault(404, "Hold not found")
        if given is None or given["pickup_library_id"] not in ("MULL", "HAB"):
            return koha.fault(400, "The supplied pickup location is not valid")
        reserve.place = given["pickup_library_id"]
        return {name: value for name, value in koha.hold_row(reserve).items() if name != "biblio"}

    @app.delete("/api/v1/holds/<int:hold_id>")
    def delete(hold_id: int) -> Any:
        if (reserve := found(hold_id)) is None:
            return koha.fault(404, "Hold not found.")
        koha.shelves.reserves.remove(reserve)
        return "", 204

    @app.post("/api/v1/holds/<int:hold_id>/suspension")
    def suspend(hold_id: int) -> Any:
        reserve, given = found(hold_id), body("suspension")
        if reserve is None:
            return koha.fault(404, "Hold not found.")
        if given is None or reserve.ready:
            return koha.fault(400, "Found hold cannot be suspended. Status=W")
        reserve.paused, reserve.resumes_on = True, given.get("end_date")
        return {"end_date": reserve.resumes_on}, 201

    @app.delete("/api/v1/holds/<int:hold_id>/suspension")
    def resume(hold_id: int) -> Any:
        if (reserve := found(hold_id)) is None:
            return koha.fault(404, "Hold not found.")
        reserve.paused, reserve.resumes_on = False, None
        return "", 204
