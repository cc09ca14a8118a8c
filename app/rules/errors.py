"""The base of all errors that a rule raises. Each class stands beside the function that raises it."""

import re


class RuleBroken(Exception):
    """The rules refuse what a person or a system asked for. Neither the code nor the message holds personal data.

    `code` is for programs and stays stable: the class's name in small letters with hyphens (`no-such-patron`), unless
    the class sets another. The doors make a page or problem+json of it.
    """

    code = "rule-broken"

    def __init_subclass__(cls) -> None:
        """Derive the code of a direct subclass from its name."""
        if RuleBroken in cls.__bases__ and "code" not in vars(cls):
            cls.code = re.sub("(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
