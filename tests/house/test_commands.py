"""Every command that stands in a document exists, with its options; and each document's commands are run somewhere."""

import pytest

from drills.installing.commands import fault
from drills.installing.documents import HOME, blocks, commands, documents, inline

# What runs the commands of a document's blocks. A document that is not here has none.
RUN_BY = {
    "README.md": "tests/house/test_newcomers.py",
    "CONTRIBUTING.md": ".ci/run",
    "docs/backups.md": "drills/restore.py",
    "docs/kiosks.md": "drills/install.py",
    "docs/libraries.md": "tests/doors/test_document_lines.py",
    "docs/operations.md": "drills/install.py",
    "docs/scale.md": "bench/__main__.py",
    "docs/several-machines.md": "drills/failover.py",
    "docs/wallets.md": "tests/doors/test_document_lines.py",
    "docs/alarms.md": "drills/metrics.py",
}
# What reads like a command and is none, with the reason.
NO_COMMANDS = {"lanekort card key 1": "a label that goes into a digest"}
DOCUMENTS = {str(path.relative_to(HOME)): path.read_text(encoding="utf-8") for path in documents()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_in_a_document_exists_with_its_options(name: str) -> None:
    faults = [
        f"{name}:{block.line}: {' '.join(command)}: {wrong}"
        for block in blocks(DOCUMENTS[name])
        for command in commands(block.text)
        if (wrong := fault(command)) is not None
    ]
    assert faults == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_within_a_sentence_exists(name: str) -> None:
    faults = [
        f"{' '.join(command)}: {wrong}"
        for command in inline(DOCUMENTS[name])
        if " ".join(command) not in NO_COMMANDS and (wrong := fault(command, whole=False)) is not None
    ]
    assert faults == []


def test_what_documents_say_is_run_by_something_that_is_there() -> None:
    with_commands = {
        name for name, text in DOCUMENTS.items() if any(any(commands(block.text)) for block in blocks(text))
    }
    assert with_commands <= set(RUN_BY)
    assert {RUN_BY[name] for name in with_commands if not (HOME / RUN_BY[name]).exists()} == set()


@pytest.mark.parametrize(
    "command",
    [
        "./manage fly",
        "./manage bench everything",
        "./manage run --loud",
        "flask machines connect 2023500 kiosk1 --type kiosk",
        "flask machines connect 2023500",
        "lanekort staff hire 2023500 kari",
        "flask --app wsgi db upgrades",
        "gunicorn --worker 2 wsgi:app",
        "python -m circulation dayly",
        "lanekort circulation dayly",
        "a-program-that-nobody-has",
    ],
)
def test_a_command_that_does_not_exist_is_found(command: str) -> None:
    [words] = commands(command)
    assert fault(words) is not None


def test_a_block_is_read_as_a_shell_reads_it() -> None:
    script = """
# a comment; with a command in it
A=1 B="$(openssl rand -hex 32)"   # a comment
cat >/etc/file <<END
flask fly
END
runuser -u lanekort -- flask --app wsgi \\
    staff employ 2023500 kari "Kari Nordmann" && echo 'a; b' | tee x >/dev/null 2>&1
"""
    assert list(commands(script)) == [
        ["openssl", "rand", "-hex", "32"],
        ["cat"],
        [
            "runuser",
            "-u",
            "lanekort",
            "--",
            "flask",
            "--app",
            "wsgi",
            "staff",
            "employ",
            "2023500",
            "kari",
            "Kari Nordmann",
        ],
        ["echo", "a; b"],
        ["tee", "x"],
    ]
