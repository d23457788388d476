"""Alerts: rules, what stands, what is waited for, recipients and e-mails."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=null)


def number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, BIGINT, nullable=null)


def truth(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "alert_rule",
        text("id"),
        text("organisation_id"),
        text("kind"),
        text("name"),
        truth("enabled"),
        text("severity"),
        text("parameters"),
        text("site_ids", null=True),
        text("recipient_ids", null=True),
        truth("is_default"),
        number("created_at"),
        number("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_rule"),
    )
    op.create_index("ix_alert_rule_organisation_id", "alert_rule", ["organisation_id", "kind"])
    op.create_table(
        "alert",
        text("id"),
        text("organisation_id"),
        text("rule_id"),
        text("kind"),
        text("severity"),
        text("subject"),
        text("station_id"),
        text("site_id", null=True),
        number("evse_id", null=True),
        text("summary"),
        text("details"),
        number("count"),
        number("first_at"),
        number("last_at"),
        number("acknowledged_at", null=True),
        text("acknowledged_by", null=True),
        text("comment", null=True),
        number("cleared_at", null=True),
        text("cleared_reason", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_alert"),
    )
    op.create_index("ix_alert_organisation_id", "alert", ["organisation_id", "first_at"])
    op.create_index("ix_alert_station_id", "alert", ["station_id", "first_at"])
    stands = sa.text("cleared_at IS NULL")
    op.create_index(
        "uq_alert_standing",
        "alert",
        ["subject", "rule_id"],
        unique=True,
        sqlite_where=stands,
        postgresql_where=stands,
    )
    op.create_table(
        "alert_watch",
        text("rule_id"),
        text("subject"),
        text("purpose"),
        text("organisation_id"),
        text("station_id"),
        number("evse_id", null=True),
        number("since"),
        number("due_at"),
        number("count"),
        text("details"),
        sa.PrimaryKeyConstraint("rule_id", "subject", "purpose", name="pk_alert_watch"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_alert_watch_due_at", "alert_watch", ["due_at"])
    op.create_index("ix_alert_watch_station_id", "alert_watch", ["station_id"])
    op.create_table(
        "feed",
        text("name"),
        text("position"),
        sa.PrimaryKeyConstraint("name", name="pk_feed"),
        sqlite_with_rowid=False,
    )
    _create_mail()


def _create_mail() -> None:
    op.create_table(
        "alert_recipient",
        text("id"),
        text("organisation_id"),
        text("name"),
        truth("enabled"),
        text("addresses"),
        text("language"),
        text("minimum_severity"),
        text("site_ids", null=True),
        truth("tell_cleared"),
        text("quiet_hours", null=True),
        number("created_at"),
        number("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_recipient"),
    )
    op.create_index("ix_alert_recipient_organisation_id", "alert_recipient", ["organisation_id", "created_at"])
    op.create_table(
        "alert_notice",
        text("recipient_id"),
        text("alert_id"),
        text("step"),
        text("severity"),
        number("created_at"),
        sa.PrimaryKeyConstraint("recipient_id", "alert_id", "step", name="pk_alert_notice"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_alert_notice_created_at", "alert_notice", ["created_at"])
    op.create_table(
        "email",
        text("id"),
        text("organisation_id"),
        text("recipient_id"),
        text("recipient_name"),
        text("addresses"),
        text("subject"),
        text("body"),
        number("alerts"),
        text("state"),
        number("attempts"),
        number("next_at"),
        number("claimed_until"),
        text("error", null=True),
        number("created_at"),
        number("sent_at", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_email"),
    )
    op.create_index("ix_email_organisation_id", "email", ["organisation_id", "created_at"])
    waits = sa.text("state = 'waiting'")
    op.create_index("ix_email_next_at", "email", ["next_at"], sqlite_where=waits, postgresql_where=waits)


def downgrade() -> None:
    for table in ("email", "alert_notice", "alert_recipient", "feed", "alert_watch", "alert", "alert_rule"):
        op.drop_table(table)
