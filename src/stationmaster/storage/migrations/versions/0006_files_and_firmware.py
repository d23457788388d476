"""Files, passes to fetch or bring one, firmware, and campaigns that spread it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    create_files()
    create_firmware()
    create_campaigns()


def downgrade() -> None:
    op.drop_table("firmware_update")
    op.drop_table("firmware_campaign")
    op.drop_table("firmware")
    op.drop_table("file_pass")
    op.drop_table("file")


def create_files() -> None:
    """Create the tables of what lies in the folder of files, and of who may reach it."""
    op.create_table(
        "file",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=True),
        sa.Column("station_id", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size_bytes", BIGINT, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_file"),
    )
    op.create_index("ix_file_organisation_id", "file", ["organisation_id", "created_at"])
    op.create_index("ix_file_job_id", "file", ["job_id"])
    op.create_table(
        "file_pass",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=True),
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=True),
        sa.Column("size_bytes", BIGINT, nullable=False),
        sa.Column("delivered_bytes", BIGINT, nullable=False),
        sa.Column("uses_left", BIGINT, nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("expires_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_file_pass"),
        sa.UniqueConstraint("secret_hash", name="uq_file_pass_secret_hash"),
    )
    op.create_index("ix_file_pass_expires_at", "file_pass", ["expires_at"])


def create_firmware() -> None:
    """Create the table of the firmware library."""
    op.create_table(
        "firmware",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("size_bytes", BIGINT, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("signing_certificate", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("signature_state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_firmware"),
    )
    op.create_index("ix_firmware_organisation_id", "firmware", ["organisation_id", "created_at"])


def create_campaigns() -> None:
    """Create the tables of campaigns and of their stations."""
    op.create_table(
        "firmware_campaign",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("firmware_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("starts_at", BIGINT, nullable=False),
        sa.Column("ends_at", BIGINT, nullable=False),
        sa.Column("started_at", BIGINT, nullable=True),
        sa.Column("finished_at", BIGINT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_firmware_campaign"),
    )
    op.create_index("ix_firmware_campaign_organisation_id", "firmware_campaign", ["organisation_id", "created_at"])
    op.create_table(
        "firmware_update",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("position", BIGINT, autoincrement=False, nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("station_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("version_before", sa.Text(), nullable=True),
        sa.Column("started_at", BIGINT, nullable=True),
        sa.Column("finished_at", BIGINT, nullable=True),
        sa.PrimaryKeyConstraint("campaign_id", "position", name="pk_firmware_update"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_firmware_update_station_id", "firmware_update", ["station_id"])
