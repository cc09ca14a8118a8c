"""The inspection finds what it looks for; otherwise passing it would mean nothing."""

import pytest
from apiflask import APIFlask

from tests.doors.inspection import find_faults

GOOD = (
    '<!DOCTYPE html><html lang="nb"><head><title>Logg inn – Lånekort</title></head><body><main><h1>Logg inn</h1>'
    '<form method="post" action="/login"><input type="hidden" name="csrf_token" value="x"><label for="pin">PIN</label>'
    '<input id="pin" name="pin" aria-describedby="hint"><p id="hint">Fire siffer</p>'
    '<button><img src="/static/favicon.svg" alt="Inn"></button></form><a href="/my">Min side</a></main></body></html>'
)


def test_a_sound_page_has_no_faults(app: APIFlask) -> None:
    assert find_faults(app, GOOD) == []


@pytest.mark.parametrize(
    ("sound", "unsound", "fault"),
    [
        ("<!DOCTYPE html>", "", "does not parse"),
        ("</button></form>", "</form></button>", "does not parse"),
        ("<h1>Logg inn</h1>", "<h1>Logg inn</h1><h1>Hei</h1>", "has 2 h1"),
        ("<h1>Logg inn</h1>", "", "has 0 h1"),
        ("Logg inn – Lånekort", " – Lånekort", "has no title of its own"),
        (' lang="nb"', "", "names no language"),
        ("<main>", "<main></main><main>", "has not one main"),
        ('<label for="pin">', "<label>", "has a field without a label"),
        (' alt="Inn"', "", "has a picture without alt"),
        (' alt="Inn"', ' alt=""', "has a control without a name"),
        (">Min side<", "><", "has a control without a name"),
        ('<p id="hint">', '<p id="pin">', "has the id pin twice"),
        ('aria-describedby="hint"', 'aria-describedby="other"', "aria-describedby points at no other"),
        ('href="/my"', 'href="#there"', "links to no #there"),
        ("<h1>", "<script>1</script><h1>", "has a script in the page"),
        ("<h1>", "<style>p{}</style><h1>", "has a style in the page"),
        ("<h1>", '<h1 style="color:red">', "has style on h1"),
        ("<h1>", '<h1 onclick="1">', "has onclick on h1"),
        ('method="post"', "", "has a form that does not post"),
        (' value="x"', "", "has a form without a CSRF token"),
        ("<main>", '<main class="ds-table">', "has ds-table and does not link its styles"),
        ('href="/my"', 'href="/min"', "leads nowhere: /min"),
        ("/static/favicon.svg", "/static/favicon.png", "leads nowhere: /static/favicon.png"),
    ],
)
def test_an_unsound_page_has_its_fault_named(app: APIFlask, sound: str, unsound: str, fault: str) -> None:
    assert sound in GOOD
    assert any(each.startswith(fault) for each in find_faults(app, GOOD.replace(sound, unsound, 1)))
