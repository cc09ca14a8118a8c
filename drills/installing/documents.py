"""The commands that stand in the documents: fenced blocks of `sh`, and those named within a sentence."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).parents[2]
_BLOCK = re.compile(r"^(?P<indent> *)```(?P<kind>\S*)[^\n]*\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:\./manage|(?:\S*/)?(?:flask|lanekort|gunicorn|python3?)) [^`\n]+)`")
_HERE = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")
_SUBSTITUTED = re.compile(r"\$\(([^()]*)\)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=.*", re.DOTALL)
_TOKEN = re.compile(
    r"""(?P<blank>(?:[ \t]|\\\n)+)
      | (?P<comment>(?<![^\s;&|()])\#[^\n]*)
      | (?P<redirect>\d*(?:>>|>|<<<|<)(?:&\d|[ \t]*[^\s;&|()<>]+)?|\d*<<-?[^\s;&|()<>]*|\d*[<>]&\d)
      | (?P<end>\n|;|&&|\|\||\||&|\(|\))
      | (?P<word>(?:'[^']*'|"(?:\\.|[^"\\])*"|\$\((?:[^()]|\([^()]*\))*\)|\$\{[^}]*\}|\\.|[^\s;&|()<>'"\\])+)""",
    re.VERBOSE | re.DOTALL,
)
# Words of the shell that stand before a command, and such whose line is none.
_BEFORE = {"!", "do", "elif", "else", "if", "then", "until", "while", "exec", "time", "{"}
_NO_COMMAND = {"done", "esac", "fi", "for", "case", "in", "}", ":"}


class NotUnderstood(Exception):
    """A block holds what this small reading of the shell does not know. The text names the place."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the line where it begins, the language it names (empty if none), its lines without indent."""

    line: int
    kind: str
    text: str


def documents() -> list[Path]:
    """Return every document that tells somebody to run something: those at the top, and those under docs/."""
    here = [HOME / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [*here, *sorted((HOME / "docs").glob("*.md")), *sorted((HOME / "docs" / "adr").glob("*.md"))]


def blocks(text: str, *, kind: str | None = "sh") -> Iterator[Block]:
    """Return the fenced blocks of a document's text, those of one language or (None) all."""
    for found in _BLOCK.finditer(text):
        if kind in (None, found["kind"]):
            lines = (line.removeprefix(found["indent"]) for line in found["text"].splitlines(keepends=True))
            yield Block(text.count("\n", 0, found.start()) + 1, found["kind"], "".join(lines))


def inline(text: str) -> Iterator[list[str]]:
    """Return the commands that a text names within its sentences; `a|b` in one stands for two commands."""
    for found in _INLINE.finditer(_BLOCK.sub("", text)):
        alternatives: list[list[str]] = [[]]
        for word in found[1].split():
            alternatives = [[*before, one] for before in alternatives for one in word.strip("[]").split("|")]
        yield from alternatives


def commands(script: str) -> Iterator[list[str]]:
    """Return the words of each simple command of a script, also those within `$(…)`, without redirections.

    What only sets variables is left out, as are the lines of here-documents. Raises NotUnderstood.
    """
    words: list[str] = []
    text, place = _without_here_documents(script) + "\n", 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise NotUnderstood(text[place : place + 60])
        place = found.end()
        if found["word"] is not None:
            for inner in _SUBSTITUTED.findall("" if found["word"].startswith("'") else found["word"]):
                yield from commands(inner)
            words.append(found["word"])
        elif found["end"] is not None:
            command = _command(words)
            if command:
                yield command
            words = []


def _command(words: list[str]) -> list[str]:
    while words and (words[0] in _BEFORE or _ASSIGNMENT.fullmatch(words[0])):
        words = words[1:]
    if not words or words[0] in _NO_COMMAND or words[0].endswith("()"):
        return []
    return [_plain(word) for word in words]


def _plain(word: str) -> str:
    try:
        return "".join(shlex.split(word))
    except ValueError:
        return word


def _without_here_documents(script: str) -> str:
    kept: list[str] = []
    ends = ""
    for line in script.splitlines():
        if ends:
            ends = "" if line.strip() == ends else ends
            continue
        kept.append(line)
        found = _HERE.search(line)
        ends = found[2] if found else ""
    return "\n".join(kept)
