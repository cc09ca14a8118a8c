"""Make the README's pictures from the running demonstration: `.venv/bin/python scripts/screenshots.py`.

Needs ./manage test's packages and a Chromium; LANEKORT_CHROMIUM names it where it is not called `chromium`.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pyotp
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.demo.accounts import DESKS, PATRONS  # noqa: E402 - the program lies beside this folder

PICTURES = ROOT / "docs" / "img"
COLOURS = 128
START_SECONDS = 60


@contextmanager
def running_demo() -> Iterator[str]:
    """Serve a demonstration in a folder of its own, and give its address. Raises RuntimeError if it does not start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="lanekort-pictures-") as instance:
        server = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "demo.py", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "LANEKORT_INSTANCE": instance},
            stdout=subprocess.DEVNULL,
        )
        try:
            yield _wait_for(server, f"http://localhost:{port}")
        finally:
            server.terminate()
            server.wait()


def _wait_for(server: subprocess.Popen[bytes], url: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"{url}/readyz"):  # noqa: S310 - our own address
                return url
        except URLError:
            time.sleep(0.2)
    raise RuntimeError("the demonstration did not start")


def photograph_card(browser: Browser, url: str) -> str:
    """Sign in on a phone and take the card page. Returns the digits that the card showed."""
    patron = PATRONS[0]
    phone = browser.new_context(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True, has_touch=True, locale="nb-NO"
    )
    page = phone.new_page()
    page.goto(f"{url}/login")
    page.locator("[name=card_number]").fill(patron.card_number)
    page.locator("[name=pin]").fill(patron.pin)
    page.locator("main [type=submit]").click()
    page.goto(f"{url}/card")
    expect(page.locator("#countdown")).to_be_visible()
    digits = page.locator("#digits").inner_text()
    _photograph(page, "card.png")
    return digits


def photograph_desk(browser: Browser, url: str, digits: str) -> None:
    """Sign in at the desk, scan the card, and take the page that says so."""
    desk = DESKS[0]
    page = browser.new_context(viewport={"width": 1100, "height": 980}, locale="nb-NO").new_page()
    page.goto(f"{url}/desk/login")
    page.locator("[name=username]").fill(desk.username)
    page.locator("[name=password]").fill(desk.password)
    page.locator("[name=code]").fill(pyotp.TOTP(desk.totp_secret).now())
    page.locator("main [type=submit]").click()
    page.locator("[name=payload]").fill(digits)
    page.locator("[name=payload]").press("Enter")
    expect(page.locator("#result")).to_contain_text(PATRONS[0].name)
    _photograph(page, "desk.png")


def _photograph(page: Page, name: str) -> None:
    page.evaluate("document.fonts.ready")
    path = PICTURES / name
    page.screenshot(path=path, animations="disabled")
    # Few colours are enough for a page, and the file is a third as large.
    Image.open(path).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} kB")


def main() -> None:
    """Take both pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    program = shutil.which(os.environ.get("LANEKORT_CHROMIUM", "chromium"))
    with running_demo() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        digits = photograph_card(browser, url)
        photograph_desk(browser, url, digits)
        browser.close()


if __name__ == "__main__":
    main()
