"""No label of a metric holds a person: everybody comes to every door, and each value is one of a known set."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from app.demo.accounts import DESKS, MACHINES, PATRONS
from app.register.figures.backlog import QUEUES
from app.register.limits.unusual import Kind
from app.rules.card.scan import Reason
from app.web.access import Audience
from app.web.metrics import counting, page
from app.web.metrics.process import note_process
from app.work.worker import DUTIES
from tests.conftest import MakeApp
from tests.doors.visits import GUARDIAN, log_in, scan_at_kiosk, shown_code
from tests.wall.callers import MARKS, VICTIM, Caller, make_callers, make_victim, routes_of

APP = Path(__file__).parents[2] / "app"
TOKEN = "kWv3-what-Prometheus-shows-to-the-portal"
LIBRARIES = {"2023500", "Mull"}
_BUDGET = re.compile(r'Budget\(\s*"([^"]+)"')


def purposes() -> set[str]:
    """Return the names of all budgets that are written down in the program."""
    named = {name for path in APP.rglob("*.py") for name in _BUDGET.findall(path.read_text(encoding="utf-8"))}
    assert len(named) > 40
    return named | {f"{name} wide" for name in named} | {f"unusual {kind}" for kind in Kind}


def allowed(app: APIFlask) -> dict[str, set[str]]:
    """Return for each label the values that it may have, whatever the metric."""
    doors = {*counting.SCAN_DOORS, *counting.SIGN_IN_DOORS}
    return {
        "door": doors,
        "result": {counting.ACCEPTED, *(str(reason) for reason in Reason)},
        "outcome": {
            *counting.OUTCOMES,
            *("answered", "no_answer", "too_slow", "bad_answer", "not_admitted", "busy", "not_asked"),
        },
        "part": {*counting.TIMED.values(), "nowhere", *app.blueprints},
        "answer": set(counting.ANSWERS),
        "purpose": purposes(),
        "queue": set(QUEUES),
        "library": LIBRARIES,
        "by": {"portal", "library"},
        "state": {"running", "waiting"},
        "duty": {duty.name for duty in DUTIES} | {"notify libraries"},
        "le": {"0.01", "0.03", "0.1", "0.3", "0.8", "1.0", "3.0", "+Inf"},
        # What prometheus_client says of Python itself.
        "generation": {"0", "1", "2"},
    }


@pytest.fixture
def app(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> APIFlask:
    monkeypatch.setattr(page, "ANEW_AFTER", 0.0)
    return make_app(metrics_token=TOKEN)


def samples(app: APIFlask) -> Iterator[Sample]:
    answer = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    for family in text_string_to_metric_families(answer.text):
        yield from family.samples


def visit_everything(app: APIFlask) -> None:
    """Come to every route by each of its methods as everybody, with a person in every parameter and field."""
    victim = make_victim(app)
    callers = [*make_callers(app).values(), victim.phone, Caller("the operator", Audience.OPERATOR, app.test_client())]
    person = {**victim.objects, **{name.split()[0]: mark for name, mark in MARKS.items()}, "pin": "0000"}
    person |= {"username": MARKS["email"], "password": MARKS["name"], "payload": MARKS["phone"]}
    for route in routes_of(app):
        if route.path in ("/logout", "/desk/logout", "/my/data/erase"):
            continue
        for caller in callers:
            if caller.audience is Audience.OPERATOR:
                caller.client.open(route.address(victim.objects), method=route.method)
            else:
                caller.call(route.method, route.address(victim.objects), dict(person))
    for address in ("/no/such/N077700077", f"/{MARKS['email']}", f"/api/v1/patrons/{MARKS['name']}"):
        app.test_client().get(address, headers={"X-Forwarded-For": "198.51.100.77"})
    log_in(app.test_client(), MARKS["email"], MARKS["name"])


def test_no_label_is_outside_of_its_set_and_none_names_anybody(app: APIFlask) -> None:
    # What other tests counted in this process is not looked at.
    before = {(sample.name, name, value) for sample in samples(app) for name, value in sample.labels.items()}
    visit_everything(app)
    phone = app.test_client()
    log_in(phone, *GUARDIAN)
    scan_at_kiosk(app.test_client(), shown_code(phone))
    note_process(app)
    known = allowed(app)
    found = list(samples(app))
    ours = [sample for sample in found if sample.name.startswith("lanekort_")]
    assert {"lanekort_scans_total", "lanekort_sign_ins_total", "lanekort_budget_refusals_total"} <= {
        sample.name for sample in ours
    }
    # A gateway's own are looked at in tests/sip2/test_secrecy.py.
    strange = {
        (sample.name, name, value)
        for sample in found
        if not sample.name.startswith("lanekort_sip2_") and not sample.name.startswith("python_info")
        for name, value in sample.labels.items()
        if value not in known[name]
    }
    assert strange - before == set()
    people = {VICTIM[0], *MARKS.values(), "198.51.100.77", "127.0.0.1"}
    people |= {word for patron in PATRONS for word in (patron.card_number, patron.name)}
    people |= {desk.username for desk in DESKS} | {machine.username for machine in MACHINES} - LIBRARIES
    said = "\n".join(f"{sample.name} {' '.join(sample.labels.values())}" for sample in found)
    assert {each for each in people if each in said} == set()
