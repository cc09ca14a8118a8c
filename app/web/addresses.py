"""What an address may hold beside words."""

from werkzeug.routing import BaseConverter


class RowId(BaseConverter):
    """`<id:…>`, the number of a row: ASCII digits, no more than every database takes. Anything else is no page."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)
