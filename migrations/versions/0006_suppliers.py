"""Suppliers of e-books, who ask yes or no."""

from alembic import op

revision = "0006"
down_revision = "0005"


def _allow(kinds: str) -> None:
    with op.batch_alter_table("machines") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_machines_kind"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_machines_kind"), f"kind IN ({kinds})")


def upgrade() -> None:
    _allow("'system', 'kiosk', 'supplier'")


def downgrade() -> None:
    op.execute("DELETE FROM machine_answers WHERE username IN (SELECT username FROM machines WHERE kind = 'supplier')")
    op.execute("DELETE FROM machines WHERE kind = 'supplier'")
    _allow("'system', 'kiosk'")
