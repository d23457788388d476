"""Tables of files and of who may fetch or bring one, of firmware and of the campaigns that spread it."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import column, metadata, number, organisation, text

__all__ = ["file", "file_pass", "firmware", "firmware_campaign", "firmware_update"]

file = sa.Table(
    "file",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("site_id", null=True),
    text("station_id", null=True),
    text("job_id", null=True),
    text("kind"),
    text("name"),
    number("size_bytes"),
    text("sha256"),
    number("created_at"),
    sa.Index("ix_file_organisation_id", "organisation_id", "created_at"),
    sa.Index("ix_file_job_id", "job_id"),
)
"""What lies in the folder of files under its `id`; `name` is only what people read."""

file_pass = sa.Table(
    "file_pass",
    metadata,
    text("id", primary_key=True),
    column("secret_hash", sa.LargeBinary(), unique=True),
    organisation(),
    text("site_id", null=True),
    text("station_id"),
    text("job_id"),
    text("direction"),
    text("kind"),
    text("file_id", null=True),
    number("size_bytes"),
    number("delivered_bytes"),
    number("uses_left"),
    number("created_at"),
    number("expires_at"),
    sa.Index("ix_file_pass_expires_at", "expires_at"),
)
"""A pass for one transfer of one job. Of its secret only a keyed hash is kept."""

firmware = sa.Table(
    "firmware",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("file_id"),
    text("name"),
    text("version"),
    text("vendor", null=True),
    text("model", null=True),
    number("size_bytes"),
    text("sha256"),
    text("signing_certificate", null=True),
    text("signature", null=True),
    text("signature_state"),
    text("note", null=True),
    text("created_by"),
    number("created_at"),
    number("updated_at"),
    sa.Index("ix_firmware_organisation_id", "organisation_id", "created_at"),
)

firmware_campaign = sa.Table(
    "firmware_campaign",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("name"),
    text("firmware_id"),
    text("state"),
    text("reason", null=True),
    text("plan"),
    text("created_by"),
    number("created_at"),
    number("starts_at"),
    number("ends_at"),
    number("started_at", null=True),
    number("finished_at", null=True),
    sa.Index("ix_firmware_campaign_organisation_id", "organisation_id", "created_at"),
)
"""A roll-out of one firmware over many stations; `plan` is the JSON of its choices."""

firmware_update = sa.Table(
    "firmware_update",
    metadata,
    text("campaign_id", primary_key=True),
    number("position", primary_key=True, autoincrement=False),
    organisation(),
    text("station_id"),
    text("site_id", null=True),
    text("state"),
    text("job_id", null=True),
    text("detail", null=True),
    text("version_before", null=True),
    number("started_at", null=True),
    number("finished_at", null=True),
    sa.Index("ix_firmware_update_station_id", "station_id"),
    sqlite_with_rowid=False,
)
"""One station of a campaign."""
