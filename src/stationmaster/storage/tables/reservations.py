"""Tables of reservations and of local authorization lists."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import metadata, number, organisation, text, truth

__all__ = ["local_list", "reservation"]

reservation = sa.Table(
    "reservation",
    metadata,
    text("station_id", primary_key=True),
    number("reservation_id", primary_key=True, autoincrement=False),
    organisation(),
    text("site_id", null=True),
    number("evse_id", null=True),
    number("connector_id", null=True),
    text("id_tag"),
    text("parent_id_tag", null=True),
    number("expires_at"),
    text("state"),
    text("answer", null=True),
    text("job_id", null=True),
    number("transaction_id", null=True),
    truth("cancelling"),
    number("created_at"),
    number("updated_at"),
    text("history"),
)
"""The id is the one the station knows; raw commands may have chosen it, so it is unique with the station only."""

_r = reservation.c
sa.Index("ix_reservation_organisation_id_created_at", _r.organisation_id, _r.created_at)
sa.Index("ix_reservation_state", _r.state, _r.expires_at)

local_list = sa.Table(
    "local_list",
    metadata,
    text("station_id", primary_key=True),
    organisation(),
    text("mode"),
    text("selection"),
    number("version", null=True),
    number("station_version", null=True),
    text("acknowledged"),
    text("state"),
    sa.Column("schedule_hours", sa.Float(), nullable=True),
    number("synchronised_at", null=True),
    number("checked_at", null=True),
    text("problem", null=True),
    number("updated_at"),
)
"""One row per station; lists are JSON, read and written whole."""
