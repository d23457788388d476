"""Metadata and column kinds shared by all tables.

Times are BIGINT microseconds since the epoch (UTC), JSON is TEXT, enums are text, and no text
column has a width: what a station sends is kept (OCPP201-SLICE §6.16-17). Keys of rows that
grow with traffic are integers ordered by time, so that inserts touch the right edge of the
tree only; history has no foreign keys, since it outlives what it tells of.
"""

from typing import Any

import sqlalchemy as sa

__all__ = ["BIGINT", "TEXT", "column", "metadata", "number", "organisation", "text", "truth"]

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite takes only INTEGER PRIMARY KEY as the key of the table itself; both are 64 bits wide."""

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Compared byte by byte on both databases: identities and keys are not words of a language."""


def column(name: str, kind: Any, *, null: bool = False, **options: Any) -> sa.Column[Any]:
    """A column that must be given unless `null`."""
    return sa.Column(name, kind, nullable=null, **options)


def text(name: str, *, null: bool = False, **options: Any) -> sa.Column[Any]:
    """A text of any length."""
    return column(name, TEXT, null=null, **options)


def number(name: str, *, null: bool = False, **options: Any) -> sa.Column[Any]:
    """A 64-bit integer: ids, microseconds, watt-hours."""
    return column(name, BIGINT, null=null, **options)


def truth(name: str, *, null: bool = False, **options: Any) -> sa.Column[Any]:
    """True or false."""
    return column(name, sa.Boolean(), null=null, **options)


def organisation() -> sa.Column[Any]:
    """Whose row it is; "" when it belongs to nobody."""
    return text("organisation_id")
