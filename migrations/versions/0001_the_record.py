"""Creates the record: every table of ledger/schema.py as of the first release.

Revision 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

from ledger.columns import Moment, Money

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "creditors",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("journal_head", sa.String(length=64), nullable=False),
        sa.Column("payments_as_of", Moment(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_creditors"),
    )
    op.create_table(
        "journal",
        sa.Column("creditor", sa.String(length=64), nullable=False),
        sa.Column("debtor", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("invoice", sa.String(length=64), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("creditor", "debtor", "revision", name="pk_journal"),
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("author", sa.String(length=140), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("creditor", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("next", sa.JSON(), nullable=False),
        sa.Column("written_at", Moment(), nullable=False),
        sa.Column("delivered_at", Moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_pending", "outbox", ["delivered_at", "attempts", "id"])

    op.create_table(
        "policies",
        sa.Column("version", sa.String(length=140), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.JSON(), nullable=False),
        sa.Column("stored_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_policies"),
    )
    op.create_index("ix_policies_id", "policies", ["id", "stored_at"])

    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("problem", sa.JSON(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("resolved_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
    )
    op.create_index("ix_quarantine_resolved_at", "quarantine", ["resolved_at", "id"])

    op.create_table(
        "switches",
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("stopped_at", Moment(), nullable=False),
        sa.Column("by", sa.String(length=140), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name="pk_switches"),
    )
    op.create_table(
        "waiting",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("creditor", sa.String(length=64), nullable=False),
        sa.Column("invoice", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("event", sa.JSON(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_waiting"),
    )
    op.create_index("uq_waiting_event", "waiting", ["creditor", "invoice", "fingerprint"], unique=True)

    op.create_table(
        "debtors",
        sa.Column("creditor", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("journal_head", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=140), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["creditor"], ["creditors.id"], name="fk_debtors_creditor"),
        sa.PrimaryKeyConstraint("creditor", "id", name="pk_debtors"),
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("creditor", sa.String(length=64), nullable=False),
        sa.Column("debtor", sa.String(length=64), nullable=True),
        sa.Column("lifted_on", sa.Date(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["creditor"], ["creditors.id"], name="fk_holds_creditor"),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
    )
    op.create_index("ix_holds_account", "holds", ["creditor", "debtor"])

    op.create_table(
        "credit_notes",
        sa.Column("creditor", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("debtor", sa.String(length=64), nullable=False),
        sa.Column("invoice", sa.String(length=64), nullable=True),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["creditor", "debtor"], ["debtors.creditor", "debtors.id"], name="fk_credit_notes_creditor"
        ),
        sa.PrimaryKeyConstraint("creditor", "number", name="pk_credit_notes"),
    )
    op.create_index("ix_credit_notes_account", "credit_notes", ["creditor", "debtor"])

    op.create_table(
        "invoices",
        sa.Column("creditor", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("debtor", sa.String(length=64), nullable=False),
        sa.Column("document", sa.String(length=64), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total", Money(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("policy", sa.String(length=140), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("approved", sa.JSON(), nullable=False),
        sa.Column("hurried", sa.String(length=40), nullable=True),
        sa.Column("blocked", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("ending", sa.String(length=40), nullable=True),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("next", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("next_kind", sa.String(length=40), nullable=True),
        sa.Column("next_step", sa.String(length=40), nullable=True),
        sa.Column("next_at", Moment(), nullable=True),
        sa.Column("next_rule", sa.String(length=40), nullable=True),
        sa.Column("open", Money(), nullable=False),
        sa.Column("net", Money(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["creditor", "debtor"], ["debtors.creditor", "debtors.id"], name="fk_invoices_creditor"
        ),
        sa.ForeignKeyConstraint(["policy"], ["policies.version"], name="fk_invoices_policy"),
        sa.PrimaryKeyConstraint("creditor", "number", name="pk_invoices"),
    )
    op.create_index("ix_invoices_account", "invoices", ["creditor", "debtor"])
    op.create_index("ix_invoices_agenda", "invoices", ["ending", "next_at"])
    op.create_index("ix_invoices_due_date", "invoices", ["ending", "due_date"])
    op.create_index("ix_invoices_number", "invoices", ["number"])
    op.create_index("ix_invoices_rule", "invoices", ["next_rule", "next_at"])
    op.create_index("ix_invoices_step", "invoices", ["next_step", "next_at"])

    op.create_table(
        "messages",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("creditor", sa.String(length=64), nullable=False),
        sa.Column("debtor", sa.String(length=64), nullable=False),
        sa.Column("lead", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("wording", sa.String(length=64), nullable=False),
        sa.Column("tone", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("claim", sa.String(length=64), nullable=False),
        sa.Column("leased_until", Moment(), nullable=False),
        sa.Column("planned_at", Moment(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("invoices", sa.JSON(), nullable=False),
        sa.Column("overdue", sa.Boolean(), nullable=False),
        sa.Column("asked", Money(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("reminder", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("evidence_path", sa.Text(), nullable=True),
        sa.Column("message_id", sa.String(length=255), nullable=True),
        sa.Column("crossed", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["creditor", "debtor"], ["debtors.creditor", "debtors.id"], name="fk_messages_creditor"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
    )
    op.create_index("ix_messages_account", "messages", ["creditor", "debtor", "state"])
    op.create_index("ix_messages_state", "messages", ["state", "leased_until"])
    op.create_index(
        "uq_messages_key",
        "messages",
        ["key"],
        unique=True,
        sqlite_where=sa.text("state NOT IN ('failed', 'voided')"),
        postgresql_where=sa.text("state NOT IN ('failed', 'voided')"),
    )

    op.create_table(
        "payments",
        sa.Column("creditor", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=128), nullable=False),
        sa.Column("debtor", sa.String(length=64), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.Column("stated", sa.JSON(), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.Column("reversed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["creditor", "debtor"], ["debtors.creditor", "debtors.id"], name="fk_payments_creditor"
        ),
        sa.PrimaryKeyConstraint("creditor", "reference", name="pk_payments"),
    )
    op.create_index("ix_payments_account", "payments", ["creditor", "debtor"])

    op.create_table(
        "tasks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("creditor", sa.String(length=64), nullable=False),
        sa.Column("debtor", sa.String(length=64), nullable=False),
        sa.Column("invoice", sa.String(length=64), nullable=True),
        sa.Column("key", sa.String(length=240), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("closed_by", sa.String(length=140), nullable=True),
        sa.ForeignKeyConstraint(
            ["creditor", "debtor"], ["debtors.creditor", "debtors.id"], name="fk_tasks_creditor"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("key", name="uq_tasks_key"),
    )
    op.create_index("ix_tasks_account", "tasks", ["creditor", "debtor"])
    op.create_index("ix_tasks_agenda", "tasks", ["closed_at", "due_on"])

    op.create_table(
        "allocations",
        sa.Column("creditor", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=128), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("invoice", sa.String(length=64), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.ForeignKeyConstraint(
            ["creditor", "invoice"], ["invoices.creditor", "invoices.number"], name="fk_allocations_invoice"
        ),
        sa.ForeignKeyConstraint(
            ["creditor", "reference"],
            ["payments.creditor", "payments.reference"],
            name="fk_allocations_creditor",
        ),
        sa.PrimaryKeyConstraint("creditor", "reference", "position", name="pk_allocations"),
    )
    op.create_table(
        "steps",
        sa.Column("creditor", sa.String(length=64), nullable=False),
        sa.Column("invoice", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("cycle", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("void", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("deadline", sa.Date(), nullable=True),
        sa.Column("message", sa.String(length=36), nullable=True),
        sa.Column("late_days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["creditor", "invoice"], ["invoices.creditor", "invoices.number"], name="fk_steps_invoice"
        ),
        sa.ForeignKeyConstraint(["message"], ["messages.id"], name="fk_steps_message"),
        sa.PrimaryKeyConstraint("creditor", "invoice", "step", "cycle", "void", name="pk_steps"),
    )
    op.create_index("ix_steps_message", "steps", ["message"])


def downgrade() -> None:
    op.drop_table("steps")
    op.drop_table("allocations")
    op.drop_table("tasks")
    op.drop_table("payments")
    op.drop_table("messages")
    op.drop_table("invoices")
    op.drop_table("credit_notes")
    op.drop_table("holds")
    op.drop_table("debtors")
    op.drop_table("waiting")
    op.drop_table("switches")
    op.drop_table("quarantine")
    op.drop_table("policies")
    op.drop_table("outbox")
    op.drop_table("notes")
    op.drop_table("journal")
    op.drop_table("creditors")
