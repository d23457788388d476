"""Tables of provisioning: organisations, stations, where they are connected, who was turned away."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import TEXT, column, metadata, number, organisation, text, truth

__all__ = ["connection", "connection_attempt", "oddity", "organisations", "presence", "station"]

organisations = sa.Table(
    "organisation",
    metadata,
    text("id", primary_key=True),
    text("name"),
    number("created_at"),
)

station = sa.Table(
    "station",
    metadata,
    text("id", primary_key=True),
    text("id_key"),
    sa.Column("organisation_id", TEXT, sa.ForeignKey("organisation.id"), nullable=False),
    text("site_id", null=True),
    text("name", null=True),
    text("operator_state"),
    text("reported_state", null=True),
    truth("accepted_before"),
    number("security_profile"),
    number("pending_security_profile", null=True),
    column("password_hash", sa.LargeBinary(), null=True),
    column("pending_password_hash", sa.LargeBinary(), null=True),
    text("serial_number", null=True),
    text("client_cert_check"),
    text("pinned_fingerprint", null=True),
    text("quirk_profile_id", null=True),
    truth("strict"),
    truth("automation"),
    number("call_timeout_s", null=True),
    number("ping_interval_s", null=True),
    text("vendor", null=True),
    text("model", null=True),
    text("charge_box_serial_number", null=True),
    text("firmware_version", null=True),
    text("iccid", null=True),
    text("imsi", null=True),
    text("meter_type", null=True),
    text("meter_serial_number", null=True),
    number("last_boot_at", null=True),
    number("contested_since", null=True),
    column("latitude", sa.Float(53), null=True),
    column("longitude", sa.Float(53), null=True),
    text("note", null=True),
    number("created_at"),
    number("updated_at"),
    sa.UniqueConstraint("id_key"),
)
"""What an operator keeps of a station and what it said at its last boot.

`id_key` is the identity in lower case: identities are compared with case, but two that differ
in case only cannot both be registered (handbook §8 A-12).
"""

presence = sa.Table(
    "presence",
    metadata,
    text("station_id", primary_key=True),
    truth("connected"),
    text("node_id", null=True),
    number("connection_id", null=True),
    number("connection_epoch"),
    number("connected_at", null=True),
    number("disconnected_at", null=True),
    text("remote_address", null=True),
    text("last_protocol", null=True),
    number("last_seen_at", null=True),
    sqlite_with_rowid=False,
)
"""What changes with each connection, apart from `station` so that a storm writes narrow rows.

`connection_epoch` is the fence: an older connection never overwrites a newer one.
"""

connection = sa.Table(
    "connection",
    metadata,
    number("id", primary_key=True, autoincrement=False),
    organisation(),
    text("station_id"),
    text("node_id"),
    number("epoch"),
    text("remote_address"),
    text("protocol"),
    number("security_profile"),
    text("user_agent", null=True),
    number("connected_at"),
    number("disconnected_at", null=True),
    number("close_code", null=True),
    text("reason", null=True),
    sa.Index("ix_connection_station_id", "station_id", "id"),
)

connection_attempt = sa.Table(
    "connection_attempt",
    metadata,
    number("id", primary_key=True, autoincrement=False),
    organisation(),
    text("station_id"),
    text("remote_address"),
    text("path"),
    number("status"),
    text("reason"),
    text("detail"),
    truth("known"),
    text("subprotocols", null=True),
    text("user_agent", null=True),
    number("count"),
    number("first_at"),
    number("last_at"),
    sa.UniqueConstraint("station_id", "remote_address", "reason"),
)
"""Refused handshakes, one row per identity, address and reason, counted."""

oddity = sa.Table(
    "oddity",
    metadata,
    text("station_id", primary_key=True),
    text("kind", primary_key=True),
    text("action", primary_key=True),
    text("path", primary_key=True),
    organisation(),
    text("raw"),
    number("count"),
    number("first_at"),
    number("last_at"),
    sqlite_with_rowid=False,
)
"""What was tolerated, counted; `raw` is the latest example (handbook §1.9)."""
