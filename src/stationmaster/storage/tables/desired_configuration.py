"""Tables of desired configuration, and of commands that wait for their stations."""

import sqlalchemy as sa

from stationmaster.storage.tables.base import column, metadata, number, organisation, text, truth

__all__ = [
    "configuration_job",
    "configuration_template",
    "desired_key",
    "followed_station",
    "persistent_command",
    "secret_key",
]

configuration_template = sa.Table(
    "configuration_template",
    metadata,
    text("id", primary_key=True),
    organisation(),
    text("name"),
    text("entries"),
    column("sealed", sa.LargeBinary(), null=True),
    number("priority"),
    text("vendor", null=True),
    text("model", null=True),
    text("firmware", null=True),
    text("site_id", null=True),
    text("mode"),
    text("reboot"),
    text("note", null=True),
    number("created_at"),
    number("updated_at"),
    sa.Index("ix_configuration_template_organisation_id", "organisation_id", "name"),
)
"""`entries` is JSON without secrets; those are in `sealed`, encrypted."""

followed_station = sa.Table(
    "followed_station",
    metadata,
    text("station_id", primary_key=True),
    organisation(),
    text("mode"),
    text("template_ids"),
    number("failures"),
    number("not_before"),
    number("updated_at"),
    sqlite_with_rowid=False,
)

desired_key = sa.Table(
    "desired_key",
    metadata,
    text("station_id", primary_key=True),
    text("key_name", primary_key=True),
    organisation(),
    text("key"),
    text("template_id"),
    text("mode"),
    truth("secret"),
    text("state"),
    text("reason"),
    text("desired", null=True),
    text("actual", null=True),
    number("since"),
    number("checked_at"),
    text("answer", null=True),
    number("answer_at", null=True),
    text("answer_hash", null=True),
    text("answer_firmware", null=True),
    number("attempts"),
    number("next_attempt_at", null=True),
    sa.Index("ix_desired_key_organisation_id", "organisation_id", "state"),
    sqlite_with_rowid=False,
)
"""Every desired key of the stations that are followed, as it was compared last."""

configuration_job = sa.Table(
    "configuration_job",
    metadata,
    text("job_id", primary_key=True),
    organisation(),
    text("station_id"),
    text("site_id", null=True),
    text("run_id"),
    text("template_id", null=True),
    truth("persons"),
    text("step"),
    text("changed"),
    number("attempts"),
    number("step_at"),
    number("deadline"),
    number("claimed_until"),
    number("created_at"),
    number("finished_at", null=True),
    text("result", null=True),
    sa.Index("ix_configuration_job_station_id", "station_id"),
    sa.Index("ix_configuration_job_run_id", "run_id"),
)
"""Where the application of a configuration stands; the job itself is a row of `job`."""

secret_key = sa.Table(
    "secret_key",
    metadata,
    text("organisation_id", primary_key=True),
    text("key_name", primary_key=True),
    sqlite_with_rowid=False,
)
"""Names of keys that some template once marked secret: their values are hidden from then on."""

persistent_command = sa.Table(
    "persistent_command",
    metadata,
    text("job_id", primary_key=True),
    organisation(),
    text("station_id"),
    column("sealed", sa.LargeBinary()),
    number("deadline"),
    number("claimed_until"),
    number("attempted_at", null=True),
    number("created_at"),
    sa.Index("ix_persistent_command_station_id", "station_id"),
)
"""Commands that wait for their station; `sealed` holds what is to be sent, which may be a secret."""
