"""Writing a station's configuration: as it was read, and as it was set."""

import sqlalchemy as sa

from stationmaster.domain.facts import ConfigurationReported, ConfigurationValueChanged
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables import variable
from stationmaster.storage.text import clip

__all__ = ["UNKNOWN_COMPONENT", "store_changes", "store_reports"]

UNKNOWN_COMPONENT = "OCPP16"
"""The component of a variable that a station does not know: 1.6 names keys without components."""

_KEYS = ("station_id", "component", "variable")
_REPORT = insert_into(
    variable,
    (*_KEYS, "organisation_id", "value", "readonly", "supported", "read_at"),
    keys=_KEYS,
)
_CHANGE = insert_into(
    variable,
    (*_KEYS, "organisation_id", "value", "supported", "write_status", "written_at"),
    keys=_KEYS,
)


def store_reports(_batch: Batch, facts: list[ConfigurationReported]) -> Program[None]:
    """Merge what was read, report by report; a complete one also removes what it does not name."""
    for fact in facts:
        head, tail = fact.station_id, (fact.organisation_id,)
        rows = {(UNKNOWN_COMPONENT, clip(name)): (None, None, False) for name in fact.unknown} | {
            (clip(item.component), clip(item.variable)): (item.value, item.readonly, True) for item in fact.values
        }
        if rows:
            yield Execute(_REPORT, [(head, *key, *tail, *values, fact.received_at) for key, values in rows.items()])
        if fact.complete:
            v = variable.c
            older = sa.and_(v.station_id == fact.station_id, v.read_at < fact.received_at)
            yield Execute(sa.delete(variable).where(older))


def store_changes(_batch: Batch, facts: list[ConfigurationValueChanged]) -> Program[None]:
    """Keep what was set; the last one of a variable counts. A secret's value is None."""
    latest = {(fact.station_id, clip(fact.component), clip(fact.variable)): fact for fact in facts}
    yield Execute(
        _CHANGE,
        [(*key, fact.organisation_id, fact.value, True, fact.status, fact.received_at) for key, fact in latest.items()],
    )
