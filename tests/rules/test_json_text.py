import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.json_text import DEEPEST, NestsTooDeep, parse_json

LIST, OBJECT = ("[", "]"), ('{"a": ', "}")


def nested(levels: int, *pairs: tuple[str, str]) -> str:
    opened = [pairs[level % len(pairs)] for level in range(levels)]
    return "".join(begin for begin, _end in opened) + "1" + "".join(end for _begin, end in reversed(opened))


@pytest.mark.parametrize("pairs", [[LIST], [OBJECT], [LIST, OBJECT]], ids=["lists", "objects", "both"])
def test_sixty_four_levels_are_read_and_one_more_is_not(pairs) -> None:
    allowed = nested(DEEPEST, *pairs)
    assert parse_json(allowed) == parse_json(allowed.encode()) == json.loads(allowed)
    for levels in (DEEPEST + 1, 900, 9_000, 30_000):
        with pytest.raises(NestsTooDeep):
            parse_json(nested(levels, *pairs))


def test_what_stands_beside_one_another_is_not_deep() -> None:
    assert len(parse_json("[" + ", ".join(["[[]]"] * 500) + "]")) == 500


@pytest.mark.parametrize("text", ["[" * 500, '"' + "[" * 500, "\\" + '"[{' * 500, "]{" * 500])
def test_brackets_in_a_string_do_not_count(text) -> None:
    assert parse_json(json.dumps([text, {text: text}])) == [text, {text: text}]


@pytest.mark.parametrize("text", ["[" * 10, '["' + "[" * 500, '["\\' + "[" * 500, "]" * 500 + "[" * 400, "\x00" * 5])
def test_what_is_no_json_is_refused_as_such(text) -> None:
    with pytest.raises(json.JSONDecodeError):
        parse_json(text)


def test_other_encodings_than_utf_8_are_refused() -> None:
    assert parse_json("\ufeff[]".encode()) == []
    for encoding in ("utf-16", "utf-16-le", "utf-32-be"):
        with pytest.raises((json.JSONDecodeError, UnicodeDecodeError)):
            parse_json('["∀"]'.encode(encoding))


def depth_of(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@given(
    st.recursive(
        st.text(alphabet='[]{}"\\a'),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[]{}"\\a'), inner, max_size=3),
        max_leaves=30,
    ),
    st.integers(50, 64),
)
def test_the_depth_that_counts_is_the_value_s_own(value: object, around: int) -> None:
    text = "[" * around + json.dumps(value) + "]" * around
    if around + depth_of(value) <= DEEPEST:
        assert parse_json(text) == json.loads(text)
    else:
        with pytest.raises(NestsTooDeep):
            parse_json(text)
