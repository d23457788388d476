"""What stations hold of charging profiles, and the library of profiles."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "installed_profiles",
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("mirror", TEXT, nullable=False),
        sa.Column("changed_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("station_id", name="pk_installed_profiles"),
    )
    op.create_table(
        "charging_profile",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("site_id", TEXT, nullable=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=True),
        sa.Column("profile", TEXT, nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_charging_profile"),
    )
    op.create_index("ix_charging_profile_organisation_id_name", "charging_profile", ["organisation_id", "name"])


def downgrade() -> None:
    op.drop_table("charging_profile")
    op.drop_table("installed_profiles")
