"""Search a text for a few digits or letters, where the text also holds ids, tokens, hashes and figures of chance."""

import re


def stands_in(word: str, text: str) -> bool:
    """Tell whether a word stands in a text by itself, and not as part of a longer word or number.

    As a mere part, four digits are found by chance in one of a few thousand ids of 32 hexadecimal digits. By itself
    no part of one ever stands: every neighbour is a letter or digit, in base64 for addresses also - and _, and a
    signed token's parts are joined by dots.
    """
    return re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-]|\.\w)", text) is not None
