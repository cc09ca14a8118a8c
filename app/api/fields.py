"""Fields that take a JSON value of their own type alone: "yes" is no boolean, and "7" no number."""

import re
from datetime import date
from typing import Any

from apiflask.fields import Boolean, Date, Integer

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def about(description: str, **more: object) -> dict[str, object]:
    """Return what the OpenAPI document says of a field; `more` is its example, for instance."""
    return {"description": description, **more}


class Flag(Boolean):
    """`true` or `false`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:  # noqa: ANN401
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Whole(Integer):
    """A whole number."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:  # noqa: ANN401
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            raise self.make_error("invalid", input=value)
        return int(value)


class Day(Date):
    """A calendar day as RFC 3339 has it: `2014-02-28`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:  # noqa: ANN401
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        day = super()._deserialize(value, attr, data, **kwargs)
        assert isinstance(day, date)
        return day
