"""What a library tells the public about itself is checked before anybody reads it."""

import pytest

from app.rules.library.face import BranchFacts, FaceNotValid, Facts, check_facts, number_to_call, version_of


def test_facts_are_cleaned() -> None:
    typed = Facts(name=" Mullsjö  bibliotek ", phone="+46 392 140 00", email="bib@example.org", website="example.org/x")
    assert check_facts(typed) == Facts(
        name="Mullsjö bibliotek", phone="+46 392 140 00", email="bib@example.org", website="https://example.org/x"
    )
    assert check_facts(BranchFacts(name="Nyhem", hours="ti 15–18")).hours == "ti 15–18"


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("name", " ", "missing"),
        ("name", "x" * 121, "too-long"),
        ("address", "Gata \u202e1", "not-valid"),
        ("phone", "ring oss", "not-valid"),
        ("phone", "12", "not-valid"),
        ("email", "bib(at)example.org", "not-valid"),
        ("website", "javascript://example.org/%0aalert(1)", "not-valid"),
        ("website", "javascript:alert(1)", "not-valid"),
        ("website", "https://user@example.org", "not-valid"),
        ("website", "https://[", "not-valid"),
        ("website", "bibliotek", "not-valid"),
    ],
)
def test_what_cannot_be_so_is_refused_by_field(field: str, value: str, fault: str) -> None:
    with pytest.raises(FaceNotValid) as refused:
        check_facts(Facts(**{"name": "Bibliotek", field: value}))
    assert refused.value.faults == {field: fault}


def test_a_version_differs_with_every_value() -> None:
    shown = Facts(name="A", phone="123")
    assert version_of(shown) == version_of(Facts(name="A", phone="123")) != version_of(Facts(name="A", email="123"))
    assert version_of((1, 2)) != version_of((2, 1))


def test_a_number_is_called_without_its_spaces() -> None:
    assert number_to_call("+46 (0)392-140 00") == "+46039214000"
