"""Both buildings for a test: the portal over its register, and two libraries that lend, with HTTP between them."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import httpx
from flask import Flask

from app.ils.circulation.system import CirculationSystem
from app.ils.json_call import make_client
from app.ils.systems import Systems
from circulation.demo import seed_demo
from circulation.factory import create_circulation, migrate_all
from circulation.lending.interlibrary import match_key
from circulation.libraries import Library
from circulation.settings import Settings
from circulation.tables import Item
from tests.memory import find_memory

# A machine that runs many tests at once may be slower than any library that a patron would wait for.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Town:
    """The libraries' side. `calls` names each call that the portal made, by library."""

    circulation: Flask
    systems: Systems
    calls: list[tuple[str, str]]

    def library(self, library_id: str) -> Library:
        found: Library = self.circulation.extensions["circulation"][library_id]
        return found

    def put_on_shelf(self, library_id: str, *, barcode: str, title: str) -> None:
        with self.library(library_id).database.writing() as session:
            session.add(
                Item(
                    barcode=barcode,
                    edition=f"test-{barcode}",
                    title=title,
                    author="",
                    category="book",
                    shelf_code="Hc",
                    publication_year=1999,
                    state="stock",
                    interlibrary=False,
                    match_key=match_key(title),
                )
            )

    def close(self) -> None:
        for library in self.circulation.extensions["circulation"].values():
            library.database.close()


_FOLDERS = tempfile.TemporaryDirectory(dir=find_memory())


@cache
def _seed(now: datetime) -> Path:
    """Return a folder with the two libraries' databases as of an instant, to be copied."""
    folder = Path(_FOLDERS.name) / str(now.timestamp())
    settings = Settings.for_demo(instance=folder)
    migrate_all(settings)
    seed_demo(settings=settings, now=now)
    return folder


def build_town(folder: Path, *, clock: Callable[[], datetime]) -> Town:
    """Build the demonstration's two libraries under a folder, with its loans as of the clock."""
    settings = Settings.for_demo(instance=folder)
    shutil.copytree(_seed(clock()), folder)
    circulation = create_circulation(settings, clock=clock)
    calls: list[tuple[str, str]] = []

    class Counted(httpx.WSGITransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            _, _, _, library_id, call = request.url.path.split("/", 4)
            calls.append((library_id, call))
            return super().handle_request(request)

    client = make_client(transport=Counted(app=circulation))
    systems = {
        library_id: CirculationSystem(
            client=client,
            url="http://circulation.localhost",
            library_id=library_id,
            user=settings.api_user,
            password=settings.api_password,
            seconds=PATIENCE_SECONDS,
        )
        for library_id in ("2023500", "Mull")
    }
    return Town(circulation, Systems(systems), calls)
