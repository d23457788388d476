"""Desired configuration: templates, stations that are followed, their keys and jobs; commands that wait."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def text(name: str, *, null: bool = False) -> sa.Column[Any]:
    """A text."""
    return sa.Column(name, TEXT, nullable=null)


def number(name: str, *, null: bool = False) -> sa.Column[Any]:
    """A number."""
    return sa.Column(name, BIGINT, nullable=null)


def truth(name: str) -> sa.Column[Any]:
    """True or false."""
    return sa.Column(name, sa.Boolean(), nullable=False)


def upgrade() -> None:
    create_templates()
    create_stations()
    create_jobs()


def downgrade() -> None:
    for table in (
        "persistent_command",
        "configuration_job",
        "desired_key",
        "followed_station",
        "secret_key",
        "configuration_template",
    ):
        op.drop_table(table)


def create_templates() -> None:
    """Create the tables of what is desired."""
    op.create_table(
        "configuration_template",
        *(text(name) for name in ("id", "organisation_id", "name", "entries")),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        number("priority"),
        *(text(name, null=True) for name in ("vendor", "model", "firmware", "site_id")),
        text("mode"),
        text("reboot"),
        text("note", null=True),
        number("created_at"),
        number("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_configuration_template"),
    )
    op.create_index("ix_configuration_template_organisation_id", "configuration_template", ["organisation_id", "name"])
    op.create_table(
        "secret_key",
        text("organisation_id"),
        text("key_name"),
        sa.PrimaryKeyConstraint("organisation_id", "key_name", name="pk_secret_key"),
        sqlite_with_rowid=False,
    )


def create_stations() -> None:
    """Create the tables of how stations stand to what is desired."""
    op.create_table(
        "followed_station",
        *(text(name) for name in ("station_id", "organisation_id", "mode", "template_ids")),
        *(number(name) for name in ("failures", "not_before", "updated_at")),
        sa.PrimaryKeyConstraint("station_id", name="pk_followed_station"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "desired_key",
        *(text(name) for name in ("station_id", "key_name", "organisation_id", "key", "template_id", "mode")),
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
        sa.PrimaryKeyConstraint("station_id", "key_name", name="pk_desired_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_desired_key_organisation_id", "desired_key", ["organisation_id", "state"])


def create_jobs() -> None:
    """Create the tables of what is under way, and of what waits."""
    op.create_table(
        "configuration_job",
        *(text(name) for name in ("job_id", "organisation_id", "station_id")),
        text("site_id", null=True),
        text("run_id"),
        text("template_id", null=True),
        truth("persons"),
        text("step"),
        text("changed"),
        *(number(name) for name in ("attempts", "step_at", "deadline", "claimed_until", "created_at")),
        number("finished_at", null=True),
        text("result", null=True),
        sa.PrimaryKeyConstraint("job_id", name="pk_configuration_job"),
    )
    op.create_index("ix_configuration_job_station_id", "configuration_job", ["station_id"])
    op.create_index("ix_configuration_job_run_id", "configuration_job", ["run_id"])
    op.create_table(
        "persistent_command",
        *(text(name) for name in ("job_id", "organisation_id", "station_id")),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        number("deadline"),
        number("claimed_until"),
        number("attempted_at", null=True),
        number("created_at"),
        sa.PrimaryKeyConstraint("job_id", name="pk_persistent_command"),
    )
    op.create_index("ix_persistent_command_station_id", "persistent_command", ["station_id"])
