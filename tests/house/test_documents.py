"""What the documents for developers say is true: files they name are there, and decisions have a status."""

import re
from pathlib import Path

import pytest

from drills.installing.documents import documents

HOME = Path(__file__).parents[2]
CONTRIBUTING = (HOME / "CONTRIBUTING.md").read_text(encoding="utf-8")
DECISIONS = sorted((HOME / "docs" / "adr").glob("[0-9]*.md"))
STATUS = re.compile(
    r"^Status: (accepted, \d{1,2} \w+ \d{4}(; revised \d{1,2} \w+ \d{4})?"
    r"|superseded by \[\d{4}\]\((?P<by>\d{4}-[\w-]+\.md)\))\.$",
    re.MULTILINE,
)
PATH = re.compile(r"`((?:app|circulation|docs|tests|migrations)/[\w./-]+)`")


def recipes() -> dict[str, list[str]]:
    """Return the recipes by title, each with its lines."""
    part = CONTRIBUTING.split("## How to add things")[1].split("\n## ")[0]
    return {
        title: [line for line in text.splitlines() if line]
        for title, _newline, text in (recipe.partition("\n") for recipe in part.split("\n### ")[1:])
    }


def test_there_are_four_recipes_of_at_most_twelve_lines():
    assert len(recipes()) == 4
    assert {title: len(lines) for title, lines in recipes().items() if not 4 <= len(lines) <= 12} == {}


@pytest.mark.parametrize(
    "document", [HOME / "CONTRIBUTING.md", HOME / "docs" / "architecture.md"], ids=lambda p: p.name
)
def test_every_file_that_a_developer_is_sent_to_is_there(document):
    named = set(PATH.findall(document.read_text(encoding="utf-8")))
    assert named
    assert {path for path in named if not (HOME / path).exists()} == set()


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(HOME)))
def test_every_link_to_a_file_of_ours_leads_to_one(document):
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [
        link
        for link in re.findall(r"\]\(([^)\s]+)\)", text)
        if "://" not in link and not link.startswith(("#", "mailto:"))
    ]
    assert [link for link in links if not (document.parent / link.partition("#")[0]).exists()] == []


def test_the_glossary_has_at_most_forty_words_and_none_twice():
    rows = re.findall(r"^\| ([a-z, ]+) \| (.+) \|$", CONTRIBUTING.split("## Words")[1].split("\n## ")[0], re.MULTILINE)
    words = [
        word for row, meaning in rows[1:] for word in [*row.split(", "), *re.findall(r"\*\*([\w ]+)\*\*", meaning)]
    ]
    assert 20 <= len(words) == len(set(words)) <= 40


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_a_status_and_a_superseded_one_leads_to_what_holds(decision):
    status = STATUS.search(decision.read_text(encoding="utf-8"))
    assert status is not None
    assert status["by"] is None or (decision.parent / status["by"]).exists()


def test_decisions_are_numbered_without_a_gap():
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
