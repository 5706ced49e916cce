"""Runs migrations on the connection that ledger/database.py hands over, and on no other."""

from alembic import context

from ledger import access, people, received, webhooks  # noqa: F401 - their tables belong to the record
from ledger.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transactional_ddl=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
