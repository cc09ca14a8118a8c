"""Libraries of every kind. Without circulation/ those that run it are skipped and the rest stands."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.contract.koha_world import KohaWorld, koha
from tests.contract.sip2_world import Sip2World, sip2
from tests.contract.world import World

if TYPE_CHECKING:
    from tests.contract.circulation_world import CirculationWorld

LIBRARIES = ("Mull", "2023500")


@pytest.fixture(scope="session")
def empty_libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The databases of both libraries, migrated and empty, to be copied."""
    database = pytest.importorskip("circulation.database").Database
    folder = tmp_path_factory.mktemp("libraries")
    paths = {library: folder / f"{library}.sqlite" for library in LIBRARIES}
    for library, path in paths.items():
        made = database(library=library, url=f"sqlite:///{path}")
        made.migrate()
        made.close()
    return paths


@pytest.fixture
def library_urls(empty_libraries: dict[str, Path], tmp_path: Path) -> dict[str, str]:
    return {
        library: f"sqlite:///{shutil.copyfile(path, tmp_path / path.name)}" for library, path in empty_libraries.items()
    }


@pytest.fixture(params=["in process", "over http"])
def circulation(request: pytest.FixtureRequest, library_urls: dict[str, str]) -> "Iterator[CirculationWorld]":
    from tests.contract import circulation_world as worlds

    open_world = {"in process": worlds.circulation_in_process, "over http": worlds.circulation_over_http}
    with open_world[request.param](library_urls) as world:
        yield world


@pytest.fixture
def koha_world() -> Iterator[KohaWorld]:
    with koha(oauth=False) as world:
        yield world


@pytest.fixture
def sip2_world() -> Iterator[Sip2World]:
    with sip2() as world:
        yield world


KINDS = [
    "circulation in process",
    "circulation over http",
    "koha",
    "koha with oauth2",
    "sip2",
    "sip2 in cp850",
]


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A library of each kind."""
    kind: str = request.param
    if kind.startswith("circulation"):
        urls = request.getfixturevalue("library_urls")
        from tests.contract import circulation_world as worlds

        opened = worlds.circulation_in_process if kind.endswith("process") else worlds.circulation_over_http
        with opened(urls) as made:
            yield made
    elif kind.startswith("koha"):
        with koha(oauth=kind.endswith("oauth2")) as made:
            yield made
    else:
        with sip2("cp850" if kind.endswith("cp850") else "utf-8") as made:
            yield made
