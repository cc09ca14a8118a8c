"""The one family of errors that a rule may raise. Each class stands beside the function that raises it."""


class RuleBroken(Exception):
    """Something a person or a system asked for that the rules refuse.

    `code` is stable and machine-readable. It never holds personal data; neither does the message.
    The doors turn it into a page with a sentence and a way on, or into problem+json.
    """

    code = "rule-broken"
