"""Who is enrolled: what can be somebody's name and birth date, and what cannot."""

from dataclasses import replace
from datetime import date

import pytest

from app.rules.people.person import Person, PersonNotValid, check_person

TODAY = date(2026, 11, 22)
TUVA = Person("Tuva Moen", date(2010, 3, 1), "female")


def faults_of(**changes) -> dict[str, str]:
    with pytest.raises(PersonNotValid) as refused:
        check_person(replace(TUVA, **changes), day=TODAY)
    return refused.value.faults


def test_a_name_is_kept_as_it_is_spelled_but_for_stray_spaces():
    for name in ("Tuva Moen", "Åsa Öberg-Ñuñez", "Liv O'Hara", "محمد", "王芳", "X Æ A-12"):
        assert check_person(replace(TUVA, name=f"  {name.replace(' ', '  ')}\t"), day=TODAY).name == name


def test_a_name_typed_in_pieces_is_the_same_as_one_typed_whole():
    assert check_person(replace(TUVA, name="A\u030asa"), day=TODAY).name == "Åsa"


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "missing"),
        ("  ", "missing"),
        ("123", "not-valid"),
        ("-", "not-valid"),
        ("Tuva \u202enevoM", "not-valid"),
        ("Tuva \ue000", "not-valid"),
        ("a" * 121, "too-long"),
    ],
)
def test_what_cannot_be_a_name_is_said_to_be_wrong(name, fault):
    assert faults_of(name=name) == {"name": fault}


def test_the_longest_name_fits():
    assert check_person(replace(TUVA, name="a" * 120), day=TODAY)


@pytest.mark.parametrize("born", [date(2026, 11, 23), date(1896, 11, 22), date(1, 1, 1), date(9999, 12, 31)])
def test_nobody_is_born_tomorrow_or_is_130_years_old(born):
    assert faults_of(birth_date=born) == {"birth_date": "not-valid"}


@pytest.mark.parametrize("born", [TODAY, date(1896, 11, 23), date(2024, 2, 29)])
def test_a_newborn_and_the_oldest_may_have_a_card(born):
    assert check_person(replace(TUVA, birth_date=born), day=TODAY).birth_date == born


def test_every_fault_is_told_at_once():
    assert faults_of(name="", birth_date=date(2100, 1, 1), gender="x", language="tlh") == {
        "name": "missing",
        "birth_date": "not-valid",
        "gender": "not-valid",
        "language": "not-valid",
    }
