"""Somebody has a copy of the database and all the time in the world, but not the keys: no national number is found.

There are only some hundred valid numbers for a birth date and gender, and those stand beside each token, so a hash
without a key would be undone in an instant. Here every one of them is tried against every value of the copy.
"""

import base64
import hashlib
import hmac
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app import create_app
from app.register.keys.rotation import list_renewables, renew
from app.register.keys.vault import Vault, use_vault
from app.register.patron.patrons import register_patron
from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.rules.people.contact import Contact
from app.rules.people.national_id import parse_national_id
from tests.conftest import START, VAULT_KEYS, Databases, settings_for
from tests.register.people import reading
from tests.rules.test_national_id import norwegian

pytestmark = pytest.mark.long
PEOPLE = 1000
BIRTH_DATES = [date(1990, 1, 1) + timedelta(days=97 * n) for n in range(15)]
NEW_KEY = {2: hashlib.sha256(b"the next key").digest()}
GENDERS = ("female", "male")


@dataclass(frozen=True)
class StolenCopy:
    """What a thief has: every value of every row, and the database's file as it is. `numbers` is what they want."""

    values: frozenset[str]
    rows_of_patrons: tuple[tuple[object, ...], ...]
    file: bytes
    numbers: frozenset[str]


def valid_numbers(born: date, gender: str) -> list[str]:
    """Return every synthetic number that somebody of this birth date and gender can have, D-numbers too."""
    serials = range(500) if born.year < 2000 else range(500, 1000)
    heads = [
        f"{born.day + added:02d}{born.month + 80:02d}{born:%y}{serial:03d}"
        for serial in serials
        for added in (0, 40)
        if (serial % 2 == 1) == (gender == "male")
    ]
    return [number for head in heads if (number := norwegian(head))]


@pytest.fixture(scope="module")
def everybody() -> list[tuple[date, str, str]]:
    """Birth date, gender and number of a thousand people; no two have the same number."""
    draw = random.Random(4)
    people: list[tuple[date, str, str]] = []
    for born in BIRTH_DATES:
        for gender in GENDERS:
            people += [(born, gender, number) for number in draw.sample(valid_numbers(born, gender), 34)]
    return people[:PEOPLE]


@pytest.fixture(scope="module")
def copies(databases: Databases, everybody: list[tuple[date, str, str]]) -> Iterator[tuple[StolenCopy, StolenCopy]]:
    """The copy of a register under the first key, and another after the second key came into use."""
    url = databases.copy("sqlite")
    app = create_app(settings_for(url))
    with app.app_context():
        for person, (born, gender, number) in enumerate(everybody):
            register_patron(
                name=f"Person {person}",
                birth_date=born,
                gender=gender,
                home_library_id="2023500",
                contact=Contact(email=f"person{person}@example.org"),
                national_id=parse_national_id(number, today=START.date(), allow_synthetic=True),
                now=START,
            )
        db.session.commit()
        first = take_copy(url, everybody)
        use_vault(Vault(VAULT_KEYS | NEW_KEY))
        for renewable in list_renewables():
            assert sum(renew(renewable)) >= 0
        yield first, take_copy(url, everybody)
        db.session.remove()
        db.engine.dispose()


def take_copy(url: str, everybody: list[tuple[date, str, str]]) -> StolenCopy:
    values: set[str] = set()
    with reading() as connection:
        for table in Base.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                values |= {value.hex() if isinstance(value, bytes) else str(value).lower() for value in row}
        patrons = tuple(tuple(row) for row in connection.execute(select(Base.metadata.tables["patrons"])))
    database = Path(url.removeprefix("sqlite:///"))
    file = b"".join(path.read_bytes() for path in sorted(database.parent.glob(database.name + "*")))
    return StolenCopy(frozenset(values), patrons, file, frozenset(number for _, _, number in everybody))


def candidates() -> list[str]:
    return [number for born in BIRTH_DATES for gender in GENDERS for number in valid_numbers(born, gender)]


def spellings(number: str) -> list[bytes]:
    return [text.encode() for text in (number, f"NO:{number}", f"national id:NO:{number}")]


Progress = Callable[[bytes], bytes]


def keyed(key: bytes) -> Progress:
    return lambda text: hmac.digest(key, text, "sha256")


def chained(*keys: bytes) -> Progress:
    def way(text: bytes) -> bytes:
        for key in keys:
            text = hmac.digest(key, text, "sha256")
        return text

    return way


def derive(key: bytes) -> bytes:
    """Derive the key of tokens from a master key, as anybody can read that the vault does."""
    return hmac.digest(hmac.digest(bytes(32), key, "sha256"), b"lanekort token\x01", "sha256")


GUESSED_KEYS = [
    b"",
    bytes(32),
    b"\xff" * 32,
    b"lanekort",
    b"national id",
    b"lanekort token",
    hashlib.sha256(b"").digest(),
]
WAYS: list[Progress] = [
    *(lambda text, name=name: hashlib.new(name, text).digest() for name in ("sha256", "sha512", "sha1", "md5")),
    lambda text: hashlib.sha256(hashlib.sha256(text).digest()).digest(),
    *map(keyed, GUESSED_KEYS),
    *(keyed(derive(key)) for key in GUESSED_KEYS),
    chained(derive(bytes(32)), derive(b"")),
]


def recover(copy: StolenCopy, ways: Iterable[Progress], texts: Callable[[str], list[bytes]] = spellings) -> set[str]:
    """Return the numbers of which some hash stands in the copy."""
    found = set()
    for number in candidates():
        for text in texts(number):
            for way in ways:
                digest = way(text)
                if digest.hex() in copy.values:
                    found.add(number)
    return found


def test_without_the_key_none_of_a_thousand_numbers_is_recovered(copies):
    for copy in copies:
        assert recover(copy, WAYS) == set()


def test_no_number_stands_in_the_copy_as_it_is_or_in_other_letters(copies):
    for copy in copies:
        for number in copy.numbers:
            for form in (number.encode(), number.encode("utf-16-le"), base64.b64encode(number.encode())[:14]):
                assert form not in copy.file


def test_what_stands_in_a_patrons_own_row_is_no_key(copies, everybody):
    for copy in copies:
        by_name = {row[3]: row for row in copy.rows_of_patrons}
        for person, (_, _, number) in enumerate(everybody):
            salts = [str(value).encode() for value in by_name[f"Person {person}"] if value is not None]
            for text in spellings(number):
                for salt in salts:
                    assert hmac.digest(salt, text, "sha256").hex() not in copy.values
                    assert hashlib.sha256(salt + text).hexdigest() not in copy.values
                    assert hashlib.sha256(text + salt).hexdigest() not in copy.values


def as_the_vault_does(number: str) -> list[bytes]:
    return [f"national id:NO:{number}".encode()]


def test_the_same_attack_with_the_key_recovers_every_one(copies):
    under_first, under_second = copies
    first, second = derive(VAULT_KEYS[1]), derive(NEW_KEY[2])
    assert recover(under_first, [keyed(first)], as_the_vault_does) == under_first.numbers
    assert recover(under_second, [chained(first, second)], as_the_vault_does) == under_second.numbers


def test_after_a_rotation_one_key_alone_recovers_none(copies):
    _, under_second = copies
    first, second = derive(VAULT_KEYS[1]), derive(NEW_KEY[2])
    assert recover(under_second, [keyed(first), keyed(second), chained(second, first)], as_the_vault_does) == set()
