"""What our circulation answers where it does not do what it was asked (problem+json, RFC 9457)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.ils.json_call import Reply
from app.ils.port import Block, Refused, Unavailable
from app.ils.reading import Code, MaybeText

# These say that the gate is set up wrongly, not that the library refuses an act.
_MISDIRECTED: Final = frozenset({"unknown_library"})
_UNKNOWN_CALL: Final = "unknown_path"


class UnknownCall(Unavailable):
    """The building is older than this call, or the address is wrong."""


class BadRules(Refused):
    """Rules that cannot be used: `fault` is an English sentence about the value at `key`, such as
    `categories.dvd.loan_days` (places in a list from 1), in this line of the file; the key may be empty. `others` is
    what else is wrong."""

    def __init__(self, *, key: str, line: int, fault: str, others: Sequence["BadRules"] = ()) -> None:
        super().__init__("bad_rules")
        self.key, self.line, self.fault, self.others = key, line, fault, tuple(others)


@dataclass(frozen=True, slots=True)
class _Fault:
    key: MaybeText = ""
    line: int = 0
    fault: MaybeText = ""

    def as_error(self, others: "Sequence[_Fault]" = ()) -> BadRules:
        more = [other.as_error() for other in others]
        return BadRules(key=self.key, line=self.line, fault=self.fault, others=more)


@dataclass(frozen=True, slots=True)
class _Problem(_Fault):
    code: Code = ""
    blocks: tuple[Block, ...] | None = None
    others: tuple[_Fault, ...] = ()


def problem_of(reply: Reply) -> Refused | Unavailable:
    """Return the error for an answer that is no success."""
    if reply.status in (401, 503):
        return Unavailable("not_admitted" if reply.status == 401 else "busy")
    if reply.status not in (403, 404, 409, 412, 422) or reply.media_type != "application/problem+json":
        return Unavailable("bad_answer")
    problem = reply.read(_Problem)
    if problem.code == _UNKNOWN_CALL:
        return UnknownCall("bad_answer")
    if problem.code in _MISDIRECTED:
        return Unavailable("bad_answer")
    if problem.code == "bad_rules":
        return problem.as_error(problem.others)
    return Refused(problem.code, blocks=problem.blocks or ())
