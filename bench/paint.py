"""`./manage bench paint`: when a page's first words stand on the screen, on a slow mobile network, in Chromium.

The demonstration is served with one of its two libraries replaced by a system that is reached and never answers.
"""

import os
import shutil
import socket
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread

from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright

from app.config import demo_settings
from app.demo.accounts import PATRONS
from app.ils.circulation.system import CirculationSystem
from app.ils.json_call import make_client
from app.ils.systems import Systems
from bench.servers import serve
from demo import Demonstration

_ANSWERING, _SILENT = "2023500", "Mull"
# WebPageTest's "3G slow": 400 ms from each request to its answer, and 400 kbit a second for all answers together.
_SLOW = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
_POLL_MS = 20


def make_portal(folder: str) -> Flask:
    """Make the demonstration that `folder` holds, with a library that never answers."""
    portal = _demonstration(Path(folder)).build()
    door = socket.create_server(("127.0.0.1", 0))
    Thread(target=_hold_all, args=(door,), daemon=True).start()
    url = f"http://127.0.0.1:{door.getsockname()[1]}"
    silent = CirculationSystem(client=make_client(), url=url, library_id=_SILENT, user="portal", password="unasked")
    answering = portal.extensions["ils"].get(_ANSWERING)
    portal.extensions["ils"] = Systems({_ANSWERING: answering, _SILENT: silent})
    return portal


def _demonstration(folder: Path) -> Demonstration:
    return Demonstration(folder, demo_settings(folder, public_url="http://127.0.0.1"))


def _hold_all(door: socket.socket) -> None:
    held = []
    while True:
        held.append(door.accept())


def _sign_in(browser: Browser, url: str) -> Page:
    context = browser.new_context(
        base_url=url,
        locale="nb-NO",
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        is_mobile=True,
    )
    page = context.new_page()
    page.goto("/login")
    page.locator("[name=card_number]").fill(PATRONS[0].card_number)
    page.locator("[name=pin]").fill(PATRONS[0].pin)
    page.locator("[name=pin]").press("Enter")
    page.wait_for_url("**/my")
    page.wait_for_load_state("load")
    return page


def _first_paint(page: Page, path: str, *, cached: bool) -> float:
    """Return the milliseconds from the start of a navigation to the first words on the screen."""
    page.goto("about:blank")
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    if not cached:
        network.send("Network.clearBrowserCache")
    network.send("Network.emulateNetworkConditions", _SLOW)
    page.goto(path, wait_until="commit")
    painted = 0.0
    while not painted:
        page.wait_for_timeout(_POLL_MS)
        painted = page.evaluate(_PAINT)
    page.wait_for_load_state("load")
    network.detach()
    return painted


def bench_paint(*, rounds: int) -> None:
    """Measure each page with an empty cache, and Min side after signing in, beside a bare answer, in turns."""
    chromium = os.environ.get("LANEKORT_CHROMIUM") or shutil.which("chromium")
    took: dict[str, list[float]] = {}
    with TemporaryDirectory() as name, sync_playwright() as running, ExitStack() as serving:
        folder = Path(name)
        _demonstration(folder).prepare()
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        bare = f"http://127.0.0.1:{serving.enter_context(serve('bench.bare:app', folder / 'bare'))}/"
        portal = serving.enter_context(serve(f"bench.paint:make_portal('{folder}')", folder / "log"))
        for _ in range(rounds):
            page = _sign_in(browser, f"http://127.0.0.1:{portal}")
            for path, cached in (("/my", True), ("/my", False), ("/card", False)):
                what = f"`{path}`, {'after signing in' if cached else 'empty cache'}"
                took.setdefault(what, []).append(_first_paint(page, path, cached=cached))
            page.context.close()
            page = browser.new_context(base_url=f"http://127.0.0.1:{portal}").new_page()
            took.setdefault("`/login`, empty cache", []).append(_first_paint(page, "/login", cached=False))
            took.setdefault("bare answer", []).append(_first_paint(page, bare, cached=False))
            page.context.close()
        browser.close()
    print("| first words on the screen | p50 ms | longest ms | ratio (lowest, highest) |\n|---|---|---|---|")
    for what, times in took.items():
        ratios = [one / beside for one, beside in zip(times, took["bare answer"], strict=True)]
        spread = f"{median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})"
        print(f"| {what} | {median(times):.0f} | {max(times):.0f} | {spread} |")
