"""Webhooks and their deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=null)


def number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, BIGINT, nullable=null)


def upgrade() -> None:
    op.create_table(
        "webhook",
        text("id"),
        text("organisation_id"),
        text("name"),
        text("url"),
        text("event_types"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        text("disabled_reason", null=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        text("position"),
        number("attempts"),
        number("failing_since", null=True),
        number("next_at"),
        text("claimed_by"),
        number("claimed_until"),
        number("delivered_at", null=True),
        text("created_by"),
        number("created_at"),
        number("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook"),
    )
    op.create_index("ix_webhook_organisation_id", "webhook", ["organisation_id", "created_at"])
    op.create_table(
        "webhook_delivery",
        number("id"),
        text("organisation_id"),
        text("webhook_id"),
        text("event_id"),
        text("event_type"),
        text("station_id"),
        text("state"),
        number("status", null=True),
        text("error", null=True),
        number("duration_ms"),
        number("attempt"),
        text("reason"),
        number("at"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_delivery"),
    )
    op.create_index("ix_webhook_delivery_webhook_id", "webhook_delivery", ["webhook_id", "id"])


def downgrade() -> None:
    op.drop_table("webhook_delivery")
    op.drop_table("webhook")
