"""`./manage bench desk`: from a scanner's Enter to the line on the screen, in Chromium, on the demonstration."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import pyotp
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.demo.accounts import DESKS
from bench.load import send_one, write_request
from bench.servers import serve, stop

_HOME = Path(__file__).parent.parent
_PATIENCE_SECONDS = 120
_CARDS = ("N000100001", "N000100002")
_FREE = ("2002", "2003", "2005", "2006", "2007", "2009")

# Before the page's own listener, which keeps a scanner's Enter to itself.
_KEYS = """
  window.entered = [];
  addEventListener("keydown", ({ key, timeStamp }) => key === "Enter" && entered.push(timeStamp), true);
"""
# The next frame begins once what was changed is drawn.
_WATCH = """() => {
  window.took = { seen: [], answered: [] };
  const shown = new Set();
  entered.length = 0;
  const note = (kind, since) => setTimeout(() => took[kind].push(performance.now() - since));
  const drawn = (kind, since) => requestAnimationFrame(() => note(kind, since));
  const times = new Map();
  new MutationObserver(() => {
    for (const line of document.querySelectorAll(".line[data-key]")) {
      const { key, state } = line.dataset;
      if (!times.has(key)) {
        times.set(key, entered.shift());
        drawn("seen", times.get(key));
      }
      if (state !== "waiting" && !shown.has(key)) {
        shown.add(key);
        drawn("answered", times.get(key));
      }
    }
  }).observe(document.getElementById("main"), { childList: true, subtree: true });
}"""
_POST = """async (size) => {
  const began = performance.now();
  const body = new FormData();
  body.set("scan", "x".repeat(size));
  await (await fetch("/", { method: "POST", body })).text();
  return performance.now() - began;
}"""
_BODY = 600  # bytes, as many as a scan's form has


@contextmanager
def _demonstration(folder: Path, port: int) -> Iterator[str]:
    environment = {**os.environ, "LANEKORT_INSTANCE": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "demo.py", "--port", str(port)],
            cwd=_HOME,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                send_one(port, write_request("GET", "/healthz"))
                break
            except OSError:
                if time.monotonic() > end or process.poll() is not None:
                    raise
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


def _sign_in(browser: Browser, url: str) -> Page:
    page = browser.new_page(base_url=url, locale="nb-NO", viewport={"width": 1280, "height": 900})
    page.add_init_script(_KEYS)
    page.goto("/desk/login")
    page.locator("[name=username]").fill(DESKS[0].username)
    page.locator("[name=password]").fill(DESKS[0].password)
    page.locator("[name=code]").fill(pyotp.TOTP(DESKS[0].totp_secret).at(datetime.now(UTC)))
    page.locator("[name=code]").press("Enter")
    expect(page.locator("#payload")).to_be_visible()
    return page


def _scan(page: Page, payload: str) -> None:
    """Scan as a person does, one after the other: the next when the answer is there."""
    page.keyboard.type(payload, delay=5)
    page.keyboard.press("Enter")
    expect(page.locator(".line[data-state=waiting]")).to_have_count(0)
    page.wait_for_timeout(100)


def bench_desk(*, rounds: int) -> None:
    """Measure rounds of two cards with three items each, which are returned, beside a bare answer in that browser."""
    chromium = os.environ.get("LANEKORT_CHROMIUM") or shutil.which("chromium")
    with TemporaryDirectory() as name, sync_playwright() as running:
        folder = Path(name)
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        with serve("bench.bare:app", folder / "bare") as bare, _demonstration(folder, bare + 1) as url:
            page, beside = _sign_in(browser, url), browser.new_page()
            beside.goto(f"http://127.0.0.1:{bare}/")
            page.evaluate(_WATCH)
            answers: list[float] = []
            for _ in range(rounds):
                for card, items in zip(_CARDS, (_FREE[:3], _FREE[3:]), strict=True):
                    for payload in (card, *items):
                        _scan(page, payload)
                        answers.append(beside.evaluate(_POST, _BODY))
                page.keyboard.press("F2")
                page.wait_for_url("**/desk/returns")
                for payload in _FREE:
                    _scan(page, payload)
            took: dict[str, list[float]] = page.evaluate("took")
        browser.close()
    print("| from Enter to the line on the screen | scans | p50 ms | p95 ms | longest ms |\n|---|---|---|---|---|")
    rows = {"seen, waiting": took["seen"], "answered": took["answered"], "bare POST, answer": answers}
    for what, times in rows.items():
        p95 = quantiles(times, n=20)[-1]
        print(f"| {what} | {len(times)} | {median(times):.0f} | {p95:.0f} | {max(times):.0f} |")
