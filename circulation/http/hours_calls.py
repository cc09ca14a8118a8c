"""What the register tells about the library's opening hours. Part of the list in calls.py."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from circulation.http.calls import Answer, Call
from circulation.lending.transaction import Transaction
from circulation.policy.hours import read_day
from circulation.rulebook.told_hours import tell_hours


def _readable(text: str) -> str:
    read_day(text)
    return text


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


Hours = Annotated[StrictStr, Field(max_length=300), AfterValidator(_readable)]
IsoDay = Annotated[StrictStr, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_day)]


class ToldWeek(BaseModel):
    """A week from Monday on, valid from a day."""

    model_config = ConfigDict(extra="forbid")
    since: IsoDay
    days: Annotated[list[Hours], Field(min_length=7, max_length=7)]


class ToldException(BaseModel):
    """Other hours from a day to a day, perhaps every year."""

    model_config = ConfigDict(extra="forbid")
    first: IsoDay
    last: IsoDay
    yearly: StrictBool
    hours: Hours


def tell(
    tx: Transaction,
    version: Annotated[StrictInt, Field(ge=1, le=2**62)],
    weeks: Annotated[list[ToldWeek], Field(max_length=200)],
    exceptions: Annotated[list[ToldException], Field(max_length=500)],
) -> Answer:
    """The library's opening hours, all of them, as the public reads them. The answer has the version that is here."""
    told = {name: [one.model_dump() for one in each] for name, each in (("weeks", weeks), ("exceptions", exceptions))}
    return {"version": tell_hours(tx=tx, version=version, document=json.dumps(told, sort_keys=True))}


HOURS_CALLS: Final = {"hours/tell": Call(tell)}
