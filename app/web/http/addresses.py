"""What an address may hold beside words."""

from werkzeug.routing import BaseConverter


class RowId(BaseConverter):
    """`<id:…>`, the number of a row: from 1, in ASCII digits, no more than every database takes. Else it is no page."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)


class CardNumberInAddress(BaseConverter):
    """`<card:…>`, a card number as somebody may write it; `find` stands at its place and is none."""

    regex = "(?!find$)[^/]+"
