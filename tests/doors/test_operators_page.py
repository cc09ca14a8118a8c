"""The operator's page: to this machine alone, by a link that opens once, over all libraries."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import Client

from app.operator.entry import LASTS, Entry, NotTheLink
from app.operator.serving import open_operators_page
from app.register.library.webhooks import list_webhooks, listen_at
from app.register.patron.libraries import read_settings
from app.register.staff.acts import list_library_acts
from app.register.staff.machines import list_machines
from app.register.store.transaction import writing
from tests.conftest import Clock, MakeApp
from tests.doors.operating import HERE, Opened, send, text
from tests.doors.visits import csrf_token


def test_the_portal_that_the_internet_sees_has_no_such_page(client: FlaskClient) -> None:
    for path in ("/operator", "/operator/enter/x", f"/operator/libraries/{HERE}"):
        assert client.get(path).status_code == 404


def test_a_link_opens_once_and_a_look_at_it_does_not_use_it(
    opened: Opened,
) -> None:
    _app, entry, browser = opened
    path = f"/operator/enter/{entry.draw_link()}"
    first, second = browser(), browser()
    for client in (first, second):
        assert client.get(path).status_code == 200
    assert first.post(path, data={"csrf_token": csrf_token(first, path)}).status_code == 302
    assert second.post(path, data={"csrf_token": csrf_token(second, path)}).status_code == 401
    assert first.get("/operator").status_code == 200
    assert second.get("/operator").status_code == 401


def test_who_is_not_in_sees_and_changes_nothing(opened: Opened, operator: FlaskClient) -> None:
    app, _entry, browser = opened
    stranger = browser()
    token = csrf_token(stranger, "/login")
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/operator") or "enter" in rule.rule or rule.rule == "/operator/leave":
            continue
        path = rule.rule.replace("<library_id>", HERE)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = stranger.open(path, method=method, data={"csrf_token": token} if method == "POST" else None)
            assert answer.status_code == 401, path
            assert "Ullensaker" not in answer.text


def test_it_is_over_after_eight_hours_and_when_one_leaves(operator: FlaskClient, clock: Clock) -> None:
    assert operator.get("/operator").status_code == 200
    clock.turn(seconds=LASTS.total_seconds())
    assert operator.get("/operator").status_code == 401


def test_leaving_ends_it(operator: FlaskClient) -> None:
    operator.post("/operator/leave", data={"csrf_token": csrf_token(operator, f"/operator/libraries/{HERE}")})
    assert operator.get("/operator").status_code == 401


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("127.0.0.1:8071", "/operator", 401),
        ("localhost:8071", "/operator", 401),
        ("rebound.example.org", "/operator", 404),
        ("127.0.0.1:80", "/operator", 404),
        ("127.0.0.1:8071", "/login", 404),
        ("127.0.0.1:8071", "/api/v1/scan", 404),
        ("127.0.0.1:8071", "/static/favicon.svg", 200),
    ],
)
def test_this_machine_alone_is_served_and_nothing_of_the_portal(
    opened: Opened, host: str, path: str, status: int
) -> None:
    app, *_ = opened
    answer = Client(app.extensions["operators_wsgi"]).get(path, headers={"Host": host})
    assert answer.status_code == status


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_browsers_leave_the_usual_port_out_of_the_name(make_app: MakeApp, host: str) -> None:
    page, _entry = open_operators_page(make_app(own=True), port=80)
    assert Client(page).get("/operator", headers={"Host": host}).status_code == 401


@pytest.mark.parametrize(("site", "status"), [("same-origin", 302), ("same-site", 404), ("cross-site", 404)])
def test_a_page_at_another_port_of_this_machine_presses_no_button(
    operator: FlaskClient, opened: Opened, site: str, status: int
) -> None:
    app, *_ = opened
    path = f"/operator/libraries/{HERE}"
    token = csrf_token(operator, path)
    kept = (operator.get_cookie("lanekort"), operator.get_cookie("lanekort_operator", path="/operator"))
    cookies = "; ".join(f"{each.key}={each.value}" for each in kept if each is not None)
    answer = Client(app.extensions["operators_wsgi"], use_cookies=False).post(
        f"{path}/settings",
        data={"csrf_token": token, "name": "online_activation", "value": "on"},
        headers={"Host": "127.0.0.1:8071", "Cookie": cookies, "Sec-Fetch-Site": site},
    )
    assert answer.status_code == status
    with app.app_context():
        assert read_settings(library_id=HERE)["online_activation"] is (status == 302)


def test_all_libraries_are_seen_with_what_waits(operator: FlaskClient) -> None:
    page = text(operator)
    assert "Ullensaker bibliotek" in page
    assert "Mullsjö bibliotek" in page
    assert "not connected" in page
    assert "Expired data were never deleted" in page
    assert "All of them answered" in send(operator, "/ask")


def test_a_setting_is_changed_and_the_library_reads_it_in_its_list(opened: Opened, operator: FlaskClient) -> None:
    app, *_ = opened
    assert "online_activation is on." in send(
        operator, f"/libraries/{HERE}/settings", name="online_activation", value="on"
    )
    assert "takes on or off" in send(operator, f"/libraries/{HERE}/settings", name="online_activation", value="maybe")
    with app.app_context():
        assert read_settings(library_id=HERE)["online_activation"] is True
        (act,) = list_library_acts(library_id=HERE)
        assert (act.username, act.subject) == (None, "online_activation: on")


def test_a_machine_is_disconnected_at_its_own_library_alone(opened: Opened, operator: FlaskClient) -> None:
    app, *_ = opened
    send(operator, f"/libraries/{HERE}/machines/disconnect", username="Mull-kiosk1")
    assert "is disconnected" in send(operator, f"/libraries/{HERE}/machines/disconnect", username="2023500-kiosk2")
    with app.app_context():
        left = {each.username for each in list_machines()}
    assert "Mull-kiosk1" in left
    assert "2023500-kiosk2" not in left


def test_a_webhook_is_stopped_and_notices_are_tried_again(opened: Opened, operator: FlaskClient, clock: Clock) -> None:
    app, *_ = opened
    with app.app_context(), writing():
        listen_at(library_id=HERE, url="https://ils.example.org/", key=b"k" * 32, now=clock())
    assert "https://ils.example.org/" in text(operator, f"/operator/libraries/{HERE}")
    assert "The notices are tried now." in send(operator, f"/libraries/{HERE}/retry")
    send(operator, f"/libraries/{HERE}/webhook/stop")
    with app.app_context():
        assert list_webhooks(library_id=HERE) == []


def test_a_library_that_is_none_is_not_there(operator: FlaskClient) -> None:
    assert operator.get("/operator/libraries/no-such").status_code == 404


def test_only_the_newest_link_opens(clock: Clock) -> None:
    entry = Entry()
    old, new = entry.draw_link(), entry.draw_link()
    for wrong in (old, "", "x"):
        with pytest.raises(NotTheLink):
            entry.enter(wrong, now=clock())
    assert entry.is_in(entry.enter(new, now=clock()), now=clock())
    assert not entry.is_in("", now=clock())
