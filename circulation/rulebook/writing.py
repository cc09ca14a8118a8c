"""Write rules as a policy file, from the same tables and keys as a JSON document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def write_toml(document: Mapping[str, object]) -> str:
    """The document as TOML, which reads as the same document. ValueError for what TOML has no value for."""
    return "\n".join(_table(document, ())) + "\n"


def _table(table: Mapping[str, object], path: tuple[str, ...]) -> Iterator[str]:
    # Only two levels have headings: a table in a category stands in one line.
    below = {key: value for key, value in table.items() if len(path) < 2 and _is_table(value)}
    yield from (f"{_key(key)} = {_value(value)}" for key, value in table.items() if key not in below)
    for key, value in below.items():
        heading = ".".join(map(_key, (*path, key)))
        if isinstance(value, dict):
            yield f"\n[{heading}]"
            yield from _table(value, (*path, key))
        elif isinstance(value, list):
            for one in value:
                yield f"\n[[{heading}]]"
                yield from (f"{_key(key)} = {_value(each)}" for key, each in one.items())


def _is_table(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, dict) for one in value)
    return isinstance(value, dict)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _text(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{ {', '.join(f'{_key(key)} = {_value(one)}' for key, one in value.items())} }}" if value else "{}"
    raise ValueError("TOML has no such value")


def _text(text: str) -> str:
    text.encode()  # half surrogates are no text: UnicodeEncodeError is a ValueError
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
