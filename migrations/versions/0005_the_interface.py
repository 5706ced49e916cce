"""Adds keys and senders of the API, events received, batches, and webhooks with what is to be delivered.

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

from ledger.columns import Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.String(length=64)
CODE = sa.String(length=40)
NAME = sa.String(length=140)
HASH = sa.String(length=64)
SENT_AS = sa.String(length=200)


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("sha256", HASH, nullable=False),
        sa.Column("rights", sa.JSON(), nullable=False),
        sa.Column("creditors", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("made_by", NAME, nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
    op.create_table(
        "senders",
        sa.Column("id", KEY, nullable=False),
        sa.Column("secrets", sa.JSON(), nullable=False),
        sa.Column("creditors", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("made_by", NAME, nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_senders"),
    )
    op.create_table(
        "received",
        sa.Column("sender", NAME, nullable=False),
        sa.Column("source", SENT_AS, nullable=False),
        sa.Column("id", SENT_AS, nullable=False),
        sa.Column("sha256", HASH, nullable=False),
        sa.Column("status", CODE, nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("sender", "source", "id", name="pk_received"),
    )
    op.create_index("ix_received_at", "received", ["at"])
    op.create_table(
        "batches",
        sa.Column("id", KEY, nullable=False),
        sa.Column("sender", NAME, nullable=False),
        sa.Column("author", NAME, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("leased_until", Moment(), nullable=True),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    op.create_index("ix_batches_finished_at", "batches", ["finished_at", "received_at"])
    op.create_table(
        "batch_items",
        sa.Column("batch", KEY, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", SENT_AS, nullable=True),
        sa.Column("event", SENT_AS, nullable=True),
        sa.Column("sha256", HASH, nullable=True),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("answer", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["batch"], ["batches.id"], name="fk_batch_items_batch"),
        sa.PrimaryKeyConstraint("batch", "position", name="pk_batch_items"),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", KEY, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("creditors", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("made_by", NAME, nullable=False),
        sa.Column("disabled_at", Moment(), nullable=True),
        sa.Column("why_disabled", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_table(
        "announcements",
        sa.Column("creditor", KEY, nullable=False),
        sa.Column("debtor", KEY, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("creditor", "debtor", "revision", name="pk_announcements"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", KEY, nullable=False),
        sa.Column("webhook", KEY, nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("creditor", KEY, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", CODE, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_at", Moment(), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["webhook"], ["webhooks.id"], name="fk_deliveries_webhook"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_state", "deliveries", ["state", "at"])
    op.create_index("ix_deliveries_webhook", "deliveries", ["webhook", "at"])


def downgrade() -> None:
    for table in (
        "deliveries",
        "announcements",
        "webhooks",
        "batch_items",
        "batches",
        "received",
        "senders",
        "api_keys",
    ):
        op.drop_table(table)
