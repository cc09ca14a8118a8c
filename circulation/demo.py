"""Demo data: two small libraries with loans counted from today. Invented and public-domain titles only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from circulation.lending import holds, interlibrary
from circulation.lending import loans as lending
from circulation.lending.claims import run_claims
from circulation.lending.interlibrary import match_key
from circulation.lending.reminders import run_reminders
from circulation.lending.self_service import note_agreement
from circulation.lending.transaction import Transaction
from circulation.libraries import open_libraries
from circulation.settings import Settings
from circulation.tables import DailyTotal, Item
from circulation.totals import WAITS, count

# Of each row below; the barcode is 1001, 1002 … at Mullsjö and 2001, 2002 … at Ullensaker.
_COLUMNS: Final = ("title", "author", "category", "shelf_code", "publication_year")
_Row = tuple[str, str, str, str, int]

_MULL: Final[tuple[_Row, ...]] = (
    ("Gösta Berlings saga", "Lagerlöf, Selma", "book", "Hc", 1891),
    ("Kejsarn av Portugallien", "Lagerlöf, Selma", "book", "Hc", 1914),
    ("Nils Holgerssons underbara resa", "Lagerlöf, Selma", "book", "Hcg", 1906),
    ("Hemsöborna", "Strindberg, August", "book", "Hc", 1887),
    ("Röda rummet", "Strindberg, August", "book", "Hc", 1879),
    ("Doktor Glas", "Söderberg, Hjalmar", "book", "Hc", 1905),
    ("Tomtebobarnen", "Beskow, Elsa", "book", "Hcf", 1910),
    ("Puttes äventyr i blåbärsskogen", "Beskow, Elsa", "book", "Hcf", 1901),
    ("Sommaren vid Mullsjön", "Granberg, Tove", "book", "uHc", 2019),
    ("Kvarnen i Nyhem", "Granberg, Tove", "new_popular", "Hc", 2026),
    ("Sista tåget från Falköping", "Ekstam, Rune", "new_popular", "Hc", 2026),
    ("Skidspår och snöfall", "Ekstam, Rune", "magazine", "Rb", 2026),
    ("Trädgården i söder", "Redaktionen", "magazine", "Odg", 2026),
    ("Ljuset över Vättern", "Dahlin, Per", "dvd", "Imdb", 2021),
    ("Den tysta stugan vid Ryfors", "Dahlin, Per", "dvd", "Imdb", 2018),
    ("Vargarna vid Nässjön", "Hjort, Amanda", "dvd", "Imdb", 2023),
    ("Gösta Berlings saga: uppläst", "Lagerlöf, Selma", "cd_book", "Hc", 2010),
    ("Bröderna i berget", "Fall, Johan", "book", "Hcg", 2015),
    ("Gösta Berlings saga", "Lagerlöf, Selma", "book", "Hc", 1891),
    ("Kajan som kunde räkna", "Lind, Moa", "book", "Hcf", 2020),
)

_ULLENSAKER: Final[tuple[_Row, ...]] = (
    ("Et dukkehjem", "Ibsen, Henrik", "book", "839.822", 1879),
    ("Peer Gynt", "Ibsen, Henrik", "book", "839.822", 1867),
    ("Amtmandens Døttre", "Collett, Camilla", "book", "839.82", 1854),
    ("Constance Ring", "Skram, Amalie", "book", "839.82", 1885),
    ("Synnøve Solbakken", "Bjørnson, Bjørnstjerne", "book", "839.82", 1857),
    ("Norske folkeeventyr", "Asbjørnsen og Moe", "book", "398.2", 1841),
    ("Soria Moria slott", "Kittelsen, Theodor", "book", "398.2", 1911),
    ("Dragen på loftet", "Moen, Siri", "book", "jSKJ", 2018),
    ("Dragen på loftet 2: Vinterflukten", "Moen, Siri", "book", "jSKJ", 2020),
    ("Alt om hester", "Haug, Line", "book", "j636.1", 2017),
    ("Fotball for alle", "Berg, Ola", "book", "j796.3", 2021),
    ("Sekunder til midnatt", "Aas, Ingrid", "book", "uSKJ", 2022),
    ("Nordlysjegeren", "Aas, Ingrid", "book", "uSKJ", 2024),
    ("Hemmeligheten i Raknehaugen", "Vik, Tor", "book", "jSKJ", 2016),
    ("Romerike på sykkel", "Haug, Line", "magazine", "796", 2026),
    ("Strikk og sy", "Redaksjonen", "magazine", "746", 2026),
    ("Fjellvåken over Gardermoen", "Solli, Mari", "dvd", "791", 2019),
    ("Bak Trandumskogen", "Solli, Mari", "dvd", "791", 2022),
    ("Peer Gynt: lest høyt", "Ibsen, Henrik", "cd_book", "839.822", 2008),
    ("Sekunder til midnatt", "Aas, Ingrid", "book", "uSKJ", 2022),
    ("Kornband og kirkesølv", "Vik, Tor", "book", "948.2", 2009),
    ("Mørketid på Hauerseter", "Nes, Kari", "book", "SKJ", 2023),
)

# The guardian comes to both libraries in unstaffed hours; nobody else has an agreement.
_AGREEMENTS: Final = {"Mull": ("door", "ebook"), "2023500": ("door", "ebook")}

# card number, barcode, lent how many days ago: with 28 days for a book, 26 is due in two days and 31 is three late.
_LOANS: Final[dict[str, tuple[tuple[str, str, int], ...]]] = {
    "Mull": (
        ("N000100001", "1001", 26),
        ("N000100001", "1003", 33),
        ("N000100001", "1014", 10),
        ("N000100001", "1009", 5),
        ("N000100005", "1004", 20),
    ),
    "2023500": (
        ("N000100001", "2001", 27),
        ("N000100001", "2012", 12),
        ("N000100001", "2017", 9),
        ("N000100001", "2015", 3),
        ("N000100002", "2008", 36),
        ("N000100002", "2010", 26),
        ("N000100002", "2014", 6),
        ("N000100003", "2013", 25),
        ("N000100003", "2018", 2),
        ("N000100003", "2004", 14),
    ),
}


def seed_demo(*, settings: Settings, now: datetime) -> None:
    """Fill the demo's libraries, each in one transaction; one that has items already is left as it is.

    The tables are there already. `now` is aware; the same `now` gives the same data.
    """
    for library_id, library in open_libraries(settings).items():
        rows = {"Mull": _MULL, "2023500": _ULLENSAKER}.get(library_id)
        if rows is None:
            continue
        with library.database.writing() as session:
            tx = Transaction(session, library.rules(session), now)
            fresh = not session.scalar(select(exists().where(Item.id.is_not(None))))
            if fresh:
                _add_items(session, rows, first=1001 if library_id == "Mull" else 2001)
                for card_number, barcode, days_ago in _LOANS[library_id]:
                    lending.check_out(tx=_before(tx, days_ago), card_number=card_number, barcode=barcode)
                for kind in _AGREEMENTS[library_id]:
                    note_agreement(tx=_before(tx, 60), card_number="N000100001", kind=kind, age=42)
                _add_events(tx)
        if fresh:
            policy = library.policy_at(now)
            run_claims(database=library.database, policy=policy, now=now)
            run_reminders(database=library.database, policy=policy, now=now)
        library.database.close()


def _before(tx: Transaction, days: int) -> Transaction:
    # Days of the library: an hour of summer time between then and now would make one of them more or less.
    return replace(tx, now=(tx.now.astimezone(tx.policy.zone) - timedelta(days=days)).astimezone(UTC))


def _add_items(session: Session, rows: tuple[_Row, ...], *, first: int) -> None:
    editions: dict[tuple[str, str], str] = {}
    for barcode, row in enumerate(rows, start=first):
        title, _, category, *_ = row
        edition = editions.setdefault((title, category), f"demo-{barcode}")
        described = dict(zip(_COLUMNS, row, strict=True))
        session.add(Item(barcode=str(barcode), edition=edition, match_key=match_key(title), **described))
    session.flush()


def _add_events(tx: Transaction) -> None:
    if tx.policy.library == "Mull":
        # A film that came back 25 days late: 250 kronor, more than the 200 that block a card.
        lending.check_out(tx=_before(tx, 40), card_number="N000100005", barcode="1015")
        lending.return_item(tx=_before(tx, 8), barcode="1015")
        interlibrary.ask(
            tx=_before(tx, 1),
            card_number="N000100001",
            title="Fångaren i dimman",
            author="Sten, Karla",
            publication_year=tx.now.year - 6,
            category="book",
            idempotency_key="demo-interlibrary-1",
        )
    else:
        # One copy waits for the guardian, and the teenager's film is wanted by the guardian too.
        for barcode in ("2022", "2018"):
            holds.reserve(tx=_before(tx, 1), card_number="N000100001", barcode=barcode)


def seed_totals(*, settings: Settings, now: datetime) -> None:
    """Add what was lent in the year before today, invented, where no such totals are. The same day gives the same."""
    for library_id, library in open_libraries(settings).items():
        policy = library.policy_at(now)
        with library.database.writing() as session:
            begun = session.scalar(select(func.min(DailyTotal.day)))
            if begun is None or begun > now.date() - timedelta(days=300):
                chance = Random(library_id)
                for number in range(1, 400):
                    _add_day(Transaction(session, policy, now - timedelta(days=number)), chance)
        library.database.close()


def _add_day(tx: Transaction, chance: Random) -> None:
    if tx.today.weekday() in tx.policy.calendar.weekdays:
        return
    usual = 15.0 if tx.policy.library == "Mull" else 45.0
    for place, category in enumerate(tx.policy.categories):
        for kind, share in (("loan", 1.0), ("return", 0.95), ("renewal", 0.3)):
            count(tx, kind, category, round(chance.triangular(0, 2 * usual, usual) * share / (1 + place * place)))
    for kind, part, share in (
        ("hold", "", 0.2),
        ("claim", "1", 0.04),
        ("claim", "2", 0.01),
        ("interlibrary", "", 0.02),
    ):
        count(tx, kind, part, round(chance.triangular(0, 2 * usual, 0) * share))
    for place, (part, _last) in enumerate(WAITS):
        count(tx, "wait", part, round(chance.triangular(0, usual * 0.1, 0) / (1 + place / 2)))
