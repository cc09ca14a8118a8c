import pytest

from tests.searching import stands_in


@pytest.mark.parametrize(
    "text", ["4719", "PIN 4719.", 'value="4719"', "/new-pin/4719", "pin=4719&x", "{'pin': '4719'}", "(4719,)", "4719\n"]
)
def test_a_word_by_itself_is_found(text) -> None:
    assert stands_in("4719", text)


@pytest.mark.parametrize(
    "text",
    ["c0471912", "+4719000", "0.4719 s", "4719.3", "IjA-4719_x", "aa.4719.bb", "-4719-", "a4719", "4718"],
)
def test_a_part_of_something_longer_is_not(text) -> None:
    assert not stands_in("4719", text)
