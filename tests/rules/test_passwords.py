"""Passwords of those who work at a library."""

import pytest

from app.rules.pins.password import LONGEST, PasswordFault, PasswordNotGood, check_password

ABOUT = ("kari.nordmann", "Kari Nordmann", "Ullensaker bibliotek")


@pytest.mark.parametrize(
    "password",
    [
        "rettferdig hest batteri stift",
        "vX3!pq7LmZ0t",
        "frosken hopper i dammen",
        "grønn traktor på månen",
        "Karis tre blå elger",
        "blåbærsyltetøy99",
        "w7&Kd vX3!pq7LmZ0t " * 6,
        "4@8({[<369!1|7057$5+%2" * 5,
    ],
)
def test_a_long_password_that_nobody_guesses_is_good(password: str) -> None:
    check_password(password, about=ABOUT)


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("", PasswordFault.TOO_SHORT),
        ("vX3!pq7LmZ0", PasswordFault.TOO_SHORT),
        ("vX3!pq7LmZ0t" * 20, PasswordFault.TOO_LONG),
        ("x" * (LONGEST + 1), PasswordFault.TOO_LONG),
        ("kari.nordmann", PasswordFault.GUESSABLE),
        ("KariNordmann2026", PasswordFault.GUESSABLE),
        ("nordmannkari1", PasswordFault.GUESSABLE),
        ("Ullensaker2026!", PasswordFault.GUESSABLE),
        ("Ullensaker bibliotek", PasswordFault.GUESSABLE),
        ("passord12345678", PasswordFault.GUESSABLE),
        ("P4ssw0rd!P4ssw0rd!", PasswordFault.GUESSABLE),
        ("Lånekort2026!!", PasswordFault.GUESSABLE),
        ("Sommeren2026!", PasswordFault.GUESSABLE),
        ("123456789012", PasswordFault.GUESSABLE),
        ("abcdefghijkl", PasswordFault.GUESSABLE),
        ("aaaaaaaaaaaaaaaa", PasswordFault.GUESSABLE),
        ("abababababab", PasswordFault.GUESSABLE),
        ("qwertyqwerty", PasswordFault.GUESSABLE),
        ("qwerty123456", PasswordFault.GUESSABLE),
        ("1q2w3e4r5t6y", PasswordFault.GUESSABLE),
        ("1qaz2wsx3edc", PasswordFault.GUESSABLE),
        ("michaeljordan", PasswordFault.GUESSABLE),
        ("superman123456", PasswordFault.GUESSABLE),
        ("Fotball123456", PasswordFault.GUESSABLE),
        ("rosenborg2026!", PasswordFault.GUESSABLE),
        ("a" + "bD9x" * 8, PasswordFault.GUESSABLE),
        ("w7&Kd" * 25 + "xyz", PasswordFault.GUESSABLE),
    ],
)
def test_what_is_short_or_easy_to_guess_is_not(password: str, fault: PasswordFault) -> None:
    with pytest.raises(PasswordNotGood) as refused:
        check_password(password, about=ABOUT)
    assert refused.value.fault is fault


def test_a_short_part_of_a_name_takes_nothing_away() -> None:
    check_password("vX3!pq7LmZ0t", about=("bo", "Bo Å", "Li"))
