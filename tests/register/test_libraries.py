"""The list of libraries: good rows are kept, bad ones are named by their line, and a second import changes nothing."""

import pytest
from sqlalchemy import select, update

from app.register.patron.libraries import ImportReport, find_library_name, import_libraries
from app.register.store.transaction import db
from app.register.tables.library import Library
from app.rules.library.listing import BadRow, NotALibraryList
from tests.register.people import count_rows

HEADINGS = b"sigel,name,type,municipality_code,address,postcode,place\n"
GOOD = [
    "Aby,Åby bibliotek,folkbib,0581,Nyköpingsvägen 26,616 32,Åby\n".encode(),
    b'Bok,"Bokbussen, Norra",folkbib,0642,,,\n',
    b'Cit,"Bibliotek ""Citat""",sjukhus,0180,Gatan 1,111 11,Stockholm\r\n',
]
BAD = [
    (b"Dub,Two,folkbib,0180,,\n", "has 6 columns, not 7"),
    (b"Dub,Eight,folkbib,0180,,,,\n", "has 8 columns, not 7"),
    (b",No id,folkbib,0180,,,\n", "has no library id"),
    (b"D u b,Spaces in id,folkbib,0180,,,\n", "has an id of the wrong form"),
    (b"<b>,Markup in id,folkbib,0180,,,\n", "has an id of the wrong form"),
    ("Ⅻ,Other alphabet,folkbib,0180,,,\n".encode(), "has an id of the wrong form"),
    (b"D" * 21 + b",Long id,folkbib,0180,,,\n", "has an id of the wrong form"),
    (b"Dub,,folkbib,0180,,,\n", "has no name"),
    (b"Dub,   ,folkbib,0180,,,\n", "has no name"),
    (b"Dub,No type,,0180,,,\n", "has no type"),
    (b"Dub," + b"x" * 121 + b",folkbib,0180,,,\n", "has a name of more than 120 characters"),
    (b"Dub,Long type,folkbibliotekets filial,0180,,,\n", "has a type of more than 20 characters"),
    (b"Dub,Long postcode,folkbib,0180,,1234567890123,\n", "has a postcode of more than 12 characters"),
    (b"Dub,Long municipality,folkbib,123456789,,,\n", "has a municipality_code of more than 8 characters"),
    (b"Dub,A\x00B,folkbib,0180,,,\n", "holds a control character"),
    (b"Dub,A\tB,folkbib,0180,,,\n", "holds a control character"),
    (b'Dub,"Never closed,folkbib,0180,,,\n', "unexpected end of data"),
    (b'Dub,"Closed"twice,folkbib,0180,,,\n', "',' expected after '\"'"),
    (b"Aby,Again,folkbib,0581,,,\n", "repeats the id of line 2"),
]


READ = {"encoding": "UTF-8", "separator": "comma"}


def run_import(*lines: bytes) -> ImportReport:
    report = import_libraries([HEADINGS, *lines])
    db.session.commit()
    return report


def find(library_id: str) -> Library | None:
    return db.session.get(Library, library_id, populate_existing=True)


def test_good_rows_become_libraries():
    before = count_rows("libraries")
    assert run_import(*GOOD) == ImportReport(added=3, changed=0, unchanged=0, bad=[], **READ)
    assert count_rows("libraries") == before + 3
    aby = find("Aby")
    assert (aby.name, aby.kind, aby.municipality) == ("Åby bibliotek", "folkbib", "0581")
    assert (aby.address, aby.postcode, aby.place) == ("Nyköpingsvägen 26", "616 32", "Åby")
    assert (find("Bok").name, find("Bok").address) == ("Bokbussen, Norra", None)
    assert find_library_name(library_id="Cit") == 'Bibliotek "Citat"'


def test_each_bad_row_is_named_by_its_line_and_costs_no_good_one():
    lines = [GOOD[0], *(line for line, _fault in BAD), *GOOD[1:]]
    report = run_import(*lines)
    assert report.bad == [BadRow(number, fault) for number, (_line, fault) in enumerate(BAD, start=3)]
    assert (report.added, report.changed, report.unchanged) == (3, 0, 0)
    assert find("Dub") is None
    assert find("Aby").name == "Åby bibliotek"


def test_a_good_row_after_a_bad_one_of_the_same_id_is_kept():
    report = run_import(b"Aby,,folkbib,0581,,,\n", GOOD[0])
    assert [bad.line for bad in report.bad] == [2]
    assert find("Aby").name == "Åby bibliotek"


def test_a_second_import_changes_nothing():
    run_import(*GOOD)
    assert run_import(*GOOD) == ImportReport(added=0, changed=0, unchanged=3, bad=[], **READ)


def test_a_corrected_row_corrects_its_library_and_leaves_what_a_file_does_not_know():
    run_import(*GOOD)
    db.session.execute(update(Library).where(Library.id == "Aby").values(static_codes=True))
    db.session.commit()
    report = run_import("Aby,Åby huvudbibliotek,folkbib,0581,,,\n".encode(), *GOOD[1:])
    assert (report.added, report.changed, report.unchanged) == (0, 1, 2)
    assert (find("Aby").name, find("Aby").address, find("Aby").static_codes) == ("Åby huvudbibliotek", None, True)


def test_a_file_without_a_column_leaves_what_the_register_knows_of_it():
    run_import(*GOOD)
    report = import_libraries([b"sigel,name,type\n", "Aby,Åby bibliotek,folkbib\n".encode()])
    db.session.commit()
    assert (report.changed, report.unchanged) == (0, 1)
    assert find("Aby").place == "Åby"


def test_a_library_that_is_not_in_the_file_stays():
    run_import(*GOOD)
    assert find_library_name(library_id="Mull") == "Mullsjö bibliotek"
    assert find_library_name(library_id="Nowhere") is None


def test_blank_lines_and_a_byte_order_mark_are_no_fault():
    report = import_libraries([b"\xef\xbb\xbf" + HEADINGS, b"\n", GOOD[0], b"  \r\n", GOOD[1]])
    assert (report.added, report.bad) == (2, [])


@pytest.mark.parametrize("column", ["sigel", "biblioteknummer", "id"])
def test_the_id_may_stand_in_any_column_that_authorities_use_and_in_any_place(column):
    headings = f"name,{column},type,something_else\n".encode()
    import_libraries([headings, b"Eidsvoll bibliotek,2023700,folkebib,whatever\n"])
    assert db.session.scalars(select(Library.name).where(Library.id == "2023700")).one() == "Eidsvoll bibliotek"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b""],
        [b"\n"],
        [b"name,type\n", b"Somewhere,folkbib\n"],
        [b"sigel,type\n", b"Aby,folkbib\n"],
        [b"\x89PNG\r\n", b"\x1a\n"],
        [b'sigel,"name,type\n'],
        [b"sigel,name,type\n", b"\n" * 100_000],
    ],
)
def test_a_file_of_another_kind_is_no_library_list(lines):
    with pytest.raises(NotALibraryList):
        import_libraries(lines)


def test_the_operator_is_told_file_line_and_fault(app, tmp_path):
    file = tmp_path / "libraries.csv"
    file.write_bytes(HEADINGS + GOOD[0] + BAD[0][0] + GOOD[1])
    result = app.test_cli_runner().invoke(args=["libraries", "import", str(file)])
    assert result.exit_code == 1
    assert "libraries.csv:3: has 6 columns, not 7" in result.stderr
    assert "2 added, 0 changed, 0 unchanged, 1 bad rows" in result.stdout
    assert find("Aby").name == "Åby bibliotek"
