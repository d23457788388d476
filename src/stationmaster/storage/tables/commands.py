"""Tables of what is asked of stations, and of what they report about it."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import (
    column,
    metadata,
    number,
    organisation,
    text,
    truth,
)

__all__ = ["api_key", "data_transfer", "job", "security_event", "transfer_status", "variable"]

job = sa.Table(
    "job",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("station_id"),
    text("site_id", null=True),
    text("action"),
    text("protocol", null=True),
    text("state"),
    text("payload"),
    text("requested_by"),
    number("queued_at"),
    number("expires_at", null=True),
    number("sent_at", null=True),
    number("answered_at", null=True),
    number("finished_at", null=True),
    text("response", null=True),
    text("result", null=True),
    text("error", null=True),
    text("warnings"),
    truth("persistent"),
    text("progress", null=True),
    sa.Index("ix_job_station_id", "station_id", "queued_at"),
    sa.Index("ix_job_organisation_id", "organisation_id", "queued_at"),
)
sa.Index(
    "ix_job_unfinished",
    job.c.state,
    sqlite_where=job.c.finished_at.is_(None),
    postgresql_where=job.c.finished_at.is_(None),
)

variable = sa.Table(
    "variable",
    metadata,
    text("station_id", primary_key=True),
    text("component", primary_key=True),
    text("variable_key", primary_key=True),
    text("variable"),
    organisation(),
    text("value", null=True),
    text("pending_value", null=True),
    truth("readonly", null=True),
    truth("supported"),
    text("write_status", null=True),
    number("read_at", null=True),
    number("written_at", null=True),
    sqlite_with_rowid=False,
)
"""Configuration as last read or set; 1.6's key is the variable of component "OCPP16".

`variable_key` is the name as it is compared, `variable` as it is spelled (§2.1); `value` is in force, `pending_value`
waits for a boot (§3.3.3).
"""
sa.Index(
    "ix_variable_pending",
    variable.c.station_id,
    sqlite_where=variable.c.pending_value.is_not(None),
    postgresql_where=variable.c.pending_value.is_not(None),
)

transfer_status = sa.Table(
    "transfer_status",
    metadata,
    number("id", primary_key=True, autoincrement=False),
    organisation(),
    text("station_id"),
    number("received_at"),
    text("transfer"),
    text("status"),
    number("request_id", null=True),
    text("job_id", null=True),
    sa.Index("ix_transfer_status_station_id", "station_id", "id"),
)

security_event = sa.Table(
    "security_event",
    metadata,
    number("id", primary_key=True, autoincrement=False),
    organisation(),
    text("station_id"),
    number("received_at"),
    text("type"),
    number("occurred_at"),
    text("technical_info", null=True),
    truth("critical"),
    text("source"),
    number("digest"),
    sa.UniqueConstraint("station_id", "occurred_at", "digest"),
)
"""`digest` stands for type and technical info: the key under which a repeat is dropped (§4.9)."""

data_transfer = sa.Table(
    "data_transfer",
    metadata,
    number("id", primary_key=True, autoincrement=False),
    organisation(),
    text("station_id"),
    number("received_at"),
    text("vendor_id"),
    text("message_id", null=True),
    text("data", null=True),
    text("status"),
    sa.Index("ix_data_transfer_station_id", "station_id", "id"),
)

api_key = sa.Table(
    "api_key",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("name"),
    text("role"),
    column("hash", sa.LargeBinary(), unique=True),
    text("site_ids", null=True),
    number("created_at"),
    number("expires_at", null=True),
    number("revoked_at", null=True),
    number("last_used_at", null=True),
    text("permissions", null=True),
)
"""Bearer keys of the API: only a hash is kept."""
