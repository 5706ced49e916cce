"""Lets the overview read what is owed, was sold, came in and comes next from indexes alone.

Revision 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

AGENDA = ["ending", "next_at", "next_kind", "next_step", "policy", "creditor", "due_date"]
OWED = ["ending", "due_date", "currency", "creditor", "open"]
SOLD = ["issue_date", "currency", "creditor", "total"]
RECEIVED = ["received_on", "reversed", "currency", "creditor", "reference"]
TAKEN = ["creditor", "invoice", "day", "void", "outcome", "step"]

ISSUED = {
    "sqlite": "UPDATE invoices SET issue_date = json_extract(facts, '$.issue_date')",
    "postgresql": "UPDATE invoices SET issue_date = CAST(facts ->> 'issue_date' AS DATE)",
}


def upgrade() -> None:
    op.add_column("invoices", sa.Column("issue_date", sa.Date(), nullable=True))
    op.execute(ISSUED[op.get_bind().dialect.name])
    op.drop_index("ix_invoices_agenda", table_name="invoices")
    op.create_index("ix_invoices_agenda", "invoices", AGENDA)
    op.drop_index("ix_invoices_due_date", table_name="invoices")
    op.create_index("ix_invoices_owed", "invoices", OWED)
    op.create_index("ix_invoices_sold", "invoices", SOLD)
    op.create_index("ix_payments_received", "payments", RECEIVED)
    op.create_index("ix_steps_taken", "steps", TAKEN)


def downgrade() -> None:
    op.drop_index("ix_steps_taken", table_name="steps")
    op.drop_index("ix_payments_received", table_name="payments")
    op.drop_index("ix_invoices_sold", table_name="invoices")
    op.drop_index("ix_invoices_owed", table_name="invoices")
    op.create_index("ix_invoices_due_date", "invoices", ["ending", "due_date"])
    op.drop_index("ix_invoices_agenda", table_name="invoices")
    op.create_index("ix_invoices_agenda", "invoices", ["ending", "next_at"])
    op.drop_column("invoices", "issue_date")
