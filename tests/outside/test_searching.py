"""Names and libraries are found as people type them, on whichever keyboard, and however they are stored."""

import unicodedata

import pytest

from app.register.desk.lookup import Criteria, look_up
from app.register.log.access_log import Viewer
from app.register.patron.libraries import add_library, search_libraries
from app.register.store.transaction import db
from app.register.tables.patrons import Patron
from app.rules.people.names import fold_words, has_words
from tests.register.people import GUARDIAN, ULLENSAKER, patron_id

NAMES = [
    ("Ánte Ruoŧŧala", ["ruottala", "RUOTTALA", "ruo", "ante ruottala", "Ruoŧŧala", "Ruot"]),
    ("Máret Boaŋŋu", ["boannu", "Boaŋŋu", "maret"]),
    ("ÁILA BOAŊŊU", ["boannu", "Boaŋŋu", "aila"]),
    ("Ole Đakkaŧ", ["dakkat", "Đakkaŧ", "đakkat"]),
    ("Marija Ħabib", ["habib", "Ħabib"]),
    ("Liam O‘Connor", ["oconnor", "o'connor", "o’connor", "O‘Connor", "OʼConnor", "O´Connor", "O`Connor", "connor"]),
    ("Liam O’Connor", ["oconnor", "o'connor", "o‘connor", "o connor"]),
    ("Liam O'Connor", ["oconnor", "o’connor", "o‘connor", "liam oco"]),
    ("Anne-Marie Dahl", ["annemarie", "anne marie", "anne‑marie", "marie"]),
    ("Bjørn Ærø", ["bjorn aero", "BJØRN", "Björn"]),
    ("Jürgen Strauß", ["jurgen strauss", "STRAUSS"]),
    ("Łukasz Źdźbło", ["lukasz zdzblo"]),
    ("Þórður Guðmundsson", ["thordur gudmundsson", "þórður"]),
    ("Ahmet Yılmaz İnan", ["yilmaz inan", "İnan"]),
    ("Ǩiurrâl Ǯuukka", ["kiurral"]),
    ("Иван Ющенко", ["ivan", "Ющенко", "иван"]),
    ("Ｙuki ﬁnn", ["yuki finn"]),
    ("Kari\u00a0Nord\u00admann\u200b", ["kari nordmann"]),
]
FOUND = [(name, typed) for name, several in NAMES for typed in several]


@pytest.mark.parametrize(("name", "typed"), FOUND)
def test_a_name_is_known_however_it_is_typed_and_stored(name, typed):
    for form in ("NFC", "NFD"):
        stored, asked = unicodedata.normalize(form, name), unicodedata.normalize(form, typed)
        assert has_words(stored, fold_words(typed))
        assert has_words(name, fold_words(asked))


@pytest.mark.parametrize("typed", ["ruottalas", "attola", "connors", "o'c d", "nor"])
def test_a_name_that_is_another_is_not_found(typed):
    assert not has_words("Ánte Ruoŧŧala O’Connor", fold_words(typed))


def test_the_desk_finds_a_patron_as_typed(app, clock):
    viewer = Viewer(role="staff", actor="kari", library_id=ULLENSAKER)
    with app.app_context():
        whose = patron_id(GUARDIAN)
        born = db.session.get_one(Patron, whose).birth_date
        for name, typed in NAMES[:8]:
            db.session.get_one(Patron, whose).name = unicodedata.normalize("NFD", name)
            db.session.commit()
            criteria = Criteria(name=typed[0], birth_date=born)
            found = look_up(criteria=criteria, viewer=viewer, library_id=ULLENSAKER, now=clock())
            assert [hit.patron_id for hit in found.hits] == [whose]


LIBRARIES = [
    ("Mullsjö bibliotek", ["mullsjo", "MULLSJÖ", "Mullsjø"]),
    ("Sør-Varanger bibliotek", ["sor-varanger", "SØR VARANGER", "sorvaranger", "sor‑varanger"]),
    ("Sør–Varanger bibliotek", ["sor-varanger"]),
    ("Unjárgga girjerádju – Nesseby bibliotek", ["unjargga nesseby", "nesseby"]),
    ("Porsáŋgu bibliotek", ["porsangu", "porsaŋgu"]),
    ("Kárášjoga girjerádju", ["karasjoga"]),
    ("Deaŧnu bibliotek", ["deatnu"]),
    ("Ærøya folkebibliotek", ["aeroya", "Ærøya"]),
    ("Älvsbyns bibliotek", ["alvsbyn"]),
]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_library_is_found_as_typed(app, form):
    with app.app_context():
        for number, (name, _typed) in enumerate(LIBRARIES):
            add_library(library_id=f"T{number}", name=unicodedata.normalize(form, name), kind="folkbib")
        for number, (_name, several) in enumerate(LIBRARIES):
            for typed in several:
                for words in (typed, unicodedata.normalize("NFD", typed)):
                    assert f"T{number}" in [library.id for library in search_libraries(words=words, limit=50)]
        for typed in ("mulsjo", "sor varangar", "???"):
            assert search_libraries(words=typed, limit=50) == []
