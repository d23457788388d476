"""Tables of authorization: registered tokens and those nobody registered."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import TEXT, metadata, number, text

__all__ = ["token", "unknown_token"]

token = sa.Table(
    "token",
    metadata,
    number("id", primary_key=True, autoincrement=False),
    sa.Column("organisation_id", TEXT, sa.ForeignKey("organisation.id"), nullable=False),
    text("type"),
    text("value"),
    text("value_key"),
    text("status"),
    text("parent_id_tag", null=True),
    number("expires_at", null=True),
    number("max_active_transactions", null=True),
    text("name", null=True),
    text("note", null=True),
    text("site_id", null=True),
    number("created_at"),
    number("updated_at"),
    sa.UniqueConstraint("organisation_id", "value_key", "type"),
)
"""`value_key` is the value in lower case without blanks around it (OCPP201-SLICE §6.6)."""

unknown_token = sa.Table(
    "unknown_token",
    metadata,
    text("organisation_id", primary_key=True),
    text("value_key", primary_key=True),
    text("value"),
    text("station_id"),
    text("seen_in"),
    number("count"),
    number("first_at"),
    number("last_at"),
    sqlite_with_rowid=False,
)
