"""Each alarm has a section of the runbook and a test of its own, and nothing else has."""

import re
from pathlib import Path

HOME = Path(__file__).parents[2]
RUNBOOK = (HOME / "docs" / "alarms.md").read_text(encoding="utf-8")
ALARMS = (HOME / "deploy" / "prometheus" / "lanekort.alerts.yml").read_text(encoding="utf-8")
RULES = (HOME / "deploy" / "prometheus" / "lanekort.rules.yml").read_text(encoding="utf-8")
CONFIG = (HOME / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
DASHBOARD = (HOME / "deploy" / "grafana" / "lanekort.json").read_text(encoding="utf-8")
TESTED = "".join(path.read_text(encoding="utf-8") for path in (HOME / "drills" / "prometheus").glob("*_test.yml"))


def alarms() -> dict[str, str]:
    """Return the alarms by name, each as it is written."""
    _, *blocks = ALARMS.split("      - alert: ")
    return {block.partition("\n")[0]: block for block in blocks}


def test_every_alarm_has_its_section_and_every_section_its_alarm():
    part = RUNBOOK.split("## What to do, alarm by alarm")[1]
    sections = re.findall(r"^### (\w+)$", part, re.MULTILINE)
    assert sections == list(dict.fromkeys(sections))
    assert set(sections) == alarms().keys()
    assert len(sections) > 25


def test_every_alarm_leads_to_its_section_says_what_is_wrong_and_whether_to_wake_somebody():
    for name, text in alarms().items():
        assert f"runbook: docs/alarms.md#{name.lower()}\n" in text, name
        assert re.search(r'^          summary: ".{20,}\."$', text, re.MULTILINE), name
        assert re.search(r"^          severity: (page|ticket)$", text, re.MULTILINE), name


def test_every_alarm_is_tried_where_it_rings_and_where_it_does_not():
    for name in alarms():
        tries = re.findall(rf'alertname="{name}", alertstate="firing"}}\)\)\n.*\n +exp_samples: (.*)', TESTED)
        assert "[]" in tries, name
        assert any("value: 1" in tried for tried in tries), name


def test_every_link_of_the_runbook_leads_to_a_section():
    links = set(re.findall(r"\]\(#([\w-]+)\)", RUNBOOK))
    assert links
    assert links <= {name.lower() for name in alarms()}


def test_the_promises_of_the_runbook_are_those_that_are_reckoned_with():
    assert "| answered within 300 ms | 99.95 % |" in RUNBOOK
    assert "| answered within 300 ms | 99.9 % |" in RUNBOOK
    assert "expr: vector(0.0005)\n        labels:\n          part: scan" in RULES
    assert "expr: vector(0.001)\n        labels:\n          part: card_page" in RULES
    assert set(re.findall(r'le="([\d.]+)"', RULES)) == {"0.3"}
    burns = re.findall(r"^\| ([\d.]+) \| \d", RUNBOOK, re.MULTILINE)
    assert set(burns) == set(re.findall(r"on \(part\) ([\d.]+) \*", ALARMS))


def test_the_files_beside_one_another_are_those_that_are_loaded():
    assert "rule_files:\n  - lanekort.rules.yml\n  - lanekort.alerts.yml\n" in CONFIG


def test_what_the_dashboard_reckons_with_is_recorded():
    recorded = set(re.findall(r"record: (lanekort:[\w:]+)", RULES))
    drawn = set(re.findall(r"lanekort:[\w:]+", DASHBOARD + ALARMS))
    assert drawn
    assert drawn <= recorded
