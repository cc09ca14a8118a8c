"""What whoever runs the servers relies on: health, settings, commands, and a production without demonstration."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import func, select

import demo
from app import create_app
from app.config import BadSettings, demo_settings
from app.demo.accounts import ADMINISTRATORS, DESKS, MACHINES, PATRONS
from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.register.tables.devices import PresentedStep
from app.register.tables.library import Library
from app.register.tables.patrons import Session
from app.web.access import Audience, RouteWithoutAudience, open_to, require_audiences
from demo import Demonstration
from tests.conftest import Clock, Databases, MakeApp, settings_for
from tests.doors.inspection import InspectingClient
from tests.doors.visits import GUARDIAN, log_in, main_text, scan_at_kiosk, shown_code
from tests.wallets import CLASS_ID, google_issuer, service_account


def test_a_living_process_says_so(client: FlaskClient) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_a_current_database_is_ready(client: FlaskClient) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json) == (200, {"status": "ok"})


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_database_without_its_migrations_is_not_ready(databases: Databases, engine: str) -> None:
    url = databases.empty(engine)
    client = create_app(settings_for(url)).test_client()
    response = client.get("/readyz")
    assert (response.status_code, response.json) == (503, {"status": "migrations not current"})
    assert client.get("/healthz").status_code == 200


def test_a_database_that_is_not_there_is_not_ready_and_the_process_lives() -> None:
    client = create_app(settings_for("postgresql+psycopg://nobody@127.0.0.1:1/none")).test_client()
    response = client.get("/readyz")
    assert (response.status_code, response.json) == (503, {"status": "database not reached"})
    assert client.get("/healthz").status_code == 200


def test_a_fault_of_ours_is_a_page_with_a_way_on_that_needs_no_database(app: APIFlask, client: FlaskClient) -> None:
    app.testing = False
    with app.app_context():
        Base.metadata.drop_all(db.engine)
    response = log_in(client, *GUARDIAN)
    assert response.status_code == 500
    assert "Something went wrong on our side." in main_text(response)
    assert "To the start page" in main_text(response)
    assert "N000100001" not in response.text
    assert "sqlite" not in response.text.lower()


def test_in_the_demonstration_the_start_page_lists_the_accounts_and_every_page_has_the_banner(
    client: FlaskClient,
) -> None:
    text = main_text(client.get("/"))
    for patron in PATRONS:
        assert patron.card_number in text
        assert patron.pin in text
    for desk in DESKS + ADMINISTRATORS:
        assert desk.username in text
        assert desk.password in text
        assert desk.totp_secret in text
    for machine in MACHINES:
        assert machine.username in text
        assert machine.password in text
    assert "This is a demonstration with invented people." in client.get("/login").text


def test_in_production_nothing_of_the_demonstration_is_there(make_app: MakeApp) -> None:
    app = make_app(demo=False)
    client = InspectingClient(app, app.response_class)
    client.set_cookie("lang", "en")
    for path in ("/", "/login", "/desk/login"):
        text = client.get(path).text
        assert "demonstration" not in text.lower()
        for patron in PATRONS:
            assert patron.card_number not in text
        for desk in DESKS + ADMINISTRATORS:
            assert desk.password not in text
    assert client.get("/demo/inbox").status_code == 404
    assert not any(rule.endpoint.startswith("demo.") for rule in app.url_map.iter_rules())


def test_a_route_that_names_no_audience_does_not_start() -> None:
    app = create_app(settings_for("sqlite:////never-opened"))
    app.add_url_rule("/named", "named", open_to(Audience.ANYONE)(lambda: ""))
    require_audiences(app)
    app.add_url_rule("/forgotten", "forgotten", lambda: "")
    with pytest.raises(RouteWithoutAudience, match="forgotten"):
        require_audiences(app)


def test_the_demonstration_keeps_its_keys_to_itself_and_from_one_start_to_the_next(tmp_path: Path) -> None:
    first, again = demo_settings(tmp_path / "instance"), demo_settings(tmp_path / "instance")
    assert first == again
    for key in ("secret-key", "vault-key"):
        assert (tmp_path / "instance" / key).stat().st_mode & 0o077 == 0


def test_the_demonstration_has_the_wallets_that_its_environment_names(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_text(service_account(), encoding="utf-8")
    wallets = {"GOOGLE_WALLET_FILE": str(file), "GOOGLE_WALLET_CLASS_ID": CLASS_ID}
    assert demo_settings(tmp_path, environ=wallets).google_wallet == google_issuer()
    assert demo_settings(tmp_path, environ={}).google_wallet is None
    with pytest.raises(BadSettings, match="GOOGLE_WALLET_CLASS_ID"):
        demo_settings(tmp_path, environ=wallets | {"GOOGLE_WALLET_CLASS_ID": ""})


def test_commands_work_on_the_demonstration_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANEKORT_INSTANCE", str(tmp_path))
    with pytest.raises(SystemExit, match="manage run"):
        demo.create_app()
    Demonstration(tmp_path, demo_settings(tmp_path)).prepare()
    done = demo.create_app().test_cli_runner().invoke(args=["libraries", "set", "2023500", "static_codes", "on"])
    assert done.output.startswith("2023500: static_codes is on. ")


LIST = """sigel,name,type,address,postcode,place,municipality_code
Tran,Tranemo bibliotek,folkbib,Storgatan 30,514 31,Tranemo,1452
,Uten id,folkbib,,,,
Ulri,Ulricehamns bibliotek,folkbib,,523 30,Ulricehamn,1491
"""


def test_a_library_list_is_imported_and_bad_rows_are_named_by_line(app: APIFlask, tmp_path: Path) -> None:
    file = tmp_path / "libraries.csv"
    file.write_text(LIST, encoding="utf-8")
    done = app.test_cli_runner().invoke(args=["libraries", "import", str(file)])
    assert done.exit_code == 1
    assert "libraries.csv:3: has no library id" in done.output
    assert "2 added, 0 changed, 0 unchanged, 1 bad rows" in done.output
    with app.app_context():
        assert db.session.get_one(Library, "Tran").place == "Tranemo"
    file.write_text(LIST.replace(",Uten id,folkbib,,,,\n", "").replace("Storgatan 30", "Torget 1"), encoding="utf-8")
    done = app.test_cli_runner().invoke(args=["libraries", "import", str(file)])
    assert done.exit_code == 0
    assert "0 added, 1 changed, 1 unchanged, 0 bad rows" in done.output


@pytest.mark.parametrize("content", [b"", b"name\nx\n", b"\xff\xfe\x00", b"PK\x03\x04\x00"])
def test_a_file_that_is_no_library_list_is_said_to_be_none(app: APIFlask, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other.csv"
    file.write_bytes(content)
    done = app.test_cli_runner().invoke(args=["libraries", "import", str(file)])
    assert done.exit_code == 1
    assert "Error: other.csv: " in done.output
    assert "Traceback" not in done.output


def test_the_help_names_the_columns_of_a_library_list(app: APIFlask) -> None:
    told = app.test_cli_runner().invoke(args=["libraries", "import", "--help"]).output
    for column in (*LIST.splitlines()[0].split(","), "biblioteknummer", "id"):
        assert re.search(rf"\b{column}\b", told)


def test_a_library_list_that_is_not_there_is_said_to_be_missing(app: APIFlask) -> None:
    done = app.test_cli_runner().invoke(args=["libraries", "import", "nowhere.csv"])
    assert done.exit_code == 2
    assert "nowhere.csv" in done.output


def test_retention_throws_away_what_is_past_its_time_and_may_run_twice(
    app: APIFlask, client: FlaskClient, phone: FlaskClient, clock: Clock, read_database: Callable[[], object]
) -> None:
    scan_at_kiosk(client, shown_code(phone))
    clock.turn(days=91)
    done = app.test_cli_runner().invoke(args=["retention", "run"])
    assert done.exit_code == 0
    assert "presented_steps: 1" in done.output
    assert "sessions: 1" in done.output
    with app.app_context():
        for table in (PresentedStep, Session):
            assert db.session.scalar(select(func.count()).select_from(table)) == 0
    before = read_database()
    assert app.test_cli_runner().invoke(args=["retention", "run"]).exit_code == 0
    assert read_database() == before
