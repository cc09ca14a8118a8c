"""How the portal reads and writes JSON: with our own bound on how deep a body nests, wherever it is read."""

from typing import Any

from flask.json.provider import DefaultJSONProvider

from app.rules.json_text import parse_json


class BoundedJson(DefaultJSONProvider):
    """Flask's own, except that what nests too deep is no JSON to us; fields stay in the order they were written."""

    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:  # noqa: ANN401 - as Flask has it
        """Return the value. Raises ValueError, which Flask answers with 400."""
        return parse_json(s, **kwargs)
