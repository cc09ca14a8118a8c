"""QR codes and barcodes as inline SVG: nothing to fetch, and sharp at every size and on paper."""

from collections.abc import Sequence

import qrcode
from markupsafe import Markup
from qrcode.constants import ERROR_CORRECT_M

_QUIET_ZONE = 4


def draw_squares(*, rows: Sequence[Sequence[bool]], height: int) -> Markup:
    """Return one path of black squares on white, each one wide and `height` high. The rows hold the quiet zone."""
    runs = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            if not row[x]:
                x += 1
                continue
            start = x
            while x < len(row) and row[x]:
                x += 1
            runs.append(f"M{start} {y * height}h{x - start}v{height}h-{x - start}z")
    size = f"0 0 {len(rows[0])} {len(rows) * height}"
    return Markup(  # noqa: S704 - made of numbers alone
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" shape-rendering="crispEdges" aria-hidden="true">'
        f'<path fill="#fff" d="M0 0h{len(rows[0])}v{len(rows) * height}H0z"/><path d="{"".join(runs)}"/></svg>'
    )


def draw_link(link: str) -> Markup:
    """Return a QR code (ISO/IEC 18004) that a phone's camera opens."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=_QUIET_ZONE)
    code.add_data(link)
    code.make()
    return draw_squares(rows=code.get_matrix(), height=1)
