"""Draw the app's icons from the same shapes as app/static/favicon.svg; to be run when those change."""

from math import cos, radians, sin
from pathlib import Path

from PIL import Image, ImageDraw

TARGET = Path(__file__).resolve().parent.parent / "app" / "static" / "img"
BLUE, WHITE = "#0062ba", "#ffffff"
SHARPER = 4
# Left, top, width, height and turn of each book's back, on the favicon's grid of 32.
SPINES = ((6, 8, 4, 16, 0), (11.5, 11, 3, 13, 0), (16, 8, 2, 16, 0), (20.5, 8.2, 3.6, 16, -12))
TURNED_ABOUT = (22.3, 24)
GRID = 32
MIDDLE = (15.6, 16)


def draw(size: int, *, rounded: bool, scale: float) -> Image.Image:
    """Return the icon in pixels of `size`. A launcher cuts its own shape out of one that is not `rounded`."""
    big = size * SHARPER
    image = Image.new("RGBA", (big, big), (0, 0, 0, 0) if rounded else BLUE)
    pen = ImageDraw.Draw(image)
    if rounded:
        pen.rounded_rectangle((0, 0, big - 1, big - 1), radius=big // 4, fill=BLUE)
    for left, top, width, height, turn in SPINES:
        corners = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
        pen.polygon([_place(corner, turn, big, scale) for corner in corners], fill=WHITE)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def _place(corner: tuple[float, float], turn: float, big: int, scale: float) -> tuple[float, float]:
    x, y = corner
    about_x, about_y = TURNED_ABOUT
    angle = radians(turn)
    x, y = (
        about_x + (x - about_x) * cos(angle) - (y - about_y) * sin(angle),
        about_y + (x - about_x) * sin(angle) + (y - about_y) * cos(angle),
    )
    unit = big / GRID
    return (big / 2 + (x - MIDDLE[0]) * unit * scale, big / 2 + (y - MIDDLE[1]) * unit * scale)


if __name__ == "__main__":
    for name, size, rounded, scale in (
        ("icon-192.png", 192, True, 1.0),
        ("icon-512.png", 512, True, 1.0),
        ("icon-maskable-512.png", 512, False, 0.8),
        ("icon-apple-180.png", 180, False, 0.95),
    ):
        image = draw(size, rounded=rounded, scale=scale)
        image.quantize(64).save(TARGET / name, optimize=True)
