"""Lets an account be read, in its order, from its own rows alone.

Revision 0008, after 0007.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEYS = {"invoices": "number", "credit_notes": "number", "payments": "reference", "agreements": "id"}


def upgrade() -> None:
    for table, key in KEYS.items():
        _index(table, "creditor", "debtor", key)
    op.create_index("ix_incoming_account", "incoming", ["creditor", "debtor", "at"])


def downgrade() -> None:
    op.drop_index("ix_incoming_account", table_name="incoming")
    for table in KEYS:
        _index(table, "creditor", "debtor")


def _index(table: str, *columns: str) -> None:
    op.drop_index(f"ix_{table}_account", table_name=table)
    op.create_index(f"ix_{table}_account", table, list(columns))
