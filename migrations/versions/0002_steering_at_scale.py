"""Adds what a large installation is steered by: finer stops, places in a daily cap, cases in trouble.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

from ledger.columns import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _told() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("stopped_at", Moment(), nullable=False),
        sa.Column("by", sa.String(length=140), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )


def _stops(whose: str) -> list[dict[str, object]]:
    """Reads every stop, as columns by name."""
    columns = (sa.column(whose, sa.String()), sa.column("stopped_at", Moment()))
    switches = sa.table("switches", *columns, sa.column("by", sa.String()), sa.column("reason", sa.Text()))
    return [dict(row) for row in op.get_bind().execute(sa.select(switches)).mappings()]


def upgrade() -> None:
    op.add_column("invoices", sa.Column("postponed_to", sa.Date(), nullable=True))
    op.create_index("ix_invoices_places", "invoices", ["creditor", "postponed_to"])
    op.create_index("ix_messages_day", "messages", ["creditor", "day"])
    stops = _stops("scope")
    op.drop_table("switches")
    switches = op.create_table(
        "switches",
        sa.Column("creditor", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        *_told(),
        sa.PrimaryKeyConstraint("creditor", "policy", "channel", name="pk_switches"),
    )
    op.bulk_insert(
        switches, [{"creditor": stop.pop("scope"), "policy": "", "channel": "", **stop} for stop in stops]
    )
    op.execute("DELETE FROM outbox WHERE delivered_at IS NOT NULL")  # from now on they leave at delivery
    op.create_table(
        "troubles",
        sa.Column("creditor", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("doing", sa.String(length=140), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=True),
        sa.Column("fault", sa.String(length=140), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_at", Moment(), nullable=False),
        sa.Column("last_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("creditor", "number", name="pk_troubles"),
    )


def downgrade() -> None:
    op.drop_table("troubles")
    stops = _stops("creditor")
    op.drop_table("switches")
    switches = op.create_table(
        "switches",
        sa.Column("scope", sa.String(length=64), nullable=False),
        *_told(),
        sa.PrimaryKeyConstraint("scope", name="pk_switches"),
    )
    # A stop of one policy or channel has no name in the earlier release: it becomes one of its creditor,
    # for nothing may leave that was stopped.
    one_each = {stop["creditor"]: {"scope": stop.pop("creditor"), **stop} for stop in stops}
    op.bulk_insert(switches, list(one_each.values()))
    op.drop_index("ix_messages_day", "messages")
    op.drop_index("ix_invoices_places", "invoices")
    op.drop_column("invoices", "postponed_to")
