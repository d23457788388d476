"""The steps by which the schema grew, run by Alembic (`storage.migration`)."""
