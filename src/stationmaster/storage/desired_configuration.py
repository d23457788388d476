"""Writing how stations stand to what is desired of them: the last comparison of a station in a batch counts."""

import sqlalchemy as sa

from stationmaster.domain.desired_configuration import ConfigurationCompared
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables.desired_configuration import desired_key

__all__ = ["store_comparisons"]

_COLUMNS = tuple(column.name for column in desired_key.columns)
_STORE = insert_into(desired_key, _COLUMNS, keys=("station_id", "key_name"))


def store_comparisons(_batch: Batch, facts: list[ConfigurationCompared]) -> Program[None]:
    """Keep each station's desired keys as they are now; those that are desired no more go."""
    for fact in {fact.station_id: fact for fact in facts}.values():
        names = [each.key_name for each in fact.records]
        d = desired_key.c
        yield Execute(sa.delete(desired_key).where(d.station_id == fact.station_id, d.key_name.not_in(names)))
        if fact.records:
            yield Execute(_STORE, [tuple(getattr(each, name) for name in _COLUMNS) for each in fact.records])
