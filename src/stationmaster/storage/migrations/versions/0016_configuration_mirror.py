"""Configuration keys that differ in case only are one; a value that waits for a boot is not the one in force."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_PLAIN = "station_id, component, variable, organisation_id, readonly, supported, write_status, read_at, written_at"


def upgrade() -> None:
    """The row that was read last stays of those that differ in case only."""
    op.execute(
        "CREATE TEMPORARY TABLE told AS SELECT v.*, lower(trim(v.variable)) AS variable_key,"
        " v.write_status = 'reboot_required' AND v.written_at > COALESCE(v.read_at, 0)"
        " AND v.written_at > COALESCE((SELECT last_boot_at FROM station WHERE station.id = v.station_id), 0) AS waits,"
        " row_number() OVER (PARTITION BY v.station_id, v.component, lower(trim(v.variable))"
        " ORDER BY COALESCE(v.read_at, 0) DESC, COALESCE(v.written_at, 0) DESC, v.variable) AS place"
        " FROM variable AS v"
    )
    op.drop_table("variable")
    create_table(sa.Column("variable_key", TEXT, nullable=False), sa.Column("pending_value", TEXT, nullable=True))
    op.create_index(
        "ix_variable_pending",
        "variable",
        ["station_id"],
        sqlite_where=sa.text("pending_value IS NOT NULL"),
        postgresql_where=sa.text("pending_value IS NOT NULL"),
    )
    op.execute(
        f"INSERT INTO variable ({_PLAIN}, variable_key, value, pending_value) SELECT {_PLAIN}, variable_key,"  # noqa: S608 -- names of columns
        " CASE WHEN waits THEN NULL ELSE value END, CASE WHEN waits THEN value END FROM told WHERE place = 1"
    )
    op.execute("DROP TABLE told")


def downgrade() -> None:
    """What waits for a boot becomes the value again, as it was before."""
    op.execute("CREATE TEMPORARY TABLE told AS SELECT * FROM variable")
    op.drop_table("variable")
    create_table()
    op.execute(
        f"INSERT INTO variable ({_PLAIN}, value) SELECT {_PLAIN}, COALESCE(pending_value, value) FROM told"  # noqa: S608 -- names of columns
    )
    op.execute("DROP TABLE told")


def create_table(*more: sa.Column[Any]) -> None:
    """The table before, or with `more`, of which the first is part of the key instead of the spelling."""
    name = more[0].name if more else "variable"
    op.create_table(
        "variable",
        sa.Column("station_id", TEXT, nullable=False),
        sa.Column("component", TEXT, nullable=False),
        sa.Column("variable", TEXT, nullable=False),
        sa.Column("organisation_id", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=True),
        sa.Column("readonly", sa.Boolean(), nullable=True),
        sa.Column("supported", sa.Boolean(), nullable=False),
        sa.Column("write_status", TEXT, nullable=True),
        sa.Column("read_at", BIGINT, nullable=True),
        sa.Column("written_at", BIGINT, nullable=True),
        *more,
        sa.PrimaryKeyConstraint("station_id", "component", name, name="pk_variable"),
        sqlite_with_rowid=False,
    )
