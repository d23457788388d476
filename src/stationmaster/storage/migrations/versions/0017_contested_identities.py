"""Since when an identity is contested."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("station", sa.Column("contested_since", BIGINT, nullable=True))


def downgrade() -> None:
    op.drop_column("station", "contested_since")
