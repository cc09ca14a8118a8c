"""A row of another system's file becomes a person, or says what is wrong with it."""

from datetime import date

import pytest

from app.rules.csv_text import EncodingInDoubt, write_row
from app.rules.moving.columns import NotAPatronFile, correct_fields, guess_fields, is_secret, lacking, read_patron_file
from app.rules.moving.rows import RowNotValid, read_row

TODAY = date(2026, 11, 22)
D_NUMBER = "41831010078"
FIELDS = ["name", "birth_date", "national_id", "address", "postcode", "place", "phone", "email", "address_hidden"]
KARI = ["Kari Moe", "05.05.1980", "01831050027", "Storgata 1", "0155", "Oslo", "999 00 077", "kari@example.org", ""]


def read(fields=FIELDS, *, synthetic=True, **changes):
    cells = [changes.get(field, cell) for field, cell in zip(FIELDS, KARI, strict=True)]
    cells += [changes[field] for field in fields[len(FIELDS) :]]
    return read_row(cells, fields, language="nb", today=TODAY, allow_synthetic=synthetic)


def faults(**changes):
    with pytest.raises(RowNotValid) as refused:
        read(**changes)
    return refused.value.faults


def test_a_row_is_a_person_with_contact_data_in_canonical_form():
    row = read()
    assert (row.person.name, row.person.birth_date, row.person.gender) == ("Kari Moe", date(1980, 5, 5), "unknown")
    assert (row.contact.phone, row.contact.email) == ("+4799900077", "kari@example.org")
    assert (row.contact.address, row.contact.postcode, row.contact.preferred_contact) == ("Storgata 1", "0155", "email")
    assert row.national_id.canonical == "NO:01831050027"


@pytest.mark.parametrize(
    "written",
    ["1980-05-05", "05.05.1980", "5/5 1980", "5. mai 1980", "19800505", "1980-05-05 00:00:00", "05.05.1980 00:00"],
)
def test_a_birth_date_is_read_in_every_usual_form(written):
    assert read(birth_date=written).person.birth_date == date(1980, 5, 5)


def test_a_year_of_two_digits_is_never_guessed():
    assert faults(birth_date="05.05.80") == {"birth_date": "short-year"}


def test_no_birth_date_is_taken_from_a_national_number():
    assert faults(birth_date="") == {"birth_date": "missing"}


@pytest.mark.parametrize("number", ["01831050027", "018310 50027", "811228-9874", "19811228-9874", "701063-2391", ""])
def test_national_numbers_of_both_countries_are_read(number):
    assert (read(national_id=number).national_id is None) == (number == "")


def test_a_zero_that_a_spreadsheet_ate_comes_back_before_a_national_number():
    row = read(national_id="1831050027", birth_date="01.03.2010")
    assert row.national_id.canonical == "NO:01831050027"
    assert read(national_id="8112289874", birth_date="28.12.1981").national_id.canonical == "SE:198112289874"


def test_a_d_number_is_read():
    assert read(national_id=D_NUMBER).national_id.canonical == f"NO:{D_NUMBER}"


def test_a_national_number_with_a_wrong_digit_is_refused():
    assert faults(national_id="01831050028") == {"national_id": "not-valid"}


def test_a_test_persons_number_is_refused_where_real_people_are():
    assert faults(synthetic=False) == {"national_id": "synthetic"}


@pytest.mark.parametrize(
    "changes", [{"address_hidden": "ja"}, {"address_hidden": "6"}, {"address": "Sperret adresse"}, {"place": "Kode 7"}]
)
def test_nothing_is_left_of_a_hidden_address(changes):
    row = read(**changes)
    assert row.address_hidden
    assert (row.contact.address, row.contact.postcode, row.contact.place) == (None, None, None)


@pytest.mark.parametrize("said", ["nei", "Nej", "0", "false", "ugradert", ""])
def test_an_address_is_taken_where_the_mark_says_no(said):
    assert read(address_hidden=said).contact.address == "Storgata 1"


def test_every_fault_of_a_row_is_told_by_field():
    said = faults(name="", birth_date="31.02.1980", email="kari@", phone="12", postcode="")
    assert said == {
        "name": "missing",
        "birth_date": "not-valid",
        "email": "not-valid",
        "phone": "not-valid",
        "postcode": "missing",
    }


def test_a_zero_that_a_spreadsheet_ate_comes_back_before_a_postcode():
    assert read(postcode="150").contact.postcode == "0150"


def test_postcode_and_town_are_in_one_column_or_two():
    contact = read(postcode="", place="0155 Oslo").contact
    assert (contact.postcode, contact.place) == ("0155", "Oslo")


def test_a_landline_is_taken_where_there_is_no_mobile():
    fields = [*FIELDS, "other_phone"]
    assert read(fields, phone="", other_phone="22 22 22 22").contact.phone == "+4722222222"
    assert read(fields, other_phone="22 22 22 22").contact.phone == "+4799900077"


def test_a_swedish_number_without_its_country_is_swedish():
    assert read(phone="070-174 06 05").contact.phone == "+46701740605"


def test_a_name_is_in_one_column_or_two_and_in_either_order():
    assert read(name="Moe, Kari").person.name == "Kari Moe"
    row = read_row(
        ["Kari", "Moe", "1980-05-05"], ["first_name", "last_name", "birth_date"], language="sv", today=TODAY,
        allow_synthetic=True,
    )  # fmt: skip
    assert (row.person.name, row.person.language, row.contact.preferred_contact) == ("Kari Moe", "sv", "letter")
    assert row.name_words == read().name_words


@pytest.mark.parametrize("name", ["Kari\0Moe", "Kari \u202eMoe", "Kari \ufffdMoe"])
def test_a_name_with_hostile_characters_is_refused(name):
    assert faults(name=name) == {"name": "not-valid"}


def test_the_same_card_number_is_the_same_row_whatever_else_was_corrected():
    fields = [*FIELDS, "number"]
    assert read(fields, number="a-17").key == read(fields, number="A-17", name="Kari Lie").key
    assert read().key != read(name="Kari Lie", national_id="").key


@pytest.mark.parametrize(
    ("headings", "fields"),
    [
        (
            "Lånernummer;Etternavn;Fornavn;Født;Fnr;Postnr;Poststed",
            "number last_name first_name birth_date national_id postcode place",
        ),
        (
            "Låntagarnummer;Efternamn;Förnamn;Födelsedatum;Personnummer;Postnummer;Ort",
            "number last_name first_name birth_date national_id postcode place",
        ),
        (
            "Barcode;Surname;First name;Date of birth;SSN;Zip;City",
            "number last_name first_name birth_date national_id postcode place",
        ),
        (
            "Lnr;Navn;Fdato;Kjønn;Fødselsnr./D-nr.;Adresse;Postnr/Sted;Tlf. privat;Mobil;E-post;Foresatt;PIN-kode",
            "number name birth_date gender national_id address place other_phone phone email - -",
        ),
        (
            "borrowernumber;cardnumber;surname;firstname;address;address2;city;zipcode;email;phone;mobile;dateofbirth;"
            "branchcode;categorycode;sex;guarantor_id;userid;password;lang",
            "- number last_name first_name address care_of place postcode email other_phone phone birth_date - - gender"
            " - - - language",
        ),
        (
            "Strekkode;Etternavn, fornavn;Fødselsdato (dd.mm.åååå);Adresselinje 1;Adresselinje 2;Mobiltlf.;Sperret",
            "number name birth_date address care_of phone -",
        ),
    ],
)
def test_headings_of_other_systems_are_known(headings, fields):
    wanted = [field.strip("-") for field in fields.split()]
    assert guess_fields(headings.split(";")) == wanted
    assert lacking(wanted) == []


@pytest.mark.parametrize(
    ("chosen", "fields"),
    [
        ([("birth_date", "Noe")], ["number", "name", "birth_date", ""]),
        ([("birth_date", "3"), ("", "lånernr")], ["", "name", "birth_date", ""]),
        ([("name", "noe")], ["number", "", "name", ""]),
    ],
)
def test_columns_are_corrected_by_heading_or_number(chosen, fields):
    assert correct_fields(["Lånernr", "Navn", "Noe", "PIN"], chosen) == fields


@pytest.mark.parametrize(
    ("chosen", "why"),
    [(("name", "Ingen"), "no-such-column"), (("name", "Navn"), "no-such-column"), (("name", "4"), "pins"),
     (("name", "0"), "no-such-column")],
)  # fmt: skip
def test_a_column_that_cannot_be_chosen_is_refused(chosen, why):
    with pytest.raises(NotAPatronFile) as refused:
        correct_fields(["Navn", "Navn", "Noe", "PIN"], [chosen])
    assert refused.value.why == why


def test_pins_are_in_no_field():
    assert all(map(is_secret, ["PIN-kode", "Pinkode (4 siffer)", "PIN/passord", "password", "lånerpin", "pinnummer"]))
    assert all(map(is_secret, ["Passordhash", "borrower_password", "Lösenord", "lösen", "Pincode2", "Hemlig kod"]))
    assert not any(map(is_secret, ["Pinnsvin", "Kode"]))
    assert guess_fields(["Navn", "PIN", "PIN-kode", "Navn"]) == ["name", "", "", ""]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_file_is_read_in_every_usual_encoding_with_every_separator(separator, encoding):
    text = "\r\n".join(separator.join(row) for row in (["Navn", "Født"], ["Kåre Bjørk", "1980-05-05"])) + "\r\n"
    read_file = read_patron_file(text.encode(encoding))
    assert read_file.headings == ["Navn", "Født"]
    assert read_file.rows == [(2, ["Kåre Bjørk", "1980-05-05"])]


def test_a_row_begins_on_the_line_that_the_report_names():
    read_file = read_patron_file(b'navn;adresse\n"Kari";"Storgata 1\nOppgang B"\nBad row\nOla;Veien 2\n')
    assert read_file.rows == [(2, ["Kari", "Storgata 1\nOppgang B"]), (4, None), (5, ["Ola", "Veien 2"])]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"navn;fodt\n", "empty"),
        (b"\0" * 1000, "no-headings"),
        (b"1;2;3\n4;5;6\n", "no-headings"),
        (b"navn," * 1_000_000, "too-many-columns"),
        (b"navn;fodt\n" + b'"a;b\n' * 5000, "unreadable"),
        (b"navn;fodt\n" + b"\n" * 1_000_001, "too-many-rows"),
        (b"navn;fodt\r" + b"\r" * 1_000_001, "too-many-rows"),
        (b"x" * (32 * 1024 * 1024 + 1), "too-large"),
    ],
)
def test_a_hostile_file_gets_a_clear_error(content, why):
    with pytest.raises(NotAPatronFile) as refused:
        read_patron_file(content)
    assert refused.value.why == why


def test_an_encoding_in_doubt_is_asked_for_and_then_costs_bad_rows_alone():
    mixed = "navn;fodt\nKåre;1980-05-05\n".encode() + "Bjørk;1980-05-05\n".encode("cp1252")
    with pytest.raises(EncodingInDoubt):
        read_patron_file(mixed)
    assert [cells[0] for _line, cells in read_patron_file(mixed, told="UTF-8").rows] == ["Kåre", "Bj\ufffdrk"]


@pytest.mark.parametrize("cell", ["=1+1", "+47", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_that_is_written_is_a_formula(cell):
    assert write_row([cell, 1, None]).startswith(("'", "\"'"))
