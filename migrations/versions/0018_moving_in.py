"""A library's file of patrons while it is worked on, what became of each row, and who came from it."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "patron_imports",
        sa.Column("id", _ID, nullable=False),
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("begun_by", sa.String(64), nullable=False),
        sa.Column("begun_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT),
        sa.Column("file_hash", sa.String(64), nullable=False),
        sa.Column("sealed_columns", sa.LargeBinary()),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("consent", sa.Boolean(), nullable=False),
        sa.Column("by_day", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("welcomed", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('read', 'checking', 'checked', 'taking', 'stopped', 'done', 'over')",
            name=op.f("ck_patron_imports_state"),
        ),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_patron_imports_library_id"),
        sa.PrimaryKeyConstraint("id", name="pk_patron_imports"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_patron_imports_library_id", "patron_imports", ["library_id"])
    op.create_index("ix_patron_imports_begun_at", "patron_imports", ["begun_at"])
    op.create_table(
        "patron_import_batches",
        sa.Column("id", _ID, nullable=False),
        sa.Column("import_id", _ID, nullable=False),
        sa.Column("is_checked", sa.Boolean(), nullable=False),
        sa.Column("sealed_rows", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["patron_imports.id"], name="fk_patron_import_batches_import_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_patron_import_batches"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_patron_import_batches_import_id", "patron_import_batches", ["import_id"])
    op.create_table(
        "patron_import_lines",
        sa.Column("import_id", _ID, nullable=False, autoincrement=False),
        sa.Column("line", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("why", sa.String(300), nullable=False),
        sa.Column("key_hash", sa.String(64)),
        sa.Column("id_hash", sa.String(64)),
        sa.Column("sealed_row", sa.LargeBinary()),
        sa.CheckConstraint(
            "outcome IN ('new', 'here', 'person', 'refused')", name=op.f("ck_patron_import_lines_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["patron_imports.id"], name="fk_patron_import_lines_import_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "line", name="pk_patron_import_lines"),
    )
    op.create_index("ix_patron_import_lines_import_id_key_hash", "patron_import_lines", ["import_id", "key_hash"])
    op.create_index("ix_patron_import_lines_import_id_id_hash", "patron_import_lines", ["import_id", "id_hash"])
    op.create_table(
        "imported_patrons",
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("patron_id", _ID),
        sa.Column("sealed_number", sa.LargeBinary()),
        sa.Column("imported_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_imported_patrons_library_id"),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name="fk_imported_patrons_patron_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("token", name="pk_imported_patrons"),
    )
    op.create_index("ix_imported_patrons_library_id", "imported_patrons", ["library_id"])
    op.create_index("ix_imported_patrons_patron_id", "imported_patrons", ["patron_id"])
    op.create_index("ix_imported_patrons_imported_at", "imported_patrons", ["imported_at"])


def downgrade() -> None:
    # Each before those to which it points.
    for table in ("imported_patrons", "patron_import_lines", "patron_import_batches", "patron_imports"):
        op.drop_table(table)
