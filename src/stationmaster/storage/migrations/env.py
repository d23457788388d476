"""Alembic runs this file for each migration; the open connection is handed over by `storage.migration`."""

from alembic import context

from stationmaster.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
