"""Reservations, and local authorization lists."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    create_reservations()
    create_lists()


def downgrade() -> None:
    op.drop_table("local_list")
    op.drop_table("reservation")


def create_reservations() -> None:
    """Create the table of reservations."""
    op.create_table(
        "reservation",
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("reservation_id", BIGINT, nullable=False, autoincrement=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("site_id", TEXT, nullable=True),
        sa.Column("evse_id", BIGINT, nullable=True),
        sa.Column("connector_id", BIGINT, nullable=True),
        sa.Column("id_tag", TEXT, nullable=False),
        sa.Column("parent_id_tag", TEXT, nullable=True),
        sa.Column("expires_at", BIGINT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("answer", TEXT, nullable=True),
        sa.Column("job_id", TEXT, nullable=True),
        sa.Column("transaction_id", BIGINT, nullable=True),
        sa.Column("cancelling", sa.Boolean(), nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.Column("history", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("station_id", "reservation_id", name="pk_reservation"),
    )
    op.create_index("ix_reservation_organisation_id_created_at", "reservation", ["organisation_id", "created_at"])
    op.create_index("ix_reservation_state", "reservation", ["state", "expires_at"])


def create_lists() -> None:
    """Create the table of local lists."""
    op.create_table(
        "local_list",
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("selection", TEXT, nullable=False),
        sa.Column("version", BIGINT, nullable=True),
        sa.Column("station_version", BIGINT, nullable=True),
        sa.Column("acknowledged", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("schedule_hours", sa.Float(), nullable=True),
        sa.Column("synchronised_at", BIGINT, nullable=True),
        sa.Column("checked_at", BIGINT, nullable=True),
        sa.Column("problem", TEXT, nullable=True),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("station_id", name="pk_local_list"),
    )
