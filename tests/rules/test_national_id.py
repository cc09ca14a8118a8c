"""National numbers: every kind is recognised and written in one way, and nothing is read out of them.

Every number here is invented; the Norwegian ones are synthetic wherever the rule under test allows it.
"""

import pickle
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.no import fodselsnummer

from app.rules.people.national_id import NationalId, NotANationalId, SyntheticNationalId, parse_national_id

TODAY = date(2026, 11, 22)
FIRST_WEIGHTS = (3, 7, 6, 1, 8, 9, 4, 5, 2)
SECOND_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def parse(text, *, today=TODAY, allow_synthetic=True):
    return parse_national_id(text, today=today, allow_synthetic=allow_synthetic)


def norwegian(head: str, *, remainder: int = 0) -> str | None:
    """Put the check digits behind nine digits, as Skatteetaten describes them; None where there are none."""
    first = (remainder - sum(w * int(d) for w, d in zip(FIRST_WEIGHTS, head, strict=True))) % 11
    if first == 10:
        return None
    second = -sum(w * int(d) for w, d in zip(SECOND_WEIGHTS, f"{head}{first}", strict=True)) % 11
    return None if second == 10 else f"{head}{first}{second}"


def swedish(ten: str) -> str:
    """Put Luhn's check digit behind nine digits."""
    return ten + luhn.calc_check_digit(ten)


DAYS = st.dates(date(1900, 1, 1), date(2039, 12, 31))
SERIALS = st.integers(0, 999).map("{:03d}".format)


@given(day=DAYS, serial=SERIALS, d_number=st.booleans(), added=st.sampled_from([0, 40, 80]))
def test_fodselsnummer_d_h_and_synthetic_numbers_are_recognised(day, serial, d_number, added):
    number = norwegian(f"{day.day + 40 * d_number:02d}{day.month + added:02d}{day:%y}{serial}")
    assume(number)
    found = parse(number)
    assert (found.canonical, found.synthetic) == (f"NO:{number}", added == 80)


@given(day=DAYS, serial=SERIALS)
def test_an_independent_checker_accepts_the_same_numbers_of_today(day, serial):
    number = norwegian(f"{day:%d%m%y}{serial}")
    assume(number)
    assert fodselsnummer.calc_check_digit1(number) + fodselsnummer.calc_check_digit2(number) == number[9:]
    assert parse(number).canonical == f"NO:{number}"


@pytest.mark.parametrize("remainder", range(11))
def test_of_the_remainders_of_the_first_check_digit_only_those_of_2032_pass(remainder):
    numbers = [number for serial in range(200) if (number := norwegian(f"018310{serial:03d}", remainder=remainder))]
    assert numbers
    for number in numbers:
        if remainder in (0, 1, 2, 3):
            assert parse(number).synthetic
        else:
            with pytest.raises(NotANationalId):
                parse(number)


@given(day=DAYS, serial=SERIALS, place=st.integers(0, 10), digit=st.integers(0, 9))
def test_a_single_wrong_digit_never_passes_the_second_check_digit(day, serial, place, digit):
    number = norwegian(f"{day.day:02d}{day.month + 80:02d}{day:%y}{serial}")
    assume(number and number[place] != str(digit))
    wrong = f"{number[:place]}{digit}{number[place + 1 :]}"
    with pytest.raises(NotANationalId):
        parse(wrong)


def test_a_synthetic_number_is_refused_where_they_are_not_allowed():
    with pytest.raises(SyntheticNationalId):
        parse("01831050027", allow_synthetic=False)
    assert parse("01831050027").synthetic


def test_a_real_number_is_welcome_where_synthetic_ones_are_not():
    number = next(filter(None, (norwegian(f"010100{serial:03d}") for serial in range(999))))
    assert not parse(number, allow_synthetic=False).synthetic


@pytest.mark.parametrize(
    "spelling",
    [
        "018310 50027",
        "01 83 10 500 27",
        " 01831050027\n",
        "018310-50027",
        "018310\u00a050027",
        "018310\t50027",
        "01.83.10.50027",
        "01/83/10 50027",
        "018310\u201350027",
        "018310\u2212500\u201127",
        "\ufeff018310\u200b50027",
        "018310\u00ad50027",
    ],
)
def test_a_norwegian_number_in_any_common_spelling_is_the_same(spelling):
    assert parse(spelling) == parse("01831050027")


def test_the_leap_day_is_a_birthday():
    number = next(filter(None, (norwegian(f"298204{serial:03d}") for serial in range(999))))
    assert parse(number).synthetic


@pytest.mark.parametrize(
    "head", ["008310", "328310", "318410", "308210", "408310", "728310", "010010", "011310", "015310", "019310"]
)
def test_a_day_that_no_calendar_has_is_no_number(head):
    numbers = [number for serial in range(100) if (number := norwegian(f"{head}{serial:03d}"))]
    assert numbers
    for number in numbers:
        with pytest.raises(NotANationalId):
            parse(number)


def duf(head: str) -> str:
    """Put the two check digits behind a year and six digits."""
    return f"{head}{sum(w * int(d) for w, d in zip((4, 6, 3, 2, 4, 6, 3, 2, 7, 5), head, strict=True)) % 11:02d}"


# A month of 13 or more is no Swedish day.
DUF_HEADS = st.builds("{}{}{:04d}".format, st.integers(1990, TODAY.year), st.integers(13, 99), st.integers(0, 9999))


@given(head=DUF_HEADS)
def test_a_duf_number_is_recognised_in_every_spelling(head):
    number = duf(head)
    for spelling in (
        number,
        f"{number[:4]} {number[4:10]} {number[10:]}",
        f"{number[:4]}-{number[4:10]}-{number[10:]}",
    ):
        assert parse(spelling) == NationalId(f"DUF:{number}", synthetic=False)


def test_the_published_example_of_a_duf_number_passes():
    assert parse("201212345603").canonical == "DUF:201212345603"


@given(head=DUF_HEADS, place=st.integers(0, 9), digit=st.integers(0, 9))
def test_a_single_wrong_digit_never_passes_the_check_of_a_duf_number(head, place, digit):
    number = duf(head)
    assume(number[place] != str(digit) and place not in (4, 5))
    with pytest.raises(NotANationalId):
        parse(f"{number[:place]}{digit}{number[place + 1 :]}")


def test_nobody_has_applied_in_a_year_to_come():
    assert parse(duf("2027990000"), today=date(2027, 1, 1))
    with pytest.raises(NotANationalId):
        parse(duf("2027990000"))


def test_twelve_digits_that_are_also_a_swedish_number_are_swedish_in_every_spelling():
    both = next(number for serial in range(99) if luhn.is_valid((number := duf(f"19900101{serial:02d}"))[2:]))
    for spelling in (both, f"{both[:8]}-{both[8:]}", f"{both[:4]} {both[4:10]} {both[10:]}"):
        assert parse(spelling).canonical == f"SE:{both}"


def test_d_h_2032_plus_and_coordination_numbers_stay_the_same_with_anything_between_the_digits():
    d_number = next(filter(None, (norwegian(f"418310{serial:03d}") for serial in range(99))))
    h_number = next(filter(None, (norwegian(f"014110{serial:03d}") for serial in range(99))))
    of_2032 = next(filter(None, (norwegian(f"018332{serial:03d}", remainder=2) for serial in range(99))))
    for number in (d_number, h_number, of_2032):
        assert parse(f"{number[:2]}.{number[2:4]}/{number[4:6]} \u2013 {number[6:]}").canonical == f"NO:{number}"
    coordination = swedish("900161000")
    assert parse(f"90 01.61\u2013{coordination[6:]}").canonical == f"SE:19{coordination}"
    old = swedish("260101000")
    assert parse(f"{old[:2]}.{old[2:6]} + {old[6:]}").canonical == f"SE:19{old}"


BORN = st.dates(date(1897, 1, 1), TODAY)


def short_form(*, born: date, day: int, serial: str, today: date) -> str:
    """Write a Swedish number with its sign: `+` from the year in which its holder turns 100."""
    digits = swedish(f"{born:%y%m}{day:02d}{serial}")
    return f"{digits[:6]}{'+' if today.year - born.year >= 100 else '-'}{digits[6:]}"


@given(born=BORN, serial=SERIALS, coordination=st.booleans())
def test_personnummer_and_samordningsnummer_are_the_same_in_every_spelling(born, serial, coordination):
    assume(TODAY.year - born.year < 130)
    short = short_form(born=born, day=born.day + 60 * coordination, serial=serial, today=TODAY)
    century, ten = f"{born.year // 100}", short.replace("+", "-").replace("-", "")
    canonical = f"SE:{century}{ten}"
    spellings = [short, f"{century}{ten}", f"{century}{ten[:6]}-{ten[6:]}", f" {century}{ten[:6]} {ten[6:]} "]
    if "-" in short:
        spellings.append(ten)
    for spelling in spellings:
        assert parse(spelling) == NationalId(canonical, synthetic=False)


def test_plus_means_a_hundred_years_or_more():
    ten = swedish("260101000")
    assert parse(f"{ten[:6]}-{ten[6:]}").canonical == f"SE:20{ten}"
    assert parse(f"{ten[:6]}+{ten[6:]}").canonical == f"SE:19{ten}"
    old = swedish("270101000")
    assert parse(f"{old[:6]}-{old[6:]}").canonical == f"SE:19{old}"
    assert parse(f"{old[:6]}-{old[6:]}", today=date(2027, 1, 1)).canonical == f"SE:20{old}"
    assert parse(f"{old[:6]}+{old[6:]}", today=date(2027, 1, 1)).canonical == f"SE:19{old}"


@given(born=BORN, serial=SERIALS, place=st.integers(0, 9), digit=st.integers(0, 9))
def test_a_single_wrong_digit_never_passes_luhn(born, serial, place, digit):
    ten = swedish(f"{born:%y%m%d}{serial}")
    assume(ten[place] != str(digit))
    with pytest.raises(NotANationalId):
        parse(f"{ten[:place]}{digit}{ten[place + 1 :]}")


@pytest.mark.parametrize("century", ["00", "17", "21", "99"])
def test_a_century_in_which_nobody_with_a_card_was_born_is_no_number(century):
    ten = swedish("260101000")
    with pytest.raises(NotANationalId):
        parse(f"{century}{ten}")


@pytest.mark.parametrize("day", ["00", "32", "59", "92"])
def test_a_swedish_day_that_no_calendar_has_is_no_number(day):
    with pytest.raises(NotANationalId):
        parse(swedish(f"9001{day}000"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-",
        "0183105002",
        "018310500277",
        "1" * 13,
        "00000000000",
        "0000000000",
        "01831050028",
        "0183105002x",
        "N000106188",
        "018310+50027",
        "9" * 100_000,
    ],
)
def test_what_is_no_national_number_is_refused(text):
    with pytest.raises(NotANationalId):
        parse(text)


@given(text=st.text(alphabet="0123456789+- x", max_size=16))
def test_any_text_is_refused_or_has_one_canonical_form(text):
    try:
        found = parse(text)
    except NotANationalId:
        return
    country, digits = found.canonical.split(":")
    assert digits.isascii()
    assert len(digits) == {"NO": 11, "SE": 12, "DUF": 12}[country]


def test_neither_birth_date_nor_gender_is_read_out_of_a_number():
    found = parse("01831050027")
    assert set(NationalId.__slots__) == {"canonical", "synthetic"}
    assert not {name for name in dir(found) if not name.startswith("_")} - {"canonical", "synthetic"}


def test_a_number_never_shows_in_a_text_that_might_be_logged():
    found = parse("01831050027")
    for text in (repr(found), str(found), f"{found}", f"{[found]!r}", f"{ {'id': found} }"):
        assert "01831050027" not in text
        assert "0183105" not in text


@pytest.mark.parametrize(("text", "refusal"), [("01831050028", NotANationalId), ("01831050027", SyntheticNationalId)])
def test_a_refusal_does_not_repeat_the_number(text, refusal):
    with pytest.raises(refusal) as raised:
        parse(text, allow_synthetic=False)
    assert b"018310" not in pickle.dumps(raised.value)
    assert raised.value.args == ()


@given(days=st.integers(0, 40_000))
def test_a_norwegian_number_means_the_same_on_any_day(days):
    assert parse("01831050027", today=date(1990, 1, 1) + timedelta(days=days)) == parse("01831050027")
