"""Profiles that follow local time: when the stations that hold some are next looked at."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SOME = sa.text("local_time_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("installed_profiles", sa.Column("local_time_at", BIGINT, nullable=True))
    op.add_column("installed_profiles", sa.Column("local_time_zone", TEXT, nullable=True))
    op.add_column("installed_profiles", sa.Column("claimed_until", BIGINT, nullable=True))
    op.create_index(
        "ix_installed_profiles_local_time_at",
        "installed_profiles",
        ["local_time_at"],
        sqlite_where=SOME,
        postgresql_where=SOME,
    )


def downgrade() -> None:
    op.drop_index("ix_installed_profiles_local_time_at", "installed_profiles")
    op.drop_column("installed_profiles", "claimed_until")
    op.drop_column("installed_profiles", "local_time_zone")
    op.drop_column("installed_profiles", "local_time_at")
