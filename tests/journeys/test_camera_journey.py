"""A desk that scans with its camera: the phone's screen, filmed, and a real browser that reads it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance, ImageFilter
from playwright.sync_api import Browser, Locator, Page, expect

from tests.doors.visits import CHILD, GUARDIAN
from tests.journeys.conftest import CAMERA, COMPUTER, PHONE, Launcher, Opener
from tests.journeys.people import SCAN_FIELD, Kiosk, Visitor, burst, scan
from tests.journeys.server import RunningPortal

FRAME = (1280, 720)
Picture = Image.Image
Film = Callable[..., Page]


def film_of(picture: Picture, *frames_after: Picture) -> bytes:
    """Return a film in YUV4MPEG2, as Chromium's fake camera shows it again and again: ten pictures a second."""
    film = b"YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n" % FRAME
    for frame in (picture, *frames_after):
        y, u, v = frame.convert("YCbCr").split()
        half = (FRAME[0] // 2, FRAME[1] // 2)
        film += b"FRAME\n" + y.tobytes() + u.resize(half).tobytes() + v.resize(half).tobytes()
    return film


def hold_before_camera(tile: Picture, *, side: int = 300, turned: int = 0) -> Picture:
    """Return what a camera sees of the code's tile: so many pixels wide, turned by degrees, before a grey wall."""
    frame = Image.new("RGB", FRAME, (120, 118, 112))
    shown = tile.resize((side, side), Image.Resampling.LANCZOS).convert("RGBA").rotate(turned, expand=True)
    frame.paste(shown, ((FRAME[0] - shown.width) // 2, (FRAME[1] - shown.height) // 2), shown)
    return frame


def hold_side_by_side(left: Picture, right: Picture) -> Picture:
    frame = Image.new("RGB", FRAME, (120, 118, 112))
    for place, tile in enumerate((left, right)):
        frame.paste(tile.resize((300, 300), Image.Resampling.LANCZOS), (180 + 620 * place, 200))
    return frame


@pytest.fixture
def film(launch: Launcher, desk_cookies: Path, portal: RunningPortal, tmp_path: Path) -> Iterator[Film]:
    """Open the desk's page on a computer whose camera sees a picture, and turn the camera on."""
    with ExitStack() as open_browsers:

        def show(*pictures: Picture) -> Page:
            file = tmp_path / "camera.y4m"
            file.write_bytes(film_of(*pictures))
            browser: Browser = open_browsers.enter_context(launch(*CAMERA, f"--use-file-for-fake-video-capture={file}"))
            context = browser.new_context(
                base_url=portal.url, locale="nb-NO", viewport=COMPUTER, storage_state=desk_cookies
            )
            page = context.new_page()
            page.goto("/desk")
            page.get_by_role("button", name="Skann med kamera").click()
            return page

        yield show


def newest(desk: Page) -> Locator:
    """The line of the last scan."""
    return desk.locator("#lines .line").first


def tile_of(phone: Visitor) -> Picture:
    """Return the code on the phone's screen with the white around it, as sharp as the screen shows it."""
    return Image.open(BytesIO(phone.page.locator("#code").screenshot())).convert("RGB")


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(lambda tile: hold_before_camera(tile), id="as it is"),
        pytest.param(lambda tile: ImageEnhance.Brightness(hold_before_camera(tile)).enhance(0.4), id="dimmed to 40 %"),
        pytest.param(lambda tile: hold_before_camera(tile).filter(ImageFilter.GaussianBlur(2.5)), id="out of focus"),
        pytest.param(lambda tile: hold_before_camera(tile, turned=33), id="turned by 33 degrees"),
        pytest.param(lambda tile: hold_before_camera(tile, side=120), id="120 pixels wide"),
    ],
)
def test_the_camera_reads_a_phone(phone: Visitor, film: Film, look: Callable[[Picture], Picture]) -> None:
    phone.signs_in()
    phone.opens_the_card()
    desk = film(look(tile_of(phone)))
    expect(newest(desk)).to_contain_text("Ingrid Solvang")
    expect(newest(desk).locator(".line-headline")).to_have_text("Godtatt")


def test_the_next_patron_is_scanned_without_a_touch_and_a_scanner_types_beside_the_camera(
    phone: Visitor, film: Film, open_page: Opener, kiosk: Kiosk
) -> None:
    phone.signs_in()
    phone.opens_the_card()
    desk = film(hold_before_camera(tile_of(phone)))
    expect(newest(desk)).to_contain_text("Ingrid Solvang")
    other = Visitor(open_page(viewport=PHONE))
    other.signs_in(*CHILD)
    code = other.opens_the_card()
    burst(desk, code)
    # The first phone is still held there, and its patron has been served: it does not take the other's place.
    expect(newest(desk)).to_contain_text("Barn")
    expect(desk.get_by_label(SCAN_FIELD)).to_have_value("")
    assert desk.locator("#camera-video").evaluate("video => !video.paused && video.srcObject.active")
    desk.wait_for_timeout(1_000)
    expect(newest(desk)).to_contain_text("Barn")
    assert kiosk.scans(code)["reason"] == "REPLAY"


def test_of_two_phones_before_the_camera_one_is_served(phone: Visitor, film: Film, open_page: Opener) -> None:
    other = Visitor(open_page(viewport=PHONE))
    for visitor, who in ((phone, GUARDIAN), (other, CHILD)):
        visitor.signs_in(*who)
        visitor.opens_the_card()
    tiles = tile_of(phone), tile_of(other)
    one_way, other_way = (hold_side_by_side(left, right) for left, right in (tiles, tiles[::-1]))
    desk = film(*[one_way] * 8, *[hold_before_camera(tiles[1])] * 2, *[other_way] * 8)
    result = newest(desk)
    expect(result.locator(".line-headline")).to_have_text("Godtatt")
    first = result.inner_text()
    for _ in range(25):
        desk.wait_for_timeout(100)
        assert result.inner_text() == first


def test_a_refused_phone_is_told_so_and_may_be_held_there_until_the_next_code(
    phone: Visitor, film: Film, kiosk: Kiosk, portal: RunningPortal
) -> None:
    phone.signs_in()
    portal.clock.turn_into_step(seconds=1)
    code = phone.opens_the_card()
    assert kiosk.scans(code)["result"] == "accepted"
    desk = film(hold_before_camera(tile_of(phone)))
    expect(newest(desk)).to_have_attribute("data-reason", "REPLAY")
    expect(newest(desk)).to_be_visible()


def test_without_a_camera_a_sentence_says_so_and_the_scanner_goes_on(desk: Page) -> None:
    desk.get_by_role("button", name="Skann med kamera").click()
    expect(desk.locator("#camera-news")).not_to_be_empty()
    expect(scan(desk, "9788202123456")).to_have_attribute("data-state", "refused")


def test_the_camera_is_let_in_on_the_scanning_page_alone(desk: Page) -> None:
    headers = desk.request.get("/desk").headers
    assert "camera=(self)" in headers["permissions-policy"]
    assert "'wasm-unsafe-eval'" in headers["content-security-policy"]
    for other in ("/desk/post", "/card", "/"):
        headers = desk.request.get(other).headers
        assert "camera=()" in headers["permissions-policy"]
        assert "wasm" not in headers["content-security-policy"]
