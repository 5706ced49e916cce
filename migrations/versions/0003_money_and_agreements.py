"""Adds bank accounts and their movements, agreements, and what comes back by e-mail.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

from ledger.columns import Moment, Money

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.String(length=64)
CODE = sa.String(length=40)


def upgrade() -> None:
    op.add_column("allocations", sa.Column("allowed", Money(), nullable=True))
    op.add_column("allocations", sa.Column("allowance", CODE, nullable=True))
    op.create_table(
        "agreements",
        sa.Column("creditor", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("debtor", KEY, nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("standing", CODE, nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_how", CODE, nullable=True),
        sa.ForeignKeyConstraint(
            ["creditor", "debtor"], ["debtors.creditor", "debtors.id"], name="fk_agreements_creditor"
        ),
        sa.PrimaryKeyConstraint("creditor", "id", name="pk_agreements"),
    )
    op.create_index("ix_agreements_account", "agreements", ["creditor", "debtor"])
    op.create_table(
        "bank_accounts",
        sa.Column("creditor", KEY, nullable=False),
        sa.Column("account", KEY, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("booked_to", sa.Date(), nullable=False),
        sa.Column("closing", Money(), nullable=True),
        sa.Column("statement", sa.String(length=140), nullable=True),
        sa.Column("read_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["creditor"], ["creditors.id"], name="fk_bank_accounts_creditor"),
        sa.PrimaryKeyConstraint("creditor", "account", name="pk_bank_accounts"),
    )
    op.create_table(
        "bank_entries",
        sa.Column("creditor", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("account", KEY, nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.Column("payer_account", KEY, nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("state", CODE, nullable=False),
        sa.Column("debtor", KEY, nullable=True),
        sa.Column("payment", sa.String(length=128), nullable=True),
        sa.Column("proposal", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("holds", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("read_at", Moment(), nullable=False),
        sa.Column("resolved_at", Moment(), nullable=True),
        sa.Column("resolved_by", sa.String(length=140), nullable=True),
        sa.ForeignKeyConstraint(["creditor"], ["creditors.id"], name="fk_bank_entries_creditor"),
        sa.PrimaryKeyConstraint("creditor", "id", name="pk_bank_entries"),
    )
    op.create_index("ix_bank_entries_state", "bank_entries", ["state", "booked_on"])
    op.create_index("ix_bank_entries_day", "bank_entries", ["creditor", "account", "booked_on"])
    op.create_index("ix_bank_entries_payer", "bank_entries", ["creditor", "payer_account", "state"])
    op.create_index("ix_bank_entries_payment", "bank_entries", ["creditor", "payment"])
    op.create_table(
        "incoming",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=998), nullable=True),
        sa.Column("creditor", KEY, nullable=True),
        sa.Column("debtor", KEY, nullable=True),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("received_at", Moment(), nullable=True),
        sa.Column("sender", sa.String(length=320), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("invoices", sa.JSON(), nullable=False),
        sa.Column("state", CODE, nullable=False),
        sa.Column("hold", KEY, nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incoming"),
    )
    op.create_index("ix_incoming_message_id", "incoming", ["message_id"])
    op.create_index("ix_messages_message_id", "messages", ["message_id"])
    op.create_index("ix_incoming_state", "incoming", ["state", "at"])


def downgrade() -> None:
    op.drop_index("ix_messages_message_id", "messages")
    op.drop_table("incoming")
    op.drop_table("bank_entries")
    op.drop_table("bank_accounts")
    op.drop_table("agreements")
    op.drop_column("allocations", "allowance")
    op.drop_column("allocations", "allowed")
