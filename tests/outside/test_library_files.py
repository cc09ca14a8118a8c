"""Lists of libraries as spreadsheets write them: what can be read is read, and nothing is guessed."""

import pytest

from app.register.patron.libraries import find_library_name
from app.rules.library.listing import BadRow, NotALibraryList, read_library_list

LINES = [
    ["sigel", "name", "type", "address", "place"],
    ["Mull", "Mullsjö bibliotek", "folkbib", "Järnvägsgatan 34", "Mullsjö"],
    ["2030", "Sør-Varanger bibliotek", "folkebib", "Rådhusplassen 2", "Kirkenes"],
    ["Bok", "Bokbussen", "folkbib", "", ""],
]
NAMES = ["Mullsjö bibliotek", "Sør-Varanger bibliotek", "Bokbussen"]


def written(
    separator: str = ",", *, end: str = "\r\n", first: str = "", headings: list[str] | None = None, last: str = ""
) -> str:
    lines = [headings or LINES[0], *LINES[1:]]
    return first + "".join(separator.join(line) + end for line in lines) + last


FILES = [
    (written().encode(), "UTF-8", "comma"),
    (written(end="\n").encode("utf-8-sig"), "UTF-8", "comma"),
    (written(end="\r").encode(), "UTF-8", "comma"),
    (("\ufeff" + written()).encode("utf-8-sig"), "UTF-8", "comma"),
    (written(";").encode("utf-8-sig"), "UTF-8", "semicolon"),
    (written(";").encode("cp1252"), "Windows-1252", "semicolon"),
    (written("\t").encode("cp1252"), "Windows-1252", "tab"),
    (
        written(";").encode("cp1252") + "X;ÆØÅ æøå ÅÄÖ åäöæøå é ü «Tana» – Kárášjohka;f;;\n".encode("cp1252"),
        "Windows-1252",
        "semicolon",
    ),
    (written("\t").encode("utf-16"), "UTF-16", "tab"),
    (written("\t").encode("utf-16-be"), "UTF-16", "tab"),
    (b"\xfe\xff" + written(";").encode("utf-16-be"), "UTF-16", "semicolon"),
    (written("\t").encode("utf-16-le"), "UTF-16", "tab"),
    (written("|").encode(), "UTF-8", "vertical bar"),
    (written(";", first="sep=;\r\n").encode("cp1252"), "Windows-1252", "semicolon"),
    (written(";", first="SEP=;\r\n").encode("utf-8-sig"), "UTF-8", "semicolon"),
    (written(",", first='"sep=,"\n\n').encode(), "UTF-8", "comma"),
    (written("\t", first="sep=\t\r\n").encode("utf-16"), "UTF-16", "tab"),
    (written(";", first="\r\n;;;;\r\n  \r\n").encode("cp1252"), "Windows-1252", "semicolon"),
    (written(";", first="\n\nsep=;\n;;;;\n").encode(), "UTF-8", "semicolon"),
    (written(headings=["SIGEL", "NAME", "TYPE", "ADDRESS", "PLACE"]).encode(), "UTF-8", "comma"),
    (written(";", headings=["Sigel", " Name", "Type ", "Address\xa0", "Place"]).encode(), "UTF-8", "semicolon"),
    (written(headings=["Biblioteknummer", "Name", "Type", "", "Place"]).encode(), "UTF-8", "comma"),
    (written().encode() + b",,,,\r\n\r\n", "UTF-8", "comma"),
]


@pytest.mark.parametrize(("content", "encoding", "separator"), FILES)
def test_a_file_is_read_in_its_own_encoding_with_its_own_separator(content, encoding, separator):
    listed = read_library_list(content)
    assert (listed.encoding, listed.separator, listed.bad) == (encoding, separator, [])
    assert [row["name"] for row in listed.rows][:3] == NAMES


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(written().encode() + "Dub,Märsta,folkbib,,\n".encode("cp1252"), id="two encodings"),
        pytest.param(written(";").encode("mac-roman"), id="Macintosh"),
        pytest.param("sigel;name;type\nMull;Mullsjö;folkbib\n".encode("mac-roman"), id="Macintosh, one letter"),
        pytest.param("sigel;name;type\nMull;Mullsjö;folkbib\n".encode("cp850"), id="MS-DOS"),
        pytest.param("sigel;name;type\nVar;Sør-Varanger;folkbib\n".encode("cp865"), id="Nordic MS-DOS"),
        pytest.param("sigel;name;type\nVar;Ærøya;folkbib\n".encode("cp865"), id="Nordic MS-DOS, capital"),
        pytest.param("sigel;name;type\nDea;Đeanu girjerádju\n;folkbib\n".encode("iso8859-10"), id="Latin-6"),
        pytest.param("sigel;name;type\nMos;Библиотека;folkbib\n".encode("cp1251"), id="Cyrillic"),
        pytest.param(written().encode().decode("cp1252").encode(), id="UTF-8 read as Windows-1252"),
        pytest.param(written().encode().decode("cp1252").encode("utf-16"), id="the same in UTF-16"),
        pytest.param(written().encode("utf-16")[:-1], id="half a character"),
    ],
)
def test_nothing_is_read_where_the_encoding_is_in_doubt(content):
    with pytest.raises(NotALibraryList, match="its encoding is in doubt"):
        read_library_list(content)


def rows(*lines: str) -> tuple[list[str | None], list[BadRow]]:
    listed = read_library_list("".join(["sigel,name,type,address\n", *lines]).encode())
    return [row["name"] for row in listed.rows], list(listed.bad)


def test_a_quoted_line_break_is_part_of_one_row():
    assert rows('A,"Åby\nbibliotek",folkbib,\n', "B,Bro,folkbib,\n") == (["Åby bibliotek", "Bro"], [])
    assert rows('A,"Åby\r\n\r\nbibliotek",folkbib,"Gata 1\n2"\n') == (["Åby bibliotek"], [])


@pytest.mark.parametrize(
    ("lines", "bad"),
    [
        (['A,"Åby\nbib\nliotek",folkbib,,,\n'], (2, "has 6 columns, not 4")),
        (['A,"Åby\nbibliotek",,\n'], (2, "has no type")),
        (['A,"Never closed,folkbib,\n', 'C,"Closed",folkbib,\n'], (2, "unexpected end of data")),
        (["A,Åby\u202ekeetoilbib,folkbib,\n"], (2, "holds a bidirectional control character")),
        (["A,Åby,folkbib,\u2066Gata\u2069\n"], (2, "holds a bidirectional control character")),
        (["A,\ufffdby,folkbib,\n"], (2, "holds a control character")),
        (["A,Å\x07by,folkbib,\n"], (2, "holds a control character")),
    ],
)
def test_a_bad_row_gets_one_report_and_costs_no_good_one(lines, bad):
    good, faults = rows(*lines, "B,Bro,folkbib,\n")
    assert good[-1] == "Bro"
    assert faults == [BadRow(*bad)]


def test_names_are_composed_and_without_invisible_marks():
    assert rows("A,\u200bA\u030aby\u00a0\u2003bib\u00adliotek\ufeff ,folkbib,\n") == (["Åby bibliotek"], [])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "lacks the column name"),
        (b"\n\n", "lacks the column name"),
        (b"sep=;\n", "lacks the column name"),
        (b"sep=:\nsigel:name:type\n", "lacks the column name"),
        (b"sep=,\nsigel;name;type\n", "lacks the column name"),
        (b"sigel;name\n", "lacks the column type"),
        (b"name;type\n", "lacks the column sigel"),
        (b"sigel;name;type;NAME\n", "has the column name twice"),
    ],
)
def test_a_file_without_the_headings_is_no_library_list(content, fault):
    with pytest.raises(NotALibraryList, match=fault):
        read_library_list(content)


def test_the_operator_reads_how_the_file_was_read(app, tmp_path):
    file = tmp_path / "list.csv"
    file.write_bytes(written(";", first="sep=;\r\n").encode("cp1252"))
    done = app.test_cli_runner().invoke(args=["libraries", "import", str(file)])
    assert "Read list.csv as Windows-1252 with semicolons." in done.output
    assert "2 added, 1 changed, 0 unchanged, 0 bad rows" in done.output
    file.write_bytes(written().replace("Bok,", "Ny,").encode() + "Dub,Märsta,folkbib,,\n".encode("cp1252"))
    done = app.test_cli_runner().invoke(args=["libraries", "import", str(file)])
    assert done.exit_code == 1
    assert "Error: list.csv: its encoding is in doubt" in done.output
    with app.app_context():
        assert [find_library_name(library_id=each) for each in ("2030", "Ny")] == [NAMES[1], None]
