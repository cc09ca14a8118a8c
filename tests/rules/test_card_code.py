"""The 24 digits: CARD's own vector, the vectors of RFC 4226 and RFC 6238, and pyotp as an independent oracle."""

from base64 import b32encode
from datetime import UTC, datetime

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.card.code import (
    CardCode,
    Kind,
    Misread,
    NotOurs,
    build,
    check_digit,
    group_digits,
    matching_step,
    parse,
    step_at,
    totp_at,
)

RFC_KEY = b"12345678901234567890"
VECTOR = "921123456789012294287082"
CREDENTIALS = st.integers(0, 10**12 - 1).map("{:012d}".format)
TOTPS = st.integers(0, 10**8 - 1).map("{:08d}".format)
KEYS = st.binary(min_size=20, max_size=20)
STEPS = st.integers(min_value=0, max_value=2**40)


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_the_protocols_own_vector_holds():
    totp = totp_at(key=RFC_KEY, step=step_at(at(59)))
    assert build(kind=Kind.ROTATING, credential="123456789012", totp=totp) == VECTOR
    assert parse(VECTOR) == CardCode(kind=Kind.ROTATING, credential="123456789012", totp="94287082")


@pytest.mark.parametrize(
    ("seconds", "totp"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_sha_1_vectors_of_rfc_6238_hold(seconds, totp):
    assert totp_at(key=RFC_KEY, step=step_at(at(seconds))) == totp


@pytest.mark.parametrize(
    ("counter", "truncated"),
    list(
        enumerate(
            [
                1284755224,
                1094287082,
                137359152,
                1726969429,
                1640338314,
                868254676,
                1918287922,
                82162583,
                673399871,
                645520489,
            ]
        )
    ),
)
def test_the_truncated_values_of_rfc_4226_appendix_d_hold(counter, truncated):
    assert totp_at(key=RFC_KEY, step=counter) == f"{truncated % 10**8:08d}"


@given(key=KEYS, step=STEPS)
def test_pyotp_finds_the_same_code_for_any_key_and_step(key, step):
    assert totp_at(key=key, step=step) == pyotp.HOTP(b32encode(key).decode(), digits=8).at(step)


@given(seconds=st.integers(min_value=0, max_value=2**35))
def test_a_step_lasts_thirty_seconds(seconds):
    step = step_at(at(seconds))
    assert step * 30 <= seconds < (step + 1) * 30


@given(credential=CREDENTIALS, totp=TOTPS)
def test_a_rotating_code_comes_apart_as_it_was_built(credential, totp):
    digits = build(kind=Kind.ROTATING, credential=credential, totp=totp)
    assert len(digits) == 24
    assert parse(digits) == CardCode(kind=Kind.ROTATING, credential=credential, totp=totp)


@given(credential=CREDENTIALS)
def test_a_static_code_comes_apart_as_it_was_built(credential):
    digits = build(kind=Kind.STATIC, credential=credential)
    assert len(digits) == 16
    assert parse(digits) == CardCode(kind=Kind.STATIC, credential=credential, totp="")


@given(credential=CREDENTIALS, totp=TOTPS)
def test_a_code_typed_in_the_groups_it_is_shown_in_is_read(credential, totp):
    digits = build(kind=Kind.ROTATING, credential=credential, totp=totp)
    shown = group_digits(digits)
    assert [len(group) for group in shown.split(" ")] == [4] * 6
    assert parse(f" {shown} ") == parse(digits)


def test_the_check_digit_is_damms():
    # Damm's published example: 572 has the check digit 4.
    assert check_digit("572") == "4"


def read(digits: str) -> str:
    try:
        parse(digits)
    except (Misread, NotOurs) as refusal:
        return refusal.code
    return "accepted"


@given(credential=CREDENTIALS)
def test_every_single_wrong_digit_before_the_totp_is_found(credential):
    digits = build(kind=Kind.ROTATING, credential=credential, totp="00000000")
    for place in range(3, 16):
        for digit in "0123456789":
            if digit != digits[place]:
                assert read(digits[:place] + digit + digits[place + 1 :]) == "MISREAD"


@given(credential=CREDENTIALS)
def test_every_swap_of_two_neighbours_before_the_totp_is_found(credential):
    digits = build(kind=Kind.ROTATING, credential=credential, totp="00000000")
    for place in range(15):
        swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
        if swapped != digits:
            assert read(swapped) in {"MISREAD", "NOT_OURS"}
    for place in range(3, 15):
        swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
        if swapped != digits:
            assert read(swapped) == "MISREAD"


def test_a_type_digit_that_was_misread_never_passes():
    for digit in "03456789":
        assert read(f"92{digit}{VECTOR[3:]}") == "NOT_OURS"
    assert read(f"922{VECTOR[3:16]}") == "MISREAD"


@pytest.mark.parametrize(
    "payload",
    [
        "",
        " ",
        VECTOR[:-1],
        VECTOR + "0",
        VECTOR[:16],
        VECTOR[:17],
        "922123456789012" + check_digit("922123456789012") + "94287082",
        "9781234567897",
        "N000106188",
        "https://example.org/921123456789012294287082",
        VECTOR.replace("2", "\x00", 1),
        VECTOR.replace("2", "²", 1),
        VECTOR.replace("1", "l"),
        "-" + VECTOR[1:],
        "9" * 24,
        "9" * 100_000,
    ],
)
def test_what_is_no_card_code_is_not_ours(payload):
    with pytest.raises(NotOurs):
        parse(payload)


@given(text=st.text())
def test_any_text_is_refused_or_read_and_never_an_accident(text):
    assert read(text) in {"accepted", "NOT_OURS", "MISREAD"}


@given(key=KEYS, first=STEPS, length=st.integers(1, 8), data=st.data())
def test_a_code_is_found_at_the_newest_step_at_which_it_is_right(key, first, length, data):
    steps = range(first, first + length)
    shown = totp_at(key=key, step=data.draw(st.sampled_from(steps)))
    right = [step for step in steps if totp_at(key=key, step=step) == shown]
    assert matching_step(key=key, totp=shown, steps=steps) == right[-1]


@given(key=KEYS, step=STEPS, totp=TOTPS)
def test_a_code_that_is_right_at_no_step_is_not_found(key, step, totp):
    steps = range(step, step + 3)
    if totp not in {totp_at(key=key, step=s) for s in steps}:
        assert matching_step(key=key, totp=totp, steps=steps) is None
