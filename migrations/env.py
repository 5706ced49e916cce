"""Runs migrations on the connection that ledger/database.py hands over, and on no other."""

from alembic import context

from ledger import people  # noqa: F401 - its tables belong to the record
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
