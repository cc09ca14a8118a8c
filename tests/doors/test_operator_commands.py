"""The operator's commands: libraries' machines and staff come, get new passwords, and go."""

import re

import pyotp
import pytest
from apiflask import APIFlask
from click.testing import Result
from flask.testing import FlaskClient
from werkzeug.datastructures import Authorization
from werkzeug.test import TestResponse

from app.register.keys.vault import Vault, use_vault
from app.register.limits.unusual import Kind, count_act
from app.register.patron.libraries import find_library_name
from app.register.staff.acts import list_library_acts
from tests.conftest import VAULT_KEYS, Clock
from tests.doors.operating import HERE
from tests.doors.visits import NOBODYS_CODE, scan_at_kiosk, submit


def run(app: APIFlask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=list(words))


def password_in(done: Result) -> str:
    assert done.exit_code == 0, done.output
    found = re.search(r"^(?:Password: )?([\w-]{32})$", done.output, re.MULTILINE)
    assert found is not None, done.output
    return found[1]


def is_let_in(client: FlaskClient, username: str, password: str) -> bool:
    kiosk = Authorization("basic", {"username": username, "password": password})
    status = scan_at_kiosk(client, NOBODYS_CODE, kiosk=kiosk).status_code
    assert status in (200, 401)
    return status == 200


def enter_desk(client: FlaskClient, *, password: str, code: str) -> TestResponse:
    return submit(client, "/desk/login", username="ida", password=password, code=code)


def test_a_machine_that_is_connected_signs_in_with_the_password_that_is_shown(
    app: APIFlask, client: FlaskClient
) -> None:
    password = password_in(run(app, "machines", "connect", "Mull", "Mull-kiosk7", "--kind", "kiosk"))
    assert is_let_in(client, "Mull-kiosk7", password)
    assert not is_let_in(client, "Mull-kiosk7", password[:-1])


def test_after_a_new_password_the_former_one_works_for_seven_days(
    app: APIFlask, client: FlaskClient, clock: Clock
) -> None:
    first = password_in(run(app, "machines", "connect", "Mull", "Mull-kiosk7", "--kind", "kiosk"))
    second = password_in(run(app, "machines", "rotate", "Mull-kiosk7"))
    assert first != second
    assert [is_let_in(client, "Mull-kiosk7", word) for word in (first, second)] == [True, True]
    clock.turn(days=7, seconds=-1)
    assert [is_let_in(client, "Mull-kiosk7", word) for word in (first, second)] == [True, True]
    clock.turn(seconds=1)
    assert [is_let_in(client, "Mull-kiosk7", word) for word in (first, second)] == [False, True]


def test_of_three_passwords_the_newest_two_work(app: APIFlask, client: FlaskClient) -> None:
    words = [password_in(run(app, "machines", "connect", "Mull", "Mull-kiosk7", "--kind", "kiosk"))]
    words += [password_in(run(app, "machines", "rotate", "Mull-kiosk7")) for _ in range(2)]
    assert [is_let_in(client, "Mull-kiosk7", word) for word in words] == [False, True, True]


def test_a_machine_that_is_disconnected_is_let_in_no_more(app: APIFlask, client: FlaskClient) -> None:
    password = password_in(run(app, "machines", "connect", "Mull", "Mull-kiosk7", "--kind", "kiosk"))
    assert run(app, "machines", "disconnect", "Mull-kiosk7").exit_code == 0
    assert not is_let_in(client, "Mull-kiosk7", password)


def test_somebody_who_is_employed_signs_in_with_what_is_shown_and_once_dismissed_is_out(
    app: APIFlask, client: FlaskClient, clock: Clock
) -> None:
    done = run(app, "staff", "employ", "Mull", "ida", "Ida Åkesson")
    address = re.search(r"otpauth://\S+", done.output)
    assert address is not None
    codes = pyotp.parse_uri(address[0])
    assert isinstance(codes, pyotp.TOTP)
    assert (codes.issuer, codes.name) == ("Lånekort", "ida")
    assert f"Key of the one-time codes: {codes.secret}\n" in done.output

    assert enter_desk(client, password=password_in(done), code=codes.at(clock())).status_code == 302
    assert "Mullsjö" in client.get("/desk").text
    assert run(app, "staff", "dismiss", "ida").exit_code == 0
    assert client.get("/desk").status_code == 302
    assert enter_desk(client, password=password_in(done), code=codes.at(clock.turn(seconds=30))).status_code != 302


def test_a_new_key_of_codes_ends_the_sessions_and_the_former_codes(
    app: APIFlask, client: FlaskClient, clock: Clock
) -> None:
    done = run(app, "staff", "employ", "Mull", "ida", "Ida Åkesson")
    former = codes_in(done)
    assert enter_desk(client, password=password_in(done), code=former.at(clock())).status_code == 302
    again = run(app, "staff", "reset-code", "ida")
    assert again.exit_code == 0, again.output
    assert "\u2580" in again.output or "\u2584" in again.output, "a QR code of half blocks"
    assert client.get("/desk").status_code == 302, "signed out"
    assert enter_desk(client, password=password_in(done), code=former.at(clock())).status_code != 302
    assert enter_desk(client, password=password_in(done), code=codes_in(again).at(clock())).status_code == 302


def codes_in(done: Result) -> pyotp.TOTP:
    address = re.search(r"otpauth://\S+", done.output)
    assert address is not None, done.output
    codes = pyotp.parse_uri(address[0])
    assert isinstance(codes, pyotp.TOTP)
    return codes


def test_lists_show_who_may_come_in_and_no_secret(app: APIFlask) -> None:
    hired = run(app, "staff", "employ", "Mull", "ida", "Ida Åkesson")
    machine = run(app, "machines", "connect", "Mull", "Mull-kiosk7", "--kind", "kiosk")
    former = password_in(machine)
    run(app, "machines", "rotate", "Mull-kiosk7")
    hook = run(app, "webhooks", "listen", "Mull", "https://ils.example/lanekort")
    key = re.search(r"whsec_\S+", hook.output)
    assert key is not None
    shown = {group: run(app, group, "list", "--library", "Mull").output for group in ("staff", "machines", "webhooks")}
    listed = r"^LIBRARY +USER NAME +ROLE +NAME\n(Mull .*\n)*Mull +ida +desk +Ida Åkesson$"
    assert re.search(listed, shown["staff"], re.MULTILINE)
    assert re.search(r"^Mull +Mull-kiosk7 +kiosk +\d{4}-\d\d-\d\d \d\d:\d\d$", shown["machines"], re.MULTILINE)
    assert re.search(r"^Mull +https://ils.example/lanekort +- +-$", shown["webhooks"], re.MULTILINE)
    everything = "".join(run(app, group, "list").output for group in shown) + "".join(shown.values())
    secrets = [password_in(hired), codes_in(hired).secret, former, key[0]]
    assert [secret for secret in secrets if secret in everything] == []
    assert "2023500" not in "".join(shown.values())
    assert "2023500" in everything


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("machines", "connect", "Nowhere", "new", "--kind", "kiosk"), "There is no such library"),
        (("machines", "connect", "Mull", "Mull", "--kind", "system"), "the user name is taken"),
        (("machines", "connect", "Mull", "a:b", "--kind", "system"), "no colon"),
        (("machines", "connect", "Mull", "a" * 61, "--kind", "system"), "1 to 60 characters"),
        (("machines", "rotate", "nobody"), "There is no machine nobody."),
        (("machines", "disconnect", "nobody"), "There is no machine nobody."),
        (("staff", "employ", "Nowhere", "new", "New Name"), "There is no such library"),
        (("staff", "employ", "Mull", "", "New Name"), "1 to 60 characters"),
        (("staff", "employ", "Mull", "bjørn", "Bjørn Ås"), "A to Z, digits"),
        (("staff", "employ", "Mull", "new", "N" * 121), "1 to 120 characters"),
        (("staff", "dismiss", "nobody"), "There is nobody called nobody."),
    ],
)
def test_a_command_that_is_not_possible_says_why_and_shows_no_password(
    app: APIFlask, words: tuple[str, ...], sentence: str
) -> None:
    done = run(app, *words)
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert sentence in done.output
    assert not re.search(r"[\w-]{32}", done.output)


def test_a_rotation_that_lacks_the_newest_key_says_which_one(app: APIFlask) -> None:
    with app.app_context():
        use_vault(Vault(VAULT_KEYS | {2: b"2" * 32}))
    assert run(app, "keys", "rotate").exit_code == 0
    with app.app_context():
        use_vault(Vault(VAULT_KEYS))
    answer = run(app, "keys", "rotate")
    assert (answer.exit_code, "Key 2 is in use" in answer.output) == (1, True)


def test_the_hours_in_which_a_library_did_far_more_than_usual_are_listed(app: APIFlask, clock: Clock) -> None:
    assert run(app, "unusual", "list").output == ""
    with app.app_context():
        for _ in range(31):
            count_act(Kind.ACTIVATION, library_id="Mull", now=clock())
    listed = run(app, "unusual", "list", "--days", "1")
    assert (listed.exit_code, listed.output) == (0, "2026-11-22 09:00  Mull  activation: 31\n")
    clock.turn(days=1)
    assert run(app, "unusual", "list", "--days", "1").output.startswith("2026-11-22 09:00")
    clock.turn(seconds=1)
    assert run(app, "unusual", "list", "--days", "1").output == ""


def test_commands_stand_in_the_library_s_list_as_the_page_s_acts_do(app: APIFlask) -> None:
    run = app.test_cli_runner().invoke
    assert run(args=["libraries", "set", HERE, "consent_age", "14"]).exit_code == 0
    assert run(args=["machines", "disconnect", "2023500-kiosk2"]).exit_code == 0
    assert run(args=["machines", "disconnect", "2023500-kiosk2"]).exit_code == 1
    with app.app_context():
        acts = [(act.kind, act.subject) for act in list_library_acts(library_id=HERE)]
    assert acts == [("machine-disconnected", "2023500-kiosk2"), ("setting-changed", "consent_age: 14")]


def test_commands_that_show_a_secret_stand_there_too_and_the_secret_does_not(app: APIFlask) -> None:
    run = app.test_cli_runner().invoke
    address = "https://ils.example/lanekort"
    said = [
        run(args=["machines", "connect", HERE, f"{HERE}-kiosk9", "--kind", "kiosk"]),
        run(args=["machines", "rotate", f"{HERE}-kiosk9"]),
        run(args=["webhooks", "listen", HERE, address]),
    ]
    assert [done.exit_code for done in said] == [0, 0, 0]
    with app.app_context():
        acts = [(act.kind, act.subject) for act in list_library_acts(library_id=HERE)]
    assert acts == [
        ("webhook-set", address),
        ("machine-rotated", f"{HERE}-kiosk9"),
        ("machine-connected", f"{HERE}-kiosk9"),
    ]


def test_a_list_is_tried_by_the_command_too(app: APIFlask, tmp_path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("name,type,id\nNy bibliotek,folkebib,2088800\n", encoding="utf-8")
    done = app.test_cli_runner().invoke(args=["libraries", "import", "--dry-run", str(file)])
    assert "1 added, 0 changed" in done.output
    with app.app_context():
        assert find_library_name(library_id="2088800") is None
