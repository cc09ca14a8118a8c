"""Tables about patrons: who they are, their PINs, libraries, sessions, permissions and registrations."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from app.register.tables.columns import NEW_IDS, Base, BigId, Instant


class Patron(Base):
    """A person with a card, and all that the register keeps of them. While `address_hidden` no address is stored.

    `local_to` names the only library that takes the card of somebody who opted out of the national one. `stated_at` is
    when somebody typed online who this is, which no desk has seen papers of since. `version` grows with every change,
    and is the order in which libraries apply them. `death_reported_by` names the library that may take its report back.
    Links and codes go to the `proven_` addresses alone (docs/adr/0011).
    """

    __tablename__ = "patrons"
    __table_args__ = (
        CheckConstraint("card_state IN ('active', 'lost')", name="card_state"),
        CheckConstraint("gender IN ('female', 'male', 'unknown')", name="gender"),
        CheckConstraint("preferred_contact IN ('email', 'sms', 'letter')", name="preferred_contact"),
        CheckConstraint("erase_reason IN ('death', 'inactive')", name="erase_reason"),
        NEW_IDS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    card_number: Mapped[str] = mapped_column(String(10), unique=True)
    card_state: Mapped[str] = mapped_column(String(10), default="active")
    name: Mapped[str] = mapped_column(String(120))
    birth_date: Mapped[date] = mapped_column(index=True)
    gender: Mapped[str] = mapped_column(String(10), default="unknown")
    address: Mapped[str | None] = mapped_column(String(200))
    postcode: Mapped[str | None] = mapped_column(String(12), index=True)
    place: Mapped[str | None] = mapped_column(String(80))
    address_hidden: Mapped[bool] = mapped_column(default=False, server_default=false())
    phone: Mapped[str | None] = mapped_column(String(20), index=True)
    email: Mapped[str | None] = mapped_column(String(254), index=True)
    preferred_contact: Mapped[str] = mapped_column(String(10), default="email")
    proven_email: Mapped[str | None] = mapped_column(String(254))
    proven_phone: Mapped[str | None] = mapped_column(String(20))
    proven_address: Mapped[str | None] = mapped_column(String(300))
    awaits_first_link: Mapped[bool] = mapped_column(default=False, server_default=false())
    language: Mapped[str] = mapped_column(String(2), default="nb")
    home_library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    local_to: Mapped[str | None] = mapped_column(ForeignKey("libraries.id"))
    guardian_consent_at: Mapped[Instant | None]
    consent_ends_on: Mapped[date | None]
    rules_accepted_at: Mapped[Instant | None]
    registered_at: Mapped[Instant]
    last_used_on: Mapped[date]
    frozen_at: Mapped[Instant | None]
    erase_at: Mapped[Instant | None] = mapped_column(index=True)
    erase_reason: Mapped[str | None] = mapped_column(String(10))
    death_reported_by: Mapped[str | None] = mapped_column(String(20))
    stated_at: Mapped[Instant | None]
    version: Mapped[int] = mapped_column(default=1)


class NationalIdToken(Base):
    """A keyed token of a national id. The number cannot be had from it; a person may have had several numbers.

    `stated`: a guardian typed it online, and no desk has seen papers. It is deleted when its owner signs in with it.
    """

    __tablename__ = "national_id_tokens"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    key_id: Mapped[int]
    stated: Mapped[bool] = mapped_column(default=False, server_default=false())


class PinVerifier(Base):
    """What a PIN is checked against: Argon2id over a keyed hash."""

    __tablename__ = "pin_verifiers"

    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), primary_key=True)
    verifier: Mapped[str] = mapped_column(String(200))
    key_id: Mapped[int]
    set_at: Mapped[Instant]


class Affiliation(Base):
    """A library where the patron has activated the card and accepted its rules.

    `last_used_month` is the first day of the month, in Norway, in which the card was last used there; None: not known.
    """

    __tablename__ = "affiliations"

    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"), primary_key=True, index=True)
    activated_at: Mapped[Instant]
    last_used_month: Mapped[date | None]


class Session(Base):
    """A sign-in that the server can end: a patron's on a device, or a staff member's at a desk."""

    __tablename__ = "sessions"
    __table_args__ = (CheckConstraint("(patron_id IS NULL) <> (staff_id IS NULL)", name="one_person"), NEW_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    patron_id: Mapped[int | None] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    device_id: Mapped[int | None] = mapped_column(ForeignKey("devices.id", ondelete="CASCADE"), index=True)
    started_at: Mapped[Instant]
    expires_at: Mapped[Instant] = mapped_column(index=True)
    idle_seconds: Mapped[int]
    secret_entered_at: Mapped[Instant]
    code_entered_at: Mapped[Instant | None]
    identified_at: Mapped[Instant | None]


class IssuedNumber(Base):
    """A card number that was issued once, as a keyed token, so that it is never issued again.

    With `gone_at` it is the tombstone of somebody who was erased: it names nobody, and refuses late updates.
    """

    __tablename__ = "issued_numbers"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_id: Mapped[int]
    gone_at: Mapped[Instant | None]


class FamilyPermission(Base):
    """A patron lets the holder of a card see their loans; it counts while that guardian has switched it on.

    With `may_carry_card` the guardian's phone shows the patron's card too, for as long. What was given before its
    giver is an adult ends on `ends_on`, of which both were told, unless it is renewed.
    """

    __tablename__ = "family_permissions"
    __table_args__ = (UniqueConstraint("patron_id", "guardian_card_number"), NEW_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"))
    guardian_card_number: Mapped[str] = mapped_column(String(10), index=True)
    guardian_id: Mapped[int | None] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    given_at: Mapped[Instant]
    switched_on_at: Mapped[Instant | None]
    may_carry_card: Mapped[bool] = mapped_column(default=False)
    advised_at: Mapped[Instant | None]
    ends_on: Mapped[date | None] = mapped_column(index=True)
    renewed_at: Mapped[Instant | None]


class Registration(Base):
    """The unfinished registration of a person who used the national sign-in. Deleted within a day.

    `own_token` is the keyed token of that person's number, `child_token` of the child's, `guardian_token` of that of
    the guardian who agreed. The form is sealed. `handle_hash` is of the token in the one browser that continues it.
    """

    __tablename__ = "registrations"
    __table_args__ = (
        UniqueConstraint("own_token", "kind"),
        CheckConstraint("kind IN ('own', 'child')", name="kind"),
        NEW_IDS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(5))
    own_token: Mapped[str] = mapped_column(String(64))
    child_token: Mapped[str | None] = mapped_column(String(64))
    guardian_token: Mapped[str | None] = mapped_column(String(64))
    key_id: Mapped[int]
    handle_hash: Mapped[str] = mapped_column(String(64), unique=True)
    sealed_form: Mapped[bytes]
    code_token: Mapped[str | None] = mapped_column(String(64))
    code_until: Mapped[Instant | None]
    code_due_at: Mapped[Instant | None] = mapped_column(index=True)
    patron_id: Mapped[int | None] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    done_at: Mapped[Instant | None]
    expires_at: Mapped[Instant] = mapped_column(index=True)


class DeskVisit(Base):
    """A visit to a desk of a patron without a code, identified by a plastic card or photo id."""

    __tablename__ = "desk_visits"

    session: Mapped[str] = mapped_column(String(43), primary_key=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    library_id: Mapped[str] = mapped_column(String(20))
    terminal: Mapped[str] = mapped_column(String(80))
    opened_at: Mapped[Instant]
    expires_at: Mapped[Instant]


class AttemptCount(Base):
    """How many tries a budget has left. `subject` is a keyed hash: no card number and no address is in here."""

    __tablename__ = "attempt_counts"

    purpose: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[Instant] = mapped_column(index=True)
    taken: Mapped[int]
