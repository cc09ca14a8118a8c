"""What people type and paste, and what scanners send, means what they meant."""

from dataclasses import replace
from datetime import date

import pytest

from app.rules.card.code import Kind, NotOurs, build, parse
from app.rules.card.number import NotACardNumber, parse_card_number
from app.rules.money import parse_amount
from app.rules.people.contact import Contact, ContactNotValid, check_contact, takes_sms
from app.rules.people.national_id import NotANationalId, parse_national_id
from app.rules.people.person import Person, PersonNotValid, check_person
from app.rules.typed import clean_identifier, clean_scan, clean_text, read_day

CODE = build(kind=Kind.ROTATING, credential="123456789012", totp="94287082")
STATIC = build(kind=Kind.STATIC, credential="123456789012")
TODAY = date(2026, 11, 29)
TUVA = Person("Tuva Moen", date(2010, 3, 1), "female")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")
WIDE = str.maketrans("0123456789N@.", "０１２３４５６７８９Ｎ＠．")

# What stands around a code, by what makes it so: scanners, copied web pages, files, phone books.
AROUND = {
    "blanks": ("  ", " "),
    "tab": ("\t", "\t"),
    "CR LF": ("", "\r\n"),
    "no-break space": ("\u00a0", "\u202f"),
    "wide space": ("\u3000", "\u2003"),
    "STX and ETX": ("\x02", "\x03"),
    "NUL": ("\x00", "\x00"),
    "escape and EOT": ("\x1b", "\x04"),
    "C1 controls": ("\x90", "\x9c"),
    "byte order mark": ("\ufeff", ""),
    "zero-width space": ("\u200b", "\u2060"),
    "direction marks": ("\u200e", "\u200f"),
    "embedding": ("\u202a", "\u202c"),
    "isolate": ("\u2068", "\u2069"),
    "soft hyphen": ("\u00ad", "\u00ad"),
    "variation selector": ("", "\ufe0e"),
    "tag": ("", "\U000e0020"),
    "QR": ("]Q1", ""),
    "GS1-128": ("]C1", ""),
    "Code 128": ("]C0", "\r"),
    "Code 39": ("]A0", ""),
    "Aztec": ("]z0", ""),
    "Data Matrix": ("\x02]d2", "\x03"),
    "ITF after blanks": (" ]I0 ", ""),
    "PDF417": ("]L2", ""),
}


@pytest.mark.parametrize(("before", "after"), AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("code", [CODE, STATIC, "2001", "N000100001", "BOK-17/A"])
def test_what_stands_around_a_scanned_code_is_no_part_of_it(code, before, after):
    assert clean_scan(before + code + after) == code


@pytest.mark.parametrize("text", ["2001 2002", "2001\r2002", "2001\x1d2002", "20\t01"])
def test_two_codes_in_one_field_are_not_put_together(text):
    assert clean_scan(f" {text}\r\n") == text


@pytest.mark.parametrize("between", [" ", "\u00a0", "\t", "\u200b", "\u2009", "\x00"])
def test_a_card_code_is_read_in_whatever_groups(between):
    assert parse(between.join(CODE[place : place + 4] for place in range(0, 24, 4))) == parse(CODE)


@pytest.mark.parametrize("script", [ARABIC, DEVANAGARI, WIDE], ids=["Arabic", "Devanagari", "wide"])
def test_the_digits_of_every_script_are_digits(script):
    assert parse(CODE.translate(script)) == parse(CODE)
    assert parse_card_number("N000100001".translate(script)) == "N000100001"
    assert clean_identifier("4719".translate(script)) == "4719"
    assert check_contact(Contact(phone="406 12 345".translate(script))).phone == "+4740612345"
    assert read_day("05.05.1980".translate(script)) == date(1980, 5, 5)
    assert parse_amount("25".translate(script)) == 2500
    assert parse_national_id("01831050027".translate(script), today=TODAY, allow_synthetic=True).synthetic


@pytest.mark.parametrize(
    "text", ["]Q1", "https://example.org/" + CODE, "]Q" + CODE, CODE.replace("0", "²"), "-" + CODE]
)
def test_what_only_looks_like_a_code_is_none(text):
    with pytest.raises(NotOurs):
        parse(text)


@pytest.mark.parametrize(("before", "after"), AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("number", ["N000100001", "n000100001", "000 100 001", "N 000\u00a0100\u200b001"])
def test_a_card_number_is_read_however_it_comes(number, before, after):
    assert parse_card_number(before + number + after) == "N000100001"


@pytest.mark.parametrize("text", ["N00010000²", "ɴ000100001", "N-000100001", "N000100001 N000100002", "Ⅿ000100001"])
def test_what_only_looks_like_a_card_number_is_none(text):
    with pytest.raises(NotACardNumber):
        parse_card_number(text)


@pytest.mark.parametrize("text", [" 4719", "47 19", "4719\u200b", "\ufeff4719", "4\u00ad719\r\n", "\u202a4719\u202c"])
def test_a_pin_is_its_four_digits(text):
    assert clean_identifier(text) == "4719"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Tuva\u200b Moen", "Tuva Moen"),
        ("Tuva\ufeff Moen\x07", "Tuva Moen"),
        ("Tu\u00adva\u00a0\u00a0Moen\u200e", "Tuva Moen"),
        ("Tuva\tMoen\r\n", "Tuva Moen"),
        ("Tu\u200dva \u200cMoen", "Tuva Moen"),
        ("A\u200b\u030asa", "Åsa"),
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("क्\u200dष", "क्\u200dष"),
        ("X Æ A-12", "X Æ A-12"),
    ],
)
def test_invisible_marks_of_a_name_are_dropped(typed, kept):
    assert check_person(replace(TUVA, name=typed), day=TODAY).name == kept
    assert clean_text(typed) == kept


@pytest.mark.parametrize("mark", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
def test_what_turns_the_text_of_a_name_or_an_address_is_refused(mark):
    with pytest.raises(PersonNotValid) as refused:
        check_person(replace(TUVA, name=f"Tuva {mark}neoM"), day=TODAY)
    assert refused.value.faults == {"name": "not-valid"}
    with pytest.raises(ContactNotValid) as wrong:
        check_contact(Contact(address=f"Storgata {mark}1", postcode="2050", place=f"{mark}Jessheim"))
    assert wrong.value.faults == {"address": "not-valid", "place": "not-valid"}


@pytest.mark.parametrize("name", ["\u200b", "\ufeff \u2800", "\u3164"])
def test_a_name_that_nobody_can_see_is_missing(name):
    with pytest.raises(PersonNotValid) as refused:
        check_person(replace(TUVA, name=name), day=TODAY)
    assert refused.value.faults == {"name": "missing"}


@pytest.mark.parametrize(
    "typed",
    [
        "\ufeffkari@example.org",
        "kari@example.org\u00a0",
        "kari\u200b@example.org",
        "kari＠example．org",
        "\u202akari@example.org\u202c",
    ],
)
def test_an_email_address_is_read_without_what_was_copied_with_it(typed):
    assert check_contact(Contact(email=typed)).email == "kari@example.org"


@pytest.mark.parametrize(
    "typed", ["kari @example.org", "kari@example.org\r\nBcc:all", "kari@example.org ola@example.org"]
)
def test_blanks_within_an_email_address_are_no_part_of_one(typed):
    with pytest.raises(ContactNotValid):
        check_contact(Contact(email=typed))


@pytest.mark.parametrize(
    "typed", ["\u202a+47 406 12 345\u202c", "406\u00a012\u00a0345", "+47\u200b40612345", "00 47 406 12 345\t"]
)
def test_a_telephone_number_from_a_phone_book_is_read(typed):
    assert check_contact(Contact(phone=typed)).phone == "+4740612345"


@pytest.mark.parametrize(
    "typed",
    [
        "1980-05-05",
        "05.05.1980",
        "5.5.1980",
        "5/5 1980",
        "5/5-1980",
        "05/05/1980",
        "5-5-1980",
        "5 5 1980",
        "5. 5. 1980",
        "5. mai 1980",
        "5 maj 1980",
        "5 May 1980",
        "1980/5/5",
        "1980.05.05",
        "19800505",
        "05051980",
        " 5/5\u00a01980\u200b",
        "５．５．１９８０",
        "5\u20135\u20131980",
    ],
)
def test_a_day_is_read_as_people_write_it(typed):
    assert read_day(typed) == date(1980, 5, 5)


@pytest.mark.parametrize(
    ("typed", "day"),
    [("29.2.2024", date(2024, 2, 29)), ("31. des 1999", date(1999, 12, 31)), ("13/1 2001", date(2001, 1, 13))],
)
def test_the_day_comes_before_the_month(typed, day):
    assert read_day(typed) == day


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "5/5",
        "5.5.80",
        "31.02.1980",
        "05/13/1980",
        "5.x.1980",
        "0.5.1980",
        "1980",
        "198005",
        "5.5.19800",
        "²/5 1980",
    ],
)
def test_what_is_no_day_or_not_certain_is_none(typed):
    assert read_day(typed) is None


@pytest.mark.parametrize(
    "typed",
    ["191500722390", "191500882392", "19150072-2390", "1915\u00a00088\u200b2392"],
)
def test_a_coordination_number_without_a_month_is_a_number(typed):
    digits = "".join(filter(str.isdecimal, typed))
    assert parse_national_id(typed, today=TODAY, allow_synthetic=False).canonical == f"SE:{digits}"


def _with_check_digit(nine: str) -> str:
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(nine))
    return nine + str(-sum(value // 10 + value % 10 for value in doubled) % 10)


@pytest.mark.parametrize(
    ("digits", "is_number"),
    [
        ("800160123", True),
        ("800060123", True),
        ("800091123", True),
        ("801361123", False),
        ("800092123", False),
        ("800001123", False),
        ("800100123", False),
    ],
)
def test_only_a_coordination_number_may_lack_month_or_day(digits, is_number):
    number = "19" + _with_check_digit(digits)
    if is_number:
        assert parse_national_id(number, today=TODAY, allow_synthetic=False).canonical == f"SE:{number}"
    else:
        with pytest.raises(NotANationalId):
            parse_national_id(number, today=TODAY, allow_synthetic=False)


@pytest.mark.parametrize("phone", ["22222222", "80012345", "82012345", "02800", "+46850831000", "+46201234567"])
def test_no_text_message_is_offered_to_a_number_that_takes_none(phone):
    with pytest.raises(ContactNotValid) as refused:
        check_contact(Contact(phone=phone, preferred_contact="sms"))
    assert refused.value.faults == {"phone": "no-sms"}
    assert not takes_sms(check_contact(Contact(phone=phone)).phone)


@pytest.mark.parametrize(
    "phone", ["40612345", "99900123", "91234567", "+46701740605", "+4520123456", "+12025550123", "+358401234567"]
)
def test_a_mobile_number_takes_text_messages(phone):
    assert takes_sms(check_contact(Contact(phone=phone, preferred_contact="sms")).phone)
