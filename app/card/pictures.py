"""The card code as pictures: QR (ISO/IEC 18004) and, for older scanners, Code 128-C (ISO/IEC 15417)."""

from functools import lru_cache
from io import BytesIO

import qrcode
from barcode import Code128
from markupsafe import Markup
from qrcode.constants import ERROR_CORRECT_Q
from qrcode.util import MODE_NUMBER, QRData

from app.web.pages.squares import draw_squares

QUIET_ZONE = 4
_BAR_HEIGHT = 40
_BAR_QUIET_ZONE = 10
_PNG_MODULE_PIXELS = 12


def _qr(digits: str) -> "qrcode.QRCode[qrcode.image.base.BaseImage]":
    code = qrcode.QRCode(version=1, error_correction=ERROR_CORRECT_Q, border=QUIET_ZONE, box_size=_PNG_MODULE_PIXELS)
    code.add_data(QRData(digits, mode=MODE_NUMBER))
    code.make(fit=False)
    return code


# Drawing costs more than verifying. The picture of a code is asked for a few times within its half minute.
@lru_cache(maxsize=512)
def draw_qr_svg(digits: str) -> Markup:
    """Return the QR code as an inline SVG of one path, black on white, quiet zone included."""
    rows = _qr(digits).get_matrix()
    return draw_squares(rows=rows, height=1)


@lru_cache(maxsize=128)
def draw_qr_png(digits: str) -> bytes:
    """Return the QR code as PNG."""
    image = BytesIO()
    _qr(digits).make_image().save(image)
    return image.getvalue()


@lru_cache(maxsize=512)
def draw_barcode_svg(digits: str) -> Markup:
    """Return the digits as a Code 128-C barcode, an inline SVG of one path with its quiet zone."""
    bars = Code128(digits).build()[0]
    quiet = [False] * _BAR_QUIET_ZONE
    return draw_squares(rows=[[*quiet, *(bar == "1" for bar in bars), *quiet]], height=_BAR_HEIGHT)
