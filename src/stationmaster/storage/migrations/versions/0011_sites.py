"""Sites: what operators keep, what planners know, and the history.

Whatever stations have as their `site_id` becomes a site of that name. It has no limit, so nothing is
shared there until somebody sets one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "site",
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("address", TEXT, nullable=True),
        sa.Column("latitude", sa.Float(53), nullable=True),
        sa.Column("longitude", sa.Float(53), nullable=True),
        sa.Column("time_zone", TEXT, nullable=False),
        sa.Column("nominal_voltage_v", BIGINT, nullable=False),
        sa.Column("phases", TEXT, nullable=False),
        sa.Column("policy", TEXT, nullable=False),
        sa.Column("limits", TEXT, nullable=False),
        sa.Column("meter", TEXT, nullable=True),
        sa.Column("settings", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=True),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "id", name="pk_site"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "site_schedule",
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("site_id", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("entries", TEXT, nullable=False),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "site_id", "source", name="pk_site_schedule"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "wiring",
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("evse_id", BIGINT, nullable=False, autoincrement=False),
        sa.Column("data", TEXT, nullable=False),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("station_id", "evse_id", name="pk_wiring"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "site_plan",
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("site_id", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=True),
        sa.Column("owned_until", BIGINT, nullable=False),
        sa.Column("epoch", BIGINT, nullable=False),
        sa.Column("snapshot", TEXT, nullable=True),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "site_id", name="pk_site_plan"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "site_release",
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("evse_id", BIGINT, nullable=False, autoincrement=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("station_id", "evse_id", name="pk_site_release"),
        sqlite_with_rowid=False,
    )
    _history()
    op.execute(
        "INSERT INTO site (organisation_id, id, name, time_zone, nominal_voltage_v, phases, policy, limits, settings,"
        " created_at, updated_at) SELECT organisation_id, site_id, site_id, 'UTC', 230, '[0,1,2]', 'equal', '[]', '{}',"
        " min(created_at), min(created_at) FROM station WHERE site_id IS NOT NULL AND site_id <> ''"
        " GROUP BY organisation_id, site_id"
    )


def _history() -> None:
    op.create_table(
        "site_load",
        sa.Column("id", BIGINT, nullable=False, autoincrement=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("site_id", TEXT, nullable=False),
        sa.Column("at", BIGINT, nullable=False),
        sa.Column("data", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_site_load"),
    )
    op.create_index("ix_site_load_site_id", "site_load", ["organisation_id", "site_id", "at"])
    op.create_table(
        "site_decision",
        sa.Column("id", BIGINT, nullable=False, autoincrement=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("site_id", TEXT, nullable=False),
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("at", BIGINT, nullable=False),
        sa.Column("data", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_site_decision"),
    )
    op.create_index("ix_site_decision_site_id", "site_decision", ["organisation_id", "site_id", "id"])


def downgrade() -> None:
    for table in ("site_decision", "site_load", "site_release", "site_plan", "wiring", "site_schedule", "site"):
        op.drop_table(table)
