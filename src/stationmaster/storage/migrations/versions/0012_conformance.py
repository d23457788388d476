"""Runs of the conformance kit."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "conformance_run",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("node_id", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("driver", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=True),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("finished_at", BIGINT, nullable=True),
        sa.Column("product", TEXT, nullable=True),
        sa.Column("version", TEXT, nullable=True),
        sa.Column("detail", TEXT, nullable=True),
        sa.Column("prompt", TEXT, nullable=True),
        sa.Column("prompt_waits", sa.Boolean(), nullable=False),
        sa.Column("passed", BIGINT, nullable=False),
        sa.Column("failed", BIGINT, nullable=False),
        sa.Column("not_run", BIGINT, nullable=False),
        sa.Column("total", BIGINT, nullable=False),
        sa.Column("has_report", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conformance_run"),
    )
    op.create_index("ix_conformance_run_organisation_id", "conformance_run", ["organisation_id", "created_at"])
    op.create_table(
        "conformance_case",
        sa.Column("run_id", TEXT, nullable=False),
        sa.Column("position", BIGINT, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("functionality", TEXT, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("seconds", sa.Float(53), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "position", name="pk_conformance_case"),
    )
    op.create_table(
        "conformance_report",
        sa.Column("run_id", TEXT, nullable=False),
        sa.Column("document", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_conformance_report"),
    )


def downgrade() -> None:
    op.drop_table("conformance_report")
    op.drop_table("conformance_case")
    op.drop_table("conformance_run")
