"""A text in every dress in which it may lie in a file, and a search for it in whatever a process leaves on the disk."""

import base64
import json
import quopri
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, quote_plus

_BLOCK = 4096
_SHORTEST = 6


def forms_of(text: str) -> set[str]:
    """Return a text in upper and lower case, its accents composed and apart (Unicode NFC and NFD)."""
    return {unicodedata.normalize(form, case) for form in ("NFC", "NFD") for case in (text, text.upper(), text.lower())}


def disguises_of(text: str) -> set[bytes]:
    """Return the bytes to look for: UTF-8, UTF-16 and Latin-1, and each as base64 and hexadecimal; escaped for
    addresses, mail and JSON."""
    found: set[bytes] = set()
    for form in forms_of(text):
        codings = [form.encode("utf-8"), form.encode("utf-16-le"), form.encode("utf-16-be")]
        for raw in codings:
            found |= {raw, raw.hex().encode(), raw.hex().upper().encode(), *_in_base64(raw)}
        with suppress(UnicodeEncodeError):
            found.add(form.encode("latin-1"))
        for escaped in (quote(form, safe=""), quote_plus(form)):
            found |= {escaped.encode(), escaped.lower().encode()}
        found |= {quopri.encodestring(codings[0]).replace(b"=\n", b""), json.dumps(form)[1:-1].encode()}
    assert min(map(len, found)) >= _SHORTEST, text
    return found


def _in_base64(raw: bytes) -> Iterator[bytes]:
    # What it looks like depends on where it begins, and its outermost letters on its neighbours.
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + raw)
        whole = encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        yield whole
        yield whole.translate(bytes.maketrans(b"+/", b"-_"))


def read_files(folders: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield every file under the folders by its name, without the blocks that are nothing but noughts.

    Of files with the same content there is the first alone: the catalogs of PostgreSQL's databases are much alike.
    """
    seen: set[bytes] = set()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                content = _without_noughts(path.read_bytes())
                digest = sha256(content).digest()
                if digest not in seen:
                    seen.add(digest)
                    yield str(path.relative_to(folder)), content


def _without_noughts(content: bytes) -> bytes:
    nothing = bytes(_BLOCK)
    blocks = (content[at : at + _BLOCK] for at in range(0, len(content), _BLOCK))
    return b"".join(block for block in blocks if block != nothing[: len(block)])


def search(contents: Iterable[tuple[str, bytes]], wanted: Mapping[str, set[bytes]]) -> dict[str, set[str]]:
    """Return for each thing wanted the places in which it is found in any of its disguises."""
    found: dict[str, set[str]] = {}
    for place, content in contents:
        for name, disguises in wanted.items():
            if any(disguise in content for disguise in disguises):
                found.setdefault(name, set()).add(place)
    return found
