"""Everything that is stored about one patron, for that patron alone (GDPR art. 15 and 20).

OWN_TABLES lists each table with data about a patron, which rows are theirs, and the few columns that are not given
out; UNTRACEABLE lists the other tables. A new column is shown without any change here; a test finds a new table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, select

from app.register.keys.vault import vault
from app.register.messages.contact_changes import FORMER_COLUMN
from app.register.messages.outbox import SEALED_TO_COLUMN
from app.register.messages.push import SEALED_ADDRESS_COLUMN
from app.register.moving.taking import NUMBER_COLUMN as IMPORTED_NUMBER
from app.register.online.registrations import FORM_COLUMN
from app.register.patron.card_status import is_at_rest
from app.register.patron.changes import NUMBER_COLUMN
from app.register.patron.numbers import CARD_NUMBER
from app.register.store.transaction import db
from app.register.tables import patrons
from app.register.tables.columns import Base
from app.register.tables.devices import Credential, Device, Passkey, PresentedStep
from app.register.tables.library import Library, LibraryNotice, MachineAnswer
from app.register.tables.log import AccessLogEntry
from app.register.tables.messages import ContactChange, Message, OneTimeSecret
from app.register.tables.moving import ImportedPatron
from app.register.tables.reminders import CalendarAddress, PushMessage, PushSubscription, ReminderChoice

KEYED: Final = "keyed"
"""A hash, keyed token or sealed key: it is a secret that proves something."""
TERMINAL: Final = "terminal"
"""The session by which a desk or kiosk names the patron."""
OTHERS: Final = "others"
"""Data about somebody else."""

FOR_ONE_BROWSER: Final = "for-one-browser"
"""Encrypted for a browser of the patron's: the register cannot read it."""

NOT_TRACEABLE: Final = "not-traceable"
"""No column says whose row it is."""
NO_PATRON: Final = "no-patron"
"""Data about libraries, their staff and their systems."""

UNTRACEABLE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("access_log_chain", "access_log_removals", "erasures"), NOT_TRACEABLE),
    **dict.fromkeys(("attempt_counts", "pin_orders"), NOT_TRACEABLE),
    **dict.fromkeys(("patron_import_batches", "patron_import_lines"), NOT_TRACEABLE),
    **dict.fromkeys(("access_log_head", "access_log_roots", "act_counts", "journal_place"), NO_PATRON),
    **dict.fromkeys(("library_acts", "library_branches", "library_totals", "machine_refusals"), NO_PATRON),
    **dict.fromkeys(("opening_exceptions", "opening_weeks", "branch_exceptions", "branch_weeks"), NO_PATRON),
    **dict.fromkeys(("staff_links", "staff_passkeys"), NO_PATRON),
    **dict.fromkeys(
        (
            "key_proofs",
            "last_runs",
            "libraries",
            "library_queues",
            "machines",
            "number_series",
            "patron_imports",
            "staff",
        ),
        NO_PATRON,
    ),
}
"""The tables without a column that leads to a patron, and why."""

LIBRARY_COLUMNS: Final = frozenset(
    key.parent.name
    for table in Base.metadata.tables.values()
    for key in table.foreign_keys
    if key.target_fullname == "libraries.id"
)
"""The names of the columns that refer to a library."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Own:
    """Where a patron's rows of a table are: by default, those whose `patron_id` is the patron's.

    `withheld` says why a column is not given out; `sealed` names the columns that are opened, with their seal;
    `name_of` is the column of another patron whose name the patron knows already.
    """

    table: type[Base]
    by: Callable[[patrons.Patron], ColumnElement[bool]] | None = None
    withheld: Mapping[str, str] = field(default_factory=dict)
    sealed: Mapping[str, str] = field(default_factory=dict)
    name_of: str | None = None

    def rows(self, patron: patrons.Patron) -> ColumnElement[bool]:
        """Return the condition for the patron's rows."""
        return self.by(patron) if self.by is not None else self.table.__table__.columns["patron_id"] == patron.id


def _by_own_credentials(patron: patrons.Patron) -> ColumnElement[bool]:
    return PresentedStep.credential_id.in_(select(Credential.id).where(Credential.patron_id == patron.id))


def _by_own_number(patron: patrons.Patron) -> ColumnElement[bool]:
    return patrons.IssuedNumber.token.in_(vault.tokens(purpose=CARD_NUMBER, text=patron.card_number).values())


def _by_own_subscriptions(patron: patrons.Patron) -> ColumnElement[bool]:
    own = select(PushSubscription.id).where(PushSubscription.patron_id == patron.id)
    return PushMessage.subscription_id.in_(own)


OWN_TABLES: Final[Mapping[str, Own]] = {
    "patrons": Own(patrons.Patron, lambda patron: patrons.Patron.id == patron.id),
    "contact_changes": Own(ContactChange, sealed={"sealed_former": FORMER_COLUMN}),
    "affiliations": Own(patrons.Affiliation),
    "national_id_tokens": Own(patrons.NationalIdToken, withheld={"token": KEYED}),
    "issued_numbers": Own(patrons.IssuedNumber, _by_own_number, withheld={"token": KEYED}),
    "pin_verifiers": Own(patrons.PinVerifier, withheld={"verifier": KEYED}),
    "one_time_secrets": Own(OneTimeSecret, withheld={"token": KEYED}),
    "devices": Own(Device, withheld={"token_hash": KEYED}),
    "passkeys": Own(Passkey),
    "sessions": Own(patrons.Session, withheld={"token_hash": KEYED}),
    "credentials": Own(Credential, withheld={"sealed_key": KEYED}),
    "presented_steps": Own(PresentedStep, _by_own_credentials, withheld={"session": TERMINAL}),
    "registrations": Own(
        patrons.Registration,
        withheld=dict.fromkeys(("own_token", "child_token", "guardian_token", "handle_hash", "code_token"), KEYED),
        sealed={"sealed_form": FORM_COLUMN},
    ),
    "desk_visits": Own(patrons.DeskVisit, withheld={"session": TERMINAL}),
    # The guardian's id would show whether anybody has the number that was entered.
    "permissions_given": Own(patrons.FamilyPermission, withheld={"guardian_id": OTHERS}),
    "permissions_received": Own(
        patrons.FamilyPermission,
        lambda patron: patrons.FamilyPermission.guardian_id == patron.id,
        withheld={"patron_id": OTHERS},
        name_of="patron_id",
    ),
    "messages": Own(
        Message,
        withheld={"about_patron_id": OTHERS},
        sealed={"sealed_to": SEALED_TO_COLUMN},
        name_of="about_patron_id",
    ),
    "messages_about_you": Own(
        Message,
        lambda patron: Message.about_patron_id == patron.id,
        withheld=dict.fromkeys(("patron_id", "queue", "channel", "sealed_to"), OTHERS),
    ),
    "reminder_choices": Own(ReminderChoice),
    "push_subscriptions": Own(
        PushSubscription, withheld={"address_hash": KEYED}, sealed={"sealed_address": SEALED_ADDRESS_COLUMN}
    ),
    "push_messages": Own(PushMessage, _by_own_subscriptions, withheld={"body": FOR_ONE_BROWSER}),
    "calendar_addresses": Own(CalendarAddress, withheld={"token_hash": KEYED}),
    "imported": Own(ImportedPatron, withheld={"token": KEYED}, sealed={"sealed_number": IMPORTED_NUMBER}),
    # The answer repeats what is in the other tables.
    "machine_answers": Own(MachineAnswer, withheld=dict.fromkeys(("key_hash", "request_hash", "sealed_answer"), KEYED)),
    "library_notices": Own(LibraryNotice, sealed={"sealed_number": NUMBER_COLUMN}),
    # The library knows which of its staff it was, and answers for them; a guardian has the patron's own permission.
    "access_log": Own(AccessLogEntry, withheld={"actor": OTHERS, "proof": KEYED}),
}


def read_own_data(*, patron_id: int, without: tuple[str, ...] = ()) -> dict[str, list[Row]]:
    """Return every row about a patron by name in OWN_TABLES, oldest first, but for the tables `without`.

    Values are as stored (instants aware UTC); withheld columns are left out, and sealed ones are opened.
    """
    patron = db.session.get_one(patrons.Patron, patron_id)
    return {name: _read(own, patron) for name, own in OWN_TABLES.items() if name not in without}


def _read(own: Own, patron: patrons.Patron) -> list[Row]:
    table = own.table.__table__
    shown = [column for column in table.columns if column.name not in own.withheld]
    query = select(*shown).where(own.rows(patron)).order_by(*(column for column in table.columns if column.primary_key))
    if own.name_of is not None:
        # Not the name of somebody whose card is frozen.
        name = select(patrons.Patron.name).where(patrons.Patron.id == table.columns[own.name_of], ~is_at_rest())
        query = query.add_columns(name.scalar_subquery().label("name"))
    rows = [dict(row._mapping) for row in db.session.execute(query)]
    for row in rows:
        for column, seal in own.sealed.items():
            if row[column] is not None:
                row[column] = vault.open(row[column], column=seal).decode()
    return rows


def name_libraries(data: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """Return the names, by id, of the libraries that somebody's data refers to."""
    ids = {row[column] for rows in data.values() for row in rows for column in LIBRARY_COLUMNS if row.get(column)}
    rows = db.session.execute(select(Library.id, Library.name).where(Library.id.in_(ids)))
    return {row.id: row.name for row in rows}
