"""What is stored of the library's rules: nothing about patrons."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from circulation.tables import Base, UtcInstant


class PolicyVersion(Base):
    """The library's rules as they hold from a day, as the text of a policy file. Nothing of it is changed later.

    Number 1 is what the library's file said, and holds for all days before the next: it has no day and nobody's name.
    """

    __tablename__ = "policy_versions"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    toml: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[date | None]
    published_by: Mapped[str | None] = mapped_column(String(64))
    published_at: Mapped[datetime | None] = mapped_column(UtcInstant)
    note: Mapped[str] = mapped_column(String(300))
    withdrawn_by: Mapped[str | None] = mapped_column(String(64))
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcInstant)


class PolicyDraft(Base):
    """One row: rules that somebody is writing, if there are any. `revision` counts every change of draft or versions,
    so that who has not seen the last one changes nothing."""

    __tablename__ = "policy_drafts"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    revision: Mapped[int]
    toml: Mapped[str | None] = mapped_column(Text)
    saved_by: Mapped[str | None] = mapped_column(String(64))
    saved_at: Mapped[datetime | None] = mapped_column(UtcInstant)
