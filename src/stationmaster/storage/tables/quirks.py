"""Tables of what is odd about kinds of stations."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import metadata, number, organisation, text

__all__ = ["quirk_profile"]

quirk_profile = sa.Table(
    "quirk_profile",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("name"),
    text("vendor", null=True),
    text("model", null=True),
    text("firmware", null=True),
    text("quirks"),
    text("note", null=True),
    number("created_at"),
    number("updated_at"),
    sa.Index("ix_quirk_profile_organisation_id", "organisation_id", "created_at"),
)
"""`quirks` is a JSON object with the switches that are set."""
