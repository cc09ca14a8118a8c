"""Words for what is wrong with a file of patrons or with one of its rows. They never quote what stood there."""

from collections.abc import Callable, Mapping
from typing import Final

from app.rules.moving.columns import LABELS
from app.rules.people.fields import N_

WHY: Final[Mapping[str, str]] = {
    "encoding": N_("We cannot tell in which encoding the file is. Choose it, or save the file as CSV UTF-8."),
    "empty": N_("The file has no rows."),
    "too-large": N_("The file is larger than 32 MB. Split it into several."),
    "no-headings": N_("The first row must name the columns, such as Navn; Fødselsdato; E-post."),
    "too-many-columns": N_("The file has more than 100 columns. Is it the right file?"),
    "too-many-rows": N_("The file has more than 300,000 rows. Split it into several."),
    "unreadable": N_("More than 1,000 rows cannot be read. Is it the right file, and are its quotation marks closed?"),
    "twice": N_("Two columns are the same field. Choose one of them."),
    "lacking": N_("A column for the name and one for the birth date are needed."),
    "no-such-column": N_("A column that you named is not in the file, or is there twice. Give its number instead."),
    "pins": N_("PINs are never taken in. Choose another column."),
}
"""Why nothing can be made of a file."""

_OF_ROWS: Final[Mapping[str, str]] = {
    "not-valid": N_("the row has more or fewer columns than the headings, or its quotation marks are not closed"),
    "repeats": N_("the same person or card number as on line %(line)s"),
    "erased": N_("came from the file before, and was deleted since"),
    "consent-missing": N_("a guardian has to agree to the card"),
    "number-was-issued": N_("somebody has this card number"),
    "too-late": N_("nobody decided within seven days"),
}
_OF_FIELDS: Final[Mapping[str, str]] = {
    "missing": N_("%(field)s is missing"),
    "too-long": N_("%(field)s is too long"),
    "not-valid": N_("%(field)s is not valid"),
    "short-year": N_("%(field)s: the year needs four digits"),
    "synthetic": N_("%(field)s is that of a test person"),
    "consent": N_("%(field)s: a guardian has to agree to the card"),
    "issued": N_("%(field)s: somebody has this number"),
    "hidden": N_("%(field)s is hidden, and stays out of the register"),
}


def say_why(why: str, translate: Callable[..., str]) -> str:
    """Return why a row was refused, in words. `why` is as the report keeps it: `birth_date:missing row:repeats:12`.

    `translate` takes an English text of the catalogs, and values for what it names.
    """
    return "; ".join(_say(*part.split(":"), translate=translate) for part in why.split())


def _say(field: str, fault: str, line: str = "", *, translate: Callable[..., str]) -> str:
    if field == "row":
        return translate(_OF_ROWS.get(fault, _OF_ROWS["not-valid"])) % {"line": line}
    said = translate(_OF_FIELDS.get(fault, _OF_FIELDS["not-valid"]))
    return said % {"field": translate(LABELS.get(field, field))}
