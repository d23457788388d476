"""Tables of sites: what operators keep of them, what their planner knows, and the history of both."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import column, metadata, number, organisation, text

__all__ = ["site", "site_decision", "site_load", "site_plan", "site_release", "site_schedule", "wiring"]

site = sa.Table(
    "site",
    metadata,
    text("organisation_id", primary_key=True),
    text("id", primary_key=True),
    text("name"),
    text("address", null=True),
    column("latitude", sa.Float(53), null=True),
    column("longitude", sa.Float(53), null=True),
    text("time_zone"),
    number("nominal_voltage_v"),
    text("phases"),
    text("policy"),
    text("limits"),
    text("meter", null=True),
    text("settings"),
    text("note", null=True),
    number("created_at"),
    number("updated_at"),
    sqlite_with_rowid=False,
)
"""`id` is the text that stations have as their `site_id`. `phases`, `limits`, `meter`, `settings` are JSON."""

site_schedule = sa.Table(
    "site_schedule",
    metadata,
    text("organisation_id", primary_key=True),
    text("site_id", primary_key=True),
    text("source", primary_key=True),
    text("entries"),
    number("updated_at"),
    sqlite_with_rowid=False,
)
"""Limits over time from one source; `entries` is JSON."""

wiring = sa.Table(
    "wiring",
    metadata,
    organisation(),
    text("station_id", primary_key=True),
    number("evse_id", primary_key=True, autoincrement=False),
    text("data"),
    number("updated_at"),
    sqlite_with_rowid=False,
)
"""The electrical data of connectors, as JSON."""

site_plan = sa.Table(
    "site_plan",
    metadata,
    text("organisation_id", primary_key=True),
    text("site_id", primary_key=True),
    text("owner", null=True),
    number("owned_until"),
    number("epoch"),
    text("snapshot", null=True),
    number("updated_at"),
    sqlite_with_rowid=False,
)
"""Which node plans for a site, until when, and what its planner knows (JSON).

`epoch` grows with each owner: whoever has lost a site cannot write its plan any more.
"""

site_load = sa.Table(
    "site_load",
    metadata,
    number("id", primary_key=True, autoincrement=False),
    organisation(),
    text("site_id"),
    number("at"),
    text("data"),
    sa.Index("ix_site_load_site_id", "organisation_id", "site_id", "at"),
)
"""The load of a site over time, one row per change; `data` is JSON."""

site_decision = sa.Table(
    "site_decision",
    metadata,
    number("id", primary_key=True, autoincrement=False),
    organisation(),
    text("site_id"),
    text("station_id"),
    number("at"),
    text("data"),
    sa.Index("ix_site_decision_site_id", "organisation_id", "site_id", "id"),
)
"""What was decided about connectors; `data` is JSON."""

site_release = sa.Table(
    "site_release",
    metadata,
    text("station_id", primary_key=True),
    number("evse_id", primary_key=True, autoincrement=False),
    organisation(),
    number("created_at"),
    sqlite_with_rowid=False,
)
"""Connectors that are managed no longer and whose stations still hold our profiles, for all we know."""
