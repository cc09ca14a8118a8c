"""The columns of a file of patrons: which field each is, guessed by its heading in Norwegian, Swedish or English."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from app.rules.csv_text import SEPARATORS, decode, records, split
from app.rules.errors import RuleBroken
from app.rules.people.fields import N_
from app.rules.people.names import fold_words

LARGEST: Final = 32 * 1024 * 1024
"""Bytes of a file. A row has about 150, so it may have some 200,000 of them."""
MOST_COLUMNS: Final = 100
MOST_UNREADABLE: Final = 1000
MOST_ROWS: Final = 300_000
_MOST_LINES: Final = 1_000_000
"""Empty ones and those within quotation marks too. Thirty million of them would be read for minutes."""

NUMBER: Final = "number"
OTHER_PHONE: Final = "other_phone"
LABELS: Final[Mapping[str, str]] = {
    "name": N_("Name"),
    "first_name": N_("First name"),
    "last_name": N_("Last name"),
    "birth_date": N_("Birth date"),
    "national_id": N_("National identity number"),
    NUMBER: N_("Card number until now"),
    "gender": N_("Gender"),
    "address": N_("Address"),
    "care_of": N_("Address, another line"),
    "postcode": N_("Postcode"),
    "place": N_("Post town"),
    "address_hidden": N_("The address is hidden"),
    "phone": N_("Telephone"),
    OTHER_PHONE: N_("Telephone, where the first is empty"),
    "email": N_("E-mail"),
    "preferred_contact": N_("Preferred contact"),
    "language": N_("Language of messages"),
}
"""The fields that a column can be, with their English words."""
_HEADINGS: Final = {
    "name": "fulltnavn fulltnamn fullname navn namn name lanernavn lanerensnavn lantagare lantagarnamn borrowername"
    " patronname etternavnfornavn efternamnfornamn",
    "first_name": "fornavn fornamn firstname givenname firstnames",
    "last_name": "etternavn efternamn lastname surname familyname slektsnavn",
    "birth_date": "fodselsdato fodt fodtdato fodtden fodd fodelsedatum fodddatum fodelsedag birthdate dateofbirth dob"
    " born fdato dato datum",
    "national_id": "fodselsnummer fodselsnr fnr fnummer personnummer personnr pnr nationalid nationalidentitynumber"
    " nationalnumber ssn fodselsogpersonnummer fodselsnummerdnummer fodselsnrdnr fnrdnr dnummer dnr samordningsnummer"
    " identitetsnummer",
    NUMBER: "lanernummer lanernr lanekort lanekortnummer lanekortnr kortnummer kortnr lantagarnummer lantagarnr lantnr"
    " lanekortsnummer bibliotekskort cardnumber cardno oldcardnumber strekkode streckkod barcode gammeltkortnummer"
    " gammeltlanernummer lnr lanr patronnumber lantagarid lanerid patronid borrowernumber borrowerid id",
    "gender": "kjonn kon sex gender",
    "address": "gateadresse gatuadress gatuadresse streetaddress street address1 adresse1 adress1 adresselinje1"
    " adressrad1 adresse adress address postadresse postadress gate",
    "care_of": "co coadresse coadress adresse2 adress2 address2 adresselinje2 adressrad2 careof",
    "postcode": "postnummer postnr postcode zip zipcode postalcode",
    "place": "poststed sted by postort ort city place posttown town postnrsted postnrogsted postnrpoststed"
    " postnummersted postnummerogsted postnrort postnrochort",
    "address_hidden": "sperretadresse skjultadresse hemmeligadresse skyddadidentitet skyddadadress adressesperre"
    " hiddenaddress protectedaddress kode67 gradering graderingsniva adressegradering sekretess sekretessmarkering",
    "phone": "mobil mobiltelefon mobilnummer mobilnr mobiltlf mobile mobilephone smsalertnumber telefonmobil"
    " mobiltelefonnummer telefon tlf telefonnummer telefonnr phone telephone phonenumber tel tlfprivat telefonprivat",
    "email": "epost epostadresse epostadress mail email emailaddress mailadresse mejl",
    "preferred_contact": "kontaktmate foretrukketkontakt kontaktsatt preferredcontact varselmate aviseringssatt",
    "language": "sprak malform language lang",
}
"""The headings by which a field is known, folded; of two in one file, the first here."""
_FIELD_OF: Final = {
    heading: (field, rank) for field, headings in _HEADINGS.items() for rank, heading in enumerate(headings.split())
}
_SECRET: Final = re.compile(
    "pin(k|c|nr|nummer)|.*pin$|.*(passord|losenord|losen$|password|passcode|pwd|kodeord|hemligkod|hemmeligkode)"
)


class NotAPatronFile(RuleBroken):
    """Nothing can be made of the file. `why`: empty, too-large, no-headings, too-many-columns, too-many-rows,
    unreadable, twice, lacking, no-such-column, pins."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True, repr=False)
class PatronFile:
    """What was read: the headings, and of each row its first line, from 1, with its cells; or None, if it is no row."""

    encoding: str
    separator: str
    headings: Sequence[str]
    rows: Sequence[tuple[int, list[str] | None]]


def is_secret(heading: str) -> bool:
    """Tell whether a heading is that of PINs, which are never taken in."""
    return any(_SECRET.match(word) for word in (*fold_words(heading), _plain(heading)))


def guess_fields(headings: Sequence[str]) -> list[str]:
    """Return the field of each column; empty for one that is not known, or where another has that field."""
    known = [("", 0) if is_secret(each) else _FIELD_OF.get(_plain(each), ("", 0)) for each in headings]
    best = {field: min(rank for name, rank in known if name == field) for field, _rank in known}
    fields: list[str] = []
    for field, rank in known:
        is_best = rank == best[field] and field not in fields
        other = OTHER_PHONE if field == "phone" and OTHER_PHONE not in fields else ""
        fields.append(field if is_best else other)
    return fields


def correct_fields(headings: Sequence[str], chosen: Sequence[tuple[str, str]]) -> list[str]:
    """Return the fields that are guessed, but for those that somebody has `chosen`: a field, and the heading of its
    column or the column's number, from 1. An empty field is a column without use.

    Raises NotAPatronFile: no-such-column, or pins where the column is one of PINs.
    """
    fields = guess_fields(headings)
    for field, column in chosen:
        same = [at for at, heading in enumerate(headings) if _plain(heading) == _plain(column)]
        if not same and column.isascii() and column.isdigit():
            same = [int(column) - 1] if 0 < int(column) <= len(headings) else []
        if len(same) != 1:
            raise NotAPatronFile("no-such-column")
        if field and is_secret(headings[same[0]]):
            raise NotAPatronFile("pins")
        fields = ["" if each == field else each for each in fields]
        fields[same[0]] = field
    return fields


def lacking(fields: Sequence[str]) -> list[str]:
    """Return which fields every file needs, and no column is."""
    has_name = "name" in fields or {"first_name", "last_name"} <= set(fields)
    return [*([] if has_name else ["name"]), *([] if "birth_date" in fields else ["birth_date"])]


def read_patron_file(content: bytes, *, told: str = "") -> PatronFile:
    """Read a file of CSV with a heading row, in the encoding that is `told` or found out.

    Raises NotAPatronFile, or EncodingInDoubt.
    """
    if len(content) > LARGEST:
        raise NotAPatronFile("too-large")
    encoding, text = decode(content, told=told)
    if max(text.count("\n"), text.count("\r")) > _MOST_LINES:
        raise NotAPatronFile("too-many-rows")
    lines, first, separators = split(text)
    if not lines:
        raise NotAPatronFile("empty")
    separator, headings = _find_headings(lines, separators)
    rows: list[tuple[int, list[str] | None]] = []
    unreadable = 0
    for line, read in islice(records(lines, first, separator), 1, None):
        if not isinstance(read, str) and not any(cell.strip() for cell in read):
            continue
        # One column too many may be an address with the separator in it: nothing says which.
        is_row = not isinstance(read, str) and len(read) == len(headings)
        rows.append((line, list(read) if is_row else None))
        unreadable += not is_row
        if unreadable > MOST_UNREADABLE:
            raise NotAPatronFile("unreadable")
        if len(rows) > MOST_ROWS:
            raise NotAPatronFile("too-many-rows")
    if not rows:
        raise NotAPatronFile("empty")
    return PatronFile(encoding, separator, headings, rows)


def _find_headings(lines: Sequence[str], separators: str) -> tuple[str, list[str]]:
    """Return the separator by which most headings are known, and all headings."""
    best, known = (",", [""]), -1
    for separator in (each for each in SEPARATORS if each in separators):
        _line, read = next(records(lines, 1, separator))
        if isinstance(read, str) or len(read) < 2:
            continue
        if len(read) > MOST_COLUMNS:
            raise NotAPatronFile("too-many-columns")
        found = sum(map(bool, guess_fields(read)))
        if found > known:
            best, known = (separator, [" ".join(cell.split())[:80] for cell in read]), found
    if known < 1:
        raise NotAPatronFile("no-headings")
    return best


def _plain(heading: str) -> str:
    return "".join(fold_words(re.sub(r"\([^)]*\)", "", heading)))
