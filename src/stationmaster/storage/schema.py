"""Which schema this program is written for."""

from stationmaster.storage.errors import SchemaMismatch

__all__ = ["REVISION", "check_revision"]

REVISION = "0019"
"""The newest migration that this program knows."""


def check_revision(found: str | None) -> None:
    """Raise `SchemaMismatch` unless the database has the schema that this program is written for."""
    if found is None:
        raise SchemaMismatch("the database has no tables yet: run `stationmaster migrate`")
    if found > REVISION:
        raise SchemaMismatch(
            f"the database was changed by a newer version of this program (its schema is {found}, "
            f"this version knows {REVISION}): install that version again, or restore a backup"
        )
    if found < REVISION:
        raise SchemaMismatch(
            f"the schema of the database is {found}, {REVISION} is needed: run `stationmaster migrate`"
        )
