"""Table of availability: each connector as it was last reported, and as an operator wants it."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import metadata, number, organisation, text, truth

__all__ = ["connector"]

connector = sa.Table(
    "connector",
    metadata,
    text("station_id", primary_key=True),
    number("evse_id", primary_key=True, autoincrement=False),
    number("connector_id", primary_key=True, autoincrement=False),
    organisation(),
    text("status", null=True),
    text("error_code", null=True),
    text("info", null=True),
    text("vendor_id", null=True),
    text("vendor_error_code", null=True),
    number("reported_at", null=True),
    number("received_at", null=True),
    truth("desired_operative", null=True),
    text("availability_status", null=True),
    sqlite_with_rowid=False,
)
"""The station itself is (0, 0): a key has no NULLs. The history of statuses is in `event`."""
