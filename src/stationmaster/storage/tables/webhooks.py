"""Tables of webhooks and of what became of each attempt."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import column, metadata, number, organisation, text, truth

__all__ = ["webhook", "webhook_delivery"]

webhook = sa.Table(
    "webhook",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("name"),
    text("url"),
    text("event_types"),
    truth("enabled"),
    text("disabled_reason", null=True),
    column("sealed_secret", sa.LargeBinary()),
    text("position"),
    number("attempts"),
    number("failing_since", null=True),
    number("next_at"),
    text("claimed_by"),
    number("claimed_until"),
    number("delivered_at", null=True),
    text("created_by"),
    number("created_at"),
    number("updated_at"),
    sa.Index("ix_webhook_organisation_id", "organisation_id", "created_at"),
)

webhook_delivery = sa.Table(
    "webhook_delivery",
    metadata,
    number("id", primary_key=True, autoincrement=False),
    organisation(),
    text("webhook_id"),
    text("event_id"),
    text("event_type"),
    text("station_id"),
    text("state"),
    number("status", null=True),
    text("error", null=True),
    number("duration_ms"),
    number("attempt"),
    text("reason"),
    number("at"),
    sa.Index("ix_webhook_delivery_webhook_id", "webhook_id", "id"),
)
