"""Expand first, contract one release later: what an older program still uses is there for as long as it may run.

A migration either adds, or takes away. One that adds must leave an older program able to write: a new column is
nullable or has a default of the database's own. One that takes away says `UNUSED_SINCE = "1.2.0"`, the release that no
longer used what goes, and that release has been made: it has a heading in CHANGELOG.md.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
MIGRATIONS = [
    path
    for folder in ("migrations", "circulation/migrations")
    for path in sorted((HOME / folder).glob("versions/*.py"))
]
RELEASES = set(
    re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (HOME / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
)
ADDS = {"create_table", "add_column", "create_index"}
# A rule more may refuse what an older program writes, and a column that is another may be read wrongly.
TAKES_AWAY = {
    "drop_table", "drop_column", "rename_table", "alter_column",
    "create_unique_constraint", "create_check_constraint", "create_foreign_key", "create_exclude_constraint",
    "create_primary_key",
}  # fmt: skip
LESS_STRICT = {"drop_constraint", "drop_index", "batch_alter_table", "get_bind", "get_context", "f", "inline_literal"}
SQL = re.compile(
    r"\b(DROP\s+(TABLE|COLUMN)|RENAME|SET\s+NOT\s+NULL|ALTER\s+COLUMN\s+\w+\s+TYPE|TRUNCATE)\b", re.IGNORECASE
)


def faults(source: str, releases: set[str] = RELEASES) -> list[str]:
    """Return what of a migration an older program could not live with."""
    tree = ast.parse(source)
    upgrade = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    calls = list(_operations(upgrade))
    adds = [name for name, _call in calls if name in ADDS]
    made = [ast.unparse(call.args[0]) for name, call in calls if name == "create_table"]
    takes_away = [name for name, call in calls if _is_stricter(name, call, made)]
    takes_away += [found[0] for text in _texts(upgrade) for found in SQL.finditer(text)]
    found = [f"{name} is not known here: is it safe?" for name, _call in calls if name not in _KNOWN]
    if adds and takes_away:
        found.append(f"adds ({adds[0]}) and takes away ({takes_away[0]}): two releases")
    for name, call in calls:
        if name == "add_column" and not _older_programs_may_write(call):
            found.append("a column is added that an older program cannot fill: nullable, or server_default")
    unused_since = next(
        (
            node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == "UNUSED_SINCE"
            and isinstance(node.value, ast.Constant)
        ),
        None,
    )
    if takes_away and unused_since not in releases:
        found.append(f"{takes_away[0]}: UNUSED_SINCE must name a release that did without it, not {unused_since}")
    return found


_KNOWN = ADDS | TAKES_AWAY | LESS_STRICT | {"execute", "bulk_insert"}


def _operations(node: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of `op` and of what batch_alter_table gives, by name."""
    batches = {
        item.optional_vars.id
        for each in ast.walk(node)
        if isinstance(each, ast.With)
        for item in each.items
        if isinstance(item.optional_vars, ast.Name)
    }
    for each in ast.walk(node):
        match each:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)) if owner == "op" or owner in batches:
                yield name, each


def _is_stricter(name: str, call: ast.Call, made: list[str]) -> bool:
    """Whether an operation takes something away, or lets an older program write less. A table just made is nobody's."""
    if any(ast.unparse(each) in made for each in call.args):
        return False
    unique = name == "create_index" and any(word.arg == "unique" for word in call.keywords)
    return unique or (name in TAKES_AWAY and not _only_relaxes(name, call))


def _only_relaxes(name: str, call: ast.Call) -> bool:
    """Whether a column is only made nullable or given a default."""
    given = {word.arg: ast.unparse(word.value) for word in call.keywords}
    changed = {key for key in given if key and not key.startswith("existing_")} - {"schema", "comment"}
    return (
        name == "alter_column" and changed <= {"nullable", "server_default"} and given.get("nullable", "True") == "True"
    )


def _older_programs_may_write(call: ast.Call) -> bool:
    column = next(
        (each for each in ast.walk(call) if isinstance(each, ast.Call) and "Column" in ast.unparse(each.func)), None
    )
    given = {word.arg: ast.unparse(word.value) for word in (column.keywords if column else [])}
    return given.get("nullable", "True") == "True" or "server_default" in given


def _texts(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: str(path.relative_to(HOME)))
def test_an_older_program_works_on_the_tables_of_this_migration(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "body",
    [
        'op.add_column("patrons", sa.Column("later", sa.Text()))',
        'op.add_column("patrons", sa.Column("later", sa.Integer(), nullable=False, server_default="0"))',
        'op.create_index("ix", "patrons", ["later"])',
        'op.alter_column("patrons", "name", nullable=True)',
        'with op.batch_alter_table("patrons") as patrons:\n        patrons.add_column(sa.Column("later", sa.Text()))',
        'op.execute("UPDATE patrons SET later = name")',
    ],
)
def test_an_expansion_is_let_through(body: str) -> None:
    assert faults(f"def upgrade():\n    {body}\n") == []


@pytest.mark.parametrize(
    "body",
    [
        'op.drop_column("patrons", "name")',
        'op.rename_table("patrons", "people")',
        'op.alter_column("patrons", "name", new_column_name="called")',
        'op.alter_column("patrons", "name", nullable=False)',
        'op.alter_column("patrons", "name", type_=sa.Integer())',
        'op.add_column("patrons", sa.Column("later", sa.Text(), nullable=False))',
        'op.create_check_constraint("ck", "patrons", "name <> \'\'")',
        'op.execute("ALTER TABLE patrons DROP COLUMN name")',
        'op.execute(sa.text("ALTER TABLE patrons RENAME name TO called"))',
        'with op.batch_alter_table("patrons") as patrons:\n        patrons.drop_column("name")',
        'op.create_index("uq", "patrons", ["name"], unique=True)',
        'op.something_new("patrons")',
    ],
)
def test_what_would_break_an_older_program_is_refused(body: str) -> None:
    assert faults(f"def upgrade():\n    {body}\n") != []


def test_a_contraction_names_a_release_that_has_been_made_and_adds_nothing() -> None:
    drop, add = 'op.drop_column("patrons", "name")', 'op.add_column("patrons", sa.Column("later", sa.Text()))'
    contraction = f'UNUSED_SINCE = "1.2.0"\ndef upgrade():\n    {drop}\n'
    assert faults(contraction, {"1.2.0"}) == []
    assert faults(contraction, {"1.1.0"}) != []
    assert faults(f"{contraction}    {add}\n", {"1.2.0"}) != []
