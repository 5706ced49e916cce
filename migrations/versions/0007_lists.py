"""Lets lists of invoices and customers, and what was done since yesterday, be read from indexes alone.

Revision 0007, after 0006.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BEFORE = {
    "ix_invoices_owed": ("invoices", ["ending", "due_date", "currency", "creditor", "open"]),
    "ix_journal_at": ("journal", ["at"]),
}
NOW = {
    "ix_invoices_owed": ("invoices", ["ending", "due_date", "currency", "creditor", "open", "total"]),
    "ix_journal_at": ("journal", ["at", "kind", "creditor"]),
}
OWING = ["ending", "creditor", "debtor", "currency", "due_date", "open", "total", "next_at", "number"]


def upgrade() -> None:
    _become(NOW)
    op.create_index("ix_invoices_owing", "invoices", OWING)


def downgrade() -> None:
    op.drop_index("ix_invoices_owing", table_name="invoices")
    _become(BEFORE)


def _become(indexes: dict[str, tuple[str, list[str]]]) -> None:
    for name, (table, columns) in indexes.items():
        op.drop_index(name, table_name=table)
        op.create_index(name, table, columns)
