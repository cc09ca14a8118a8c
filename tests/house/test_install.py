"""`./manage install` before it fetches anything, and the operator's command of what it makes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import VAULT_KEYS

HOUSE = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("programs")


def run(*command: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize(
    ("there", "words", "sentence"),
    [
        ("", (), "say where to: ./manage install FOLDER"),
        ("app", ("place",), "place/app is in the way; choose another folder."),
        (".venv", ("place",), "place/.venv is in the way; choose another folder."),
        ("", ("a-file",), "cannot make a-file, or not go there."),
    ],
)
def test_a_folder_that_will_not_do_is_refused_and_left_as_it_is(
    tmp_path: Path, there: str, words: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "a-file").touch()
    (tmp_path / "place" / there).mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    done = run(HOUSE / "manage", "install", *words, cwd=tmp_path, PATH="/usr/bin:/bin")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(sentence)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """What `./manage install` leaves, with links to this program, and settings. The user is not root."""
    version = tmp_path / "program" / "versions" / "1"
    (version / "bin").mkdir(parents=True)
    shutil.copy(HOUSE / "scripts" / "lanekort", version / "bin")
    (version / ".venv").symlink_to(sys.prefix)
    for name in ("wsgi.py", "app", "circulation"):
        (version / name).symlink_to(HOUSE / name)
    (tmp_path / "program" / "current").symlink_to("versions/1")
    (tmp_path / "program" / "bin").symlink_to("current/bin")
    (tmp_path / "lanekort").symlink_to(tmp_path / "program" / "bin" / "lanekort")
    (tmp_path / "id").write_text('#!/bin/sh\n[ "$1" = -u ] && echo 1000 || echo kari\n')
    (tmp_path / "id").chmod(0o755)
    (tmp_path / "lanekort.env").write_text(
        f"DATABASE_URL='sqlite:///{tmp_path}/register.sqlite'\nSECRET_KEY='a secret key, with $blanks # and signs'\n"
        f"VAULT_KEYS='1:{VAULT_KEYS[1].hex()}'\nPUBLIC_URL='https://card.example.org'\n"
        f"SMTP_URL='smtp://localhost'\nMAIL_FROM='card@example.org'\nERASURE_JOURNAL='{tmp_path}/journal'\n"
    )
    return tmp_path


def lanekort(place: Path, *words: str, settings: str = "lanekort.env") -> subprocess.CompletedProcess[str]:
    path = f"{place}:/usr/bin:/bin"
    return run(place / "lanekort", *words, cwd=place, PATH=path, LANEKORT_ENV=str(place / settings))


def test_the_operator_s_command_reads_the_settings_and_files_where_one_is(installed: Path) -> None:
    (installed / "list.csv").write_text("biblioteknummer,name,type\n2023500,Ullensaker bibliotek,folkbib\n")
    for words, said in ((("db", "upgrade"), ""), (("libraries", "import", "list.csv"), "1 added")):
        done = lanekort(installed, *words)
        assert (done.returncode, said in done.stdout) == (0, True), done.stderr


def test_the_operator_s_command_leads_to_the_loans_system_of_the_program(installed: Path) -> None:
    (installed / "circulation").mkdir()
    (installed / "circulation" / "__init__.py").write_text("raise SystemExit('that of the folder')")
    (installed / "circulation" / "__main__.py").touch()
    done = lanekort(installed, "circulation", "migrate")
    assert done.returncode == 2
    assert "CIRCULATION_LIBRARIES: name at least one library id" in done.stderr


def test_settings_that_cannot_be_read_are_told(installed: Path) -> None:
    done = lanekort(installed, "staff", "list", settings="none")
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"lanekort: kari cannot read {installed}/none: run this as root or as the user lanekort"
    )
