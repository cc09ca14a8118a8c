"""The command line and the demo, run as an operator runs them."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from circulation.cli import main
from circulation.demo import seed_demo
from circulation.factory import create_circulation, migrate_all
from circulation.lending.claims import run_claims
from circulation.libraries import open_libraries
from circulation.settings import POLICIES, Settings, SettingsError
from tests.conftest import Databases
from tests.postgres import create_database

pytestmark = pytest.mark.usefixtures("programs")

ROOT = Path(__file__).parents[2]


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "circulation", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1", **environ}
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


def overview(settings: Settings, library: str, now: datetime) -> dict[str, dict[str, object]]:
    cards = [f"N00010000{number}" for number in range(1, 7)]
    client = create_circulation(settings, clock=lambda: now).test_client()
    answer = client.post(
        f"/circulation/v1/{library}/patrons/overview",
        json={"card_numbers": cards},
        auth=(settings.api_user, settings.api_password),
    )
    return {patron["card_number"]: patron for patron in answer.get_json()["patrons"]}


def test_an_operator_migrates_seeds_and_claims_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo = {"CIRCULATION_DEMO": "1", "LANEKORT_INSTANCE": str(tmp_path / "instance")}
    assert run("migrate", **demo).stdout == "Mull: tables are the newest\n2023500: tables are the newest\n"
    assert main(["seed-demo"], demo) == 0
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "instance").iterdir()} == {0o600}
    again = run("--library", "Mull", "claims", "run", **demo)
    assert (again.stdout, again.returncode) == ("Mull: 0 claims made\n", 0)
    assert main(["--library", "2023500", "daily"], demo) == 0
    assert "2023500: 0 holds expired, 0 claims made, 0 reminders made" in capsys.readouterr().out


def test_it_does_not_start_without_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate"], {"CIRCULATION_DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite"}) == 2
    told = capsys.readouterr().err
    for name in ("CIRCULATION_LIBRARIES", "CIRCULATION_API_USER", "CIRCULATION_API_PASSWORD"):
        assert name in told
    assert not (tmp_path / "x.sqlite").exists()


def test_every_fault_of_the_settings_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(
            {
                "CIRCULATION_LIBRARIES": "Mull,2023500",
                "CIRCULATION_DATABASE_URL": "mysql://localhost/x",
                "CIRCULATION_API_USER": "a:b",
                "CIRCULATION_API_PASSWORD": "short",
            }
        )
    assert len(str(caught.value).splitlines()) == 4
    assert "short" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CIRCULATION_DATABASE_URL", "postgresql+psycopg://circulation:change-me@localhost/circulation"),
        ("CIRCULATION_DATABASE_URL", "postgresql+psycopg://circulation:xxx@localhost/circulation"),
        ("CIRCULATION_API_PASSWORD", "change-me, change-me"),
        ("CIRCULATION_API_PASSWORD", "x" * 32),
        ("CIRCULATION_API_PASSWORD", "abc" * 16),
    ],
)
def test_it_does_not_start_with_a_secret_that_anybody_would_try_first(name: str, value: str) -> None:
    good = {
        "CIRCULATION_LIBRARIES": "Mull",
        "CIRCULATION_DATABASE_URL": "postgresql+psycopg://localhost/circulation",
        "CIRCULATION_API_USER": "portal",
        "CIRCULATION_API_PASSWORD": "sixteen letters!",
    }
    assert Settings.from_environment(good)
    with pytest.raises(SettingsError, match=name) as caught:
        Settings.from_environment(good | {name: value})
    assert value not in str(caught.value)


def test_the_settings_give_each_library_its_own_database() -> None:
    settings = Settings.from_environment(
        {
            "CIRCULATION_LIBRARIES": "Mull, 2023500",
            "CIRCULATION_DATABASE_URL": "postgresql+psycopg://localhost/circulation_{library}",
            "CIRCULATION_API_USER": "portal",
            "CIRCULATION_API_PASSWORD": "sixteen letters!",
        }
    )
    assert settings.database_urls["2023500"].endswith("/circulation_2023500")
    assert "sixteen" not in repr(settings)


def test_a_library_keeps_its_policy_file_in_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "Mull.toml").write_text((POLICIES / "Mull.toml").read_text("utf-8").replace("= 28", "= 21"), "utf-8")
    environ = {
        "CIRCULATION_LIBRARIES": "Mull",
        "CIRCULATION_DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite",
        "CIRCULATION_API_USER": "portal",
        "CIRCULATION_API_PASSWORD": "sixteen letters!",
    }
    libraries = open_libraries(Settings.from_environment(environ | {"CIRCULATION_POLICIES": str(tmp_path)}))
    assert libraries["Mull"].policy.categories["book"].loan_days == 21
    with pytest.raises(SettingsError, match="CIRCULATION_POLICIES"):
        Settings.from_environment(environ | {"CIRCULATION_POLICIES": str(tmp_path / "nowhere")})


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
        datetime(2026, 7, 14, 9, 0, tzinfo=UTC),
        datetime(2027, 1, 2, 9, 0, tzinfo=UTC),
        datetime(2028, 2, 29, 22, 59, tzinfo=UTC),
    ],
)
def test_the_demo_has_its_people_on_any_day(tmp_path: Path, now: datetime) -> None:
    settings = Settings.for_demo(instance=tmp_path)
    migrate_all(settings)
    seed_demo(settings=settings, now=now)
    mull, ullensaker = overview(settings, "Mull", now), overview(settings, "2023500", now)

    def loans(patron: dict[str, object]) -> list[dict[str, object]]:
        found = patron["loans"]
        assert isinstance(found, list)
        return found

    assert all(loans(patrons["N000100001"]) for patrons in (mull, ullensaker))
    for child in ("N000100002", "N000100003"):
        assert loans(ullensaker[child])
        assert not loans(mull[child])
    owing = mull["N000100005"]
    assert isinstance(owing["debt_total"], int)
    assert owing["debt_total"] > 20000
    assert owing["blocks"]
    everything = [loan for patrons in (mull, ullensaker) for patron in patrons.values() for loan in loans(patron)]
    assert {loan["overdue"] for loan in everything} == {True, False}
    assert {loan["renewable"] for loan in everything} == {True, False}
    assert len({loan["title"] for loan in everything}) == len(everything)

    seed_demo(settings=settings, now=now + timedelta(days=3))
    assert overview(settings, "Mull", now) == mull
    for library in open_libraries(settings).values():
        assert run_claims(database=library.database, policy=library.policy, now=now) == 0
        library.database.close()


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_library_s_database_on_postgresql_has_its_capitals(
    engine: str, databases: Databases, capsys: pytest.CaptureFixture[str]
) -> None:
    assert engine == "postgresql"
    url = create_database(databases.server(), "circulation_Mull")
    environ = {
        "CIRCULATION_LIBRARIES": "Mull",
        "CIRCULATION_DATABASE_URL": url.replace("Mull", "{library}"),
        "CIRCULATION_API_USER": "portal",
        "CIRCULATION_API_PASSWORD": "sixteen letters!",
    }
    assert main(["migrate"], environ) == 0
    assert main(["daily"], environ) == 0
    assert main(["daily"], environ | {"CIRCULATION_DATABASE_URL": url.replace("Mull", "mull")}) == 2
    assert "is CIRCULATION_DATABASE_URL right" in capsys.readouterr().err


def test_rules_go_out_as_a_file_and_come_in_as_the_draft_like_at_the_desk(tmp_path: Path) -> None:
    environ = {"CIRCULATION_DEMO": "1", "LANEKORT_INSTANCE": str(tmp_path / "instance")}
    assert main(["migrate"], environ) == 0
    assert run("rules", "export", **environ).stderr == "rules: name one library with --library: Mull, 2023500\n"
    rules = ("--library", "Mull", "rules")
    written = run(*rules, "export", **environ).stdout
    assert written == (POLICIES / "Mull.toml").read_text("utf-8")
    file = tmp_path / "new.toml"
    file.write_text(written.replace("loan_days = 7", "loan_days = 0").replace("max = 2", "max = true"), "utf-8")
    refused = run(*rules, "import", str(file), **environ)
    line = written[: written.index("loan_days = 7")].count("\n") + 1
    first, second = refused.stderr.splitlines()
    assert first == f"{file}, line {line}: categories.dvd.loan_days: must be from 1 to 366"
    assert second.endswith(": renewals.max: must be a whole number")
    assert refused.returncode == 2
    assert run(*rules, "export", "--draft", **environ).stderr == "There is no draft of rules.\n"
    changed = written.replace("max_open = 10", "max_open = 11")
    file.write_text(changed, "utf-8")
    assert run(*rules, "import", str(file), **environ).returncode == 0
    assert run(*rules, "export", "--draft", **environ).stdout == changed
    assert run(*rules, "export", **environ).stdout == written
    # What somebody saved is never replaced unseen.
    file.write_text(written, "utf-8")
    again = run(*rules, "import", str(file), **environ)
    assert (again.returncode, "(operator) saved a draft at" in again.stderr) == (2, True)
    assert run(*rules, "import", str(file), "--replace", **environ).returncode == 0
    assert run(*rules, "export", "--draft", **environ).stdout == written
