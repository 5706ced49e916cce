"""Adds the people who sign in to the console, their sessions, and the way to the latest of the journal.

Revision 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

from ledger.columns import Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CODE = sa.String(length=40)
PERSON = sa.String(length=254)


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("id", PERSON, nullable=False),
        sa.Column("name", sa.String(length=140), nullable=False),
        sa.Column("role", CODE, nullable=False),
        sa.Column("creditors", sa.JSON(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("locked_until", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("disabled_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
    )
    op.create_table(
        "sessions",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("person", PERSON, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_sessions_person"),
        sa.PrimaryKeyConstraint("token", name="pk_sessions"),
    )
    op.create_index("ix_sessions_person", "sessions", ["person"])
    op.create_index("ix_journal_at", "journal", ["at"])


def downgrade() -> None:
    op.drop_index("ix_journal_at", table_name="journal")
    op.drop_table("sessions")
    op.drop_table("people")
