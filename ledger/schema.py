"""The tables of the record.

In: every table, key and index, the same on SQLite and PostgreSQL.
Not in: how the tables come to a database (migrations/), and what is written in them.
"""

import sqlalchemy as sa

from ledger.columns import Moment, Money

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

KEY = sa.String(64)
CODE = sa.String(40)
NAME = sa.String(140)
HASH = sa.String(64)
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

creditors = sa.Table(
    "creditors",
    METADATA,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False, default=0),
    sa.Column("journal_head", HASH, nullable=False, default=""),
    sa.Column("payments_as_of", Moment),
    sa.Column("facts", sa.JSON, nullable=False),
)

debtors = sa.Table(
    "debtors",
    METADATA,
    sa.Column("creditor", KEY, sa.ForeignKey("creditors.id"), primary_key=True),
    sa.Column("id", KEY, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False, default=0),
    sa.Column("journal_head", HASH, nullable=False, default=""),
    sa.Column("name", NAME, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
)


def _of_account(*, key: bool = False) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("creditor", KEY, nullable=False, primary_key=key),
        sa.Column("debtor", KEY, nullable=False, primary_key=key),
        sa.ForeignKeyConstraint(["creditor", "debtor"], ["debtors.creditor", "debtors.id"]),
    )


invoices = sa.Table(
    "invoices",
    METADATA,
    sa.Column("creditor", KEY, primary_key=True),
    sa.Column("number", KEY, primary_key=True),
    sa.Column("debtor", KEY, nullable=False),
    sa.Column("document", KEY, nullable=False),
    sa.Column("issue_date", sa.Date),
    sa.Column("due_date", sa.Date, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("total", Money, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("policy", NAME, sa.ForeignKey("policies.version"), nullable=False),
    sa.Column("cycle", sa.Integer, nullable=False, default=1),
    sa.Column("approved", sa.JSON, nullable=False),
    sa.Column("hurried", CODE),
    sa.Column("postponed_to", sa.Date),
    sa.Column("blocked", sa.JSON(none_as_null=True)),
    sa.Column("ending", CODE),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("closed_at", Moment),
    sa.Column("next", sa.JSON(none_as_null=True)),
    sa.Column("next_kind", CODE),
    sa.Column("next_step", CODE),
    sa.Column("next_at", Moment),
    sa.Column("next_rule", CODE),
    sa.Column("open", Money, nullable=False),
    sa.Column("net", Money, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.ForeignKeyConstraint(["creditor", "debtor"], ["debtors.creditor", "debtors.id"]),
    sa.Index("ix_invoices_account", "creditor", "debtor", "number"),
    sa.Index("ix_invoices_number", "number"),
    sa.Index(
        "ix_invoices_agenda", "ending", "next_at", "next_kind", "next_step", "policy", "creditor", "due_date"
    ),
    sa.Index("ix_invoices_rule", "next_rule", "next_at"),
    sa.Index("ix_invoices_step", "next_step", "next_at"),
    sa.Index("ix_invoices_owed", "ending", "due_date", "currency", "creditor", "open", "total"),
    sa.Index(
        "ix_invoices_owing",
        *("ending", "creditor", "debtor", "currency", "due_date", "open", "total", "next_at", "number"),
    ),
    sa.Index("ix_invoices_sold", "issue_date", "currency", "creditor", "total"),
    sa.Index("ix_invoices_places", "creditor", "postponed_to"),
)

credit_notes = sa.Table(
    "credit_notes",
    METADATA,
    sa.Column("creditor", KEY, primary_key=True),
    sa.Column("number", KEY, primary_key=True),
    sa.Column("debtor", KEY, nullable=False),
    sa.Column("invoice", KEY),
    sa.Column("cancelled", sa.Boolean, nullable=False, default=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.ForeignKeyConstraint(["creditor", "debtor"], ["debtors.creditor", "debtors.id"]),
    sa.Index("ix_credit_notes_account", "creditor", "debtor", "number"),
)

payments = sa.Table(
    "payments",
    METADATA,
    sa.Column("creditor", KEY, primary_key=True),
    sa.Column("reference", sa.String(128), primary_key=True),
    sa.Column("debtor", KEY, nullable=False),
    sa.Column("received_on", sa.Date, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount", Money, nullable=False),
    sa.Column("stated", sa.JSON, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("reversed", sa.Boolean, nullable=False, default=False),
    sa.ForeignKeyConstraint(["creditor", "debtor"], ["debtors.creditor", "debtors.id"]),
    sa.Index("ix_payments_account", "creditor", "debtor", "reference"),
    sa.Index("ix_payments_received", "received_on", "reversed", "currency", "creditor", "reference"),
)

allocations = sa.Table(
    "allocations",
    METADATA,
    sa.Column("creditor", KEY, primary_key=True),
    sa.Column("reference", sa.String(128), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("invoice", KEY, nullable=False),
    sa.Column("amount", Money, nullable=False),
    sa.Column("allowed", Money),
    sa.Column("allowance", CODE),
    sa.ForeignKeyConstraint(["creditor", "reference"], ["payments.creditor", "payments.reference"]),
    sa.ForeignKeyConstraint(
        ["creditor", "invoice"],
        ["invoices.creditor", "invoices.number"],
        name="fk_allocations_invoice",
    ),
)

holds = sa.Table(
    "holds",
    METADATA,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("creditor", KEY, sa.ForeignKey("creditors.id"), nullable=False),
    sa.Column("debtor", KEY),
    sa.Column("lifted_on", sa.Date),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Index("ix_holds_account", "creditor", "debtor"),
)

agreements = sa.Table(
    "agreements",
    METADATA,
    sa.Column("creditor", KEY, primary_key=True),
    sa.Column("id", KEY, primary_key=True),
    sa.Column("debtor", KEY, nullable=False),
    sa.Column("kind", CODE, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("standing", CODE, nullable=False),
    sa.Column("approved", sa.Boolean, nullable=False, default=False),
    sa.Column("ended_on", sa.Date),
    sa.Column("ended_how", CODE),
    sa.ForeignKeyConstraint(["creditor", "debtor"], ["debtors.creditor", "debtors.id"]),
    sa.Index("ix_agreements_account", "creditor", "debtor", "id"),
)

bank_accounts = sa.Table(
    "bank_accounts",
    METADATA,
    sa.Column("creditor", KEY, sa.ForeignKey("creditors.id"), primary_key=True),
    sa.Column("account", KEY, primary_key=True),
    sa.Column("currency", sa.String(3)),
    sa.Column("booked_to", sa.Date, nullable=False),
    sa.Column("closing", Money),
    sa.Column("statement", sa.String(140)),
    sa.Column("read_at", Moment, nullable=False),
)
"""Up to which day each account is known, and the balance from which its next statement goes on."""

bank_entries = sa.Table(
    "bank_entries",
    METADATA,
    sa.Column("creditor", KEY, sa.ForeignKey("creditors.id"), primary_key=True),
    sa.Column("id", KEY, primary_key=True),
    sa.Column("account", KEY, nullable=False),
    sa.Column("booked_on", sa.Date, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount", Money, nullable=False),
    sa.Column("payer_account", KEY),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("source", sa.String(255), nullable=False),
    sa.Column("state", CODE, nullable=False),
    sa.Column("debtor", KEY),
    sa.Column("payment", sa.String(128)),
    sa.Column("proposal", sa.JSON(none_as_null=True)),
    sa.Column("holds", sa.JSON(none_as_null=True)),
    sa.Column("read_at", Moment, nullable=False),
    sa.Column("resolved_at", Moment),
    sa.Column("resolved_by", NAME),
    sa.Index("ix_bank_entries_state", "state", "booked_on"),
    sa.Index("ix_bank_entries_day", "creditor", "account", "booked_on"),
    sa.Index("ix_bank_entries_payer", "creditor", "payer_account", "state"),
    sa.Index("ix_bank_entries_payment", "creditor", "payment"),
)
"""Every movement once, by its identity; what nobody is certain about waits in it for a person."""

incoming = sa.Table(
    "incoming",
    METADATA,
    sa.Column("id", HASH, primary_key=True),
    sa.Column("message_id", sa.String(998)),
    sa.Column("creditor", KEY),
    sa.Column("debtor", KEY),
    sa.Column("kind", CODE, nullable=False),
    sa.Column("received_at", Moment),
    sa.Column("sender", sa.String(320)),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("invoices", sa.JSON, nullable=False),
    sa.Column("state", CODE, nullable=False),
    sa.Column("hold", KEY),
    sa.Column("at", Moment, nullable=False),
    sa.Index("ix_incoming_message_id", "message_id"),
    sa.Index("ix_incoming_state", "state", "at"),
    sa.Index("ix_incoming_account", "creditor", "debtor", "at"),
)
"""E-mails that came back, each taken once: bounces, replies, and those of which nobody knows whose."""

steps = sa.Table(
    "steps",
    METADATA,
    sa.Column("creditor", KEY, primary_key=True),
    sa.Column("invoice", KEY, primary_key=True),
    sa.Column("step", CODE, primary_key=True),
    sa.Column("cycle", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("void", sa.Integer, primary_key=True, autoincrement=False, default=0),
    sa.Column("outcome", CODE, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("deadline", sa.Date),
    sa.Column("message", sa.String(36), sa.ForeignKey("messages.id")),
    sa.Column("late_days", sa.Integer, nullable=False, default=0),
    sa.ForeignKeyConstraint(
        ["creditor", "invoice"], ["invoices.creditor", "invoices.number"], name="fk_steps_invoice"
    ),
    sa.Index("ix_steps_message", "message"),
    sa.Index("ix_steps_taken", "creditor", "invoice", "day", "void", "outcome", "step"),
)
"""A step stands where `void` is 0; a voided one makes room for the same step again by counting up."""

messages = sa.Table(
    "messages",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("key", sa.String(200), nullable=False),
    *_of_account(),
    sa.Column("lead", KEY, nullable=False),
    sa.Column("step", CODE, nullable=False),
    sa.Column("cycle", sa.Integer, nullable=False),
    sa.Column("channel", CODE, nullable=False),
    sa.Column("wording", KEY, nullable=False),
    sa.Column("tone", CODE, nullable=False),
    sa.Column("state", CODE, nullable=False),
    sa.Column("claim", KEY, nullable=False),
    sa.Column("leased_until", Moment, nullable=False),
    sa.Column("planned_at", Moment, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("invoices", sa.JSON, nullable=False),
    sa.Column("overdue", sa.Boolean, nullable=False),
    sa.Column("asked", Money, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("recipients", sa.JSON, nullable=False),
    sa.Column("reminder", sa.JSON, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=1),
    sa.Column("sent_at", Moment),
    sa.Column("digest", HASH),
    sa.Column("sha256", HASH),
    sa.Column("evidence_path", sa.Text),
    sa.Column("message_id", sa.String(255)),
    sa.Column("crossed", sa.Boolean, nullable=False, default=False),
    sa.Column("error", sa.Text),
    sa.Index("ix_messages_account", "creditor", "debtor", "state"),
    sa.Index("ix_messages_state", "state", "leased_until"),
    sa.Index("ix_messages_day", "creditor", "day"),
    sa.Index("ix_messages_message_id", "message_id"),
    sa.Index(
        "uq_messages_key",
        "key",
        unique=True,
        sqlite_where=sa.text("state NOT IN ('failed', 'voided')"),
        postgresql_where=sa.text("state NOT IN ('failed', 'voided')"),
    ),
)

tasks = sa.Table(
    "tasks",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", CODE, nullable=False),
    *_of_account(),
    sa.Column("invoice", KEY),
    sa.Column("key", sa.String(240), nullable=False, unique=True),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("closed_at", Moment),
    sa.Column("resolution", sa.Text),
    sa.Column("closed_by", NAME),
    sa.Index("ix_tasks_account", "creditor", "debtor"),
    sa.Index("ix_tasks_agenda", "closed_at", "due_on"),
)

notes = sa.Table(
    "notes",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("author", NAME, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

journal = sa.Table(
    "journal",
    METADATA,
    sa.Column("creditor", KEY, primary_key=True),
    sa.Column("debtor", KEY, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", CODE, nullable=False),
    sa.Column("invoice", KEY),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("previous", HASH, nullable=False),
    sa.Column("hash", HASH, nullable=False),
    sa.Index("ix_journal_at", "at", "kind", "creditor"),
)

outbox = sa.Table(
    "outbox",
    METADATA,
    sa.Column("id", SERIAL, primary_key=True),
    sa.Column("creditor", KEY, nullable=False),
    sa.Column("number", KEY, nullable=False),
    sa.Column("kind", CODE, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("next", sa.JSON, nullable=False),
    sa.Column("written_at", Moment, nullable=False),
    sa.Column("delivered_at", Moment),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("last_error", sa.Text),
    sa.Index("ix_outbox_pending", "delivered_at", "attempts", "id"),
)

waiting = sa.Table(
    "waiting",
    METADATA,
    sa.Column("id", SERIAL, primary_key=True),
    sa.Column("creditor", KEY, nullable=False),
    sa.Column("invoice", KEY, nullable=False),
    sa.Column("fingerprint", HASH, nullable=False),
    sa.Column("event", sa.JSON, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("uq_waiting_event", "creditor", "invoice", "fingerprint", unique=True),
)

quarantine = sa.Table(
    "quarantine",
    METADATA,
    sa.Column("id", SERIAL, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("line", sa.Integer),
    sa.Column("raw", sa.Text, nullable=False),
    sa.Column("problem", sa.JSON, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("resolved_at", Moment),
    sa.Index("ix_quarantine_resolved_at", "resolved_at", "id"),
)

switches = sa.Table(
    "switches",
    METADATA,
    sa.Column("creditor", KEY, primary_key=True, default=""),
    sa.Column("policy", KEY, primary_key=True, default=""),
    sa.Column("channel", CODE, primary_key=True, default=""),
    sa.Column("stopped_at", Moment, nullable=False),
    sa.Column("by", NAME, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
"""What is stopped; an empty part means every creditor, policy or channel."""

troubles = sa.Table(
    "troubles",
    METADATA,
    sa.Column("creditor", KEY, primary_key=True),
    sa.Column("number", KEY, primary_key=True),
    sa.Column("doing", NAME, nullable=False),
    sa.Column("step", CODE),
    sa.Column("fault", NAME, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("first_at", Moment, nullable=False),
    sa.Column("last_at", Moment, nullable=False),
)
"""Cases that fail for a reason of their own: what was being done, and the fault of the last attempt."""

policies = sa.Table(
    "policies",
    METADATA,
    sa.Column("version", NAME, primary_key=True),
    sa.Column("id", KEY, nullable=False),
    sa.Column("source", sa.JSON, nullable=False),
    sa.Column("stored_at", Moment, nullable=False),
    sa.Index("ix_policies_id", "id", "stored_at"),
)
