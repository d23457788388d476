"""Quirk profiles, and which one was chosen for a station."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0006"
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "quirk_profile",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("vendor", TEXT, nullable=True),
        sa.Column("model", TEXT, nullable=True),
        sa.Column("firmware", TEXT, nullable=True),
        sa.Column("quirks", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=True),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quirk_profile"),
    )
    op.create_index("ix_quirk_profile_organisation_id", "quirk_profile", ["organisation_id", "created_at"])
    op.add_column("station", sa.Column("quirk_profile_id", TEXT, nullable=True))


def downgrade() -> None:
    op.drop_column("station", "quirk_profile_id")
    op.drop_table("quirk_profile")
