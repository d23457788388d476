"""Writing a station's configuration: as it was read, and as it was set.

The rule that shapes this file: a key is one key however it is spelled (§2.1), and what is in force is never overwritten
by what waits for a boot (§3.3.3).
"""

from collections.abc import Iterable

import sqlalchemy as sa

from stationmaster.domain.configuration_drift import key_name
from stationmaster.domain.facts import ConfigurationReported, ConfigurationValueChanged, StationBooted
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into, update_by
from stationmaster.storage.tables import variable
from stationmaster.storage.text import clip

__all__ = ["UNKNOWN_COMPONENT", "name_key", "store_changes", "store_reports", "take_pending"]

UNKNOWN_COMPONENT = "OCPP16"
"""The component of a variable that a station does not know: 1.6 names keys without components."""

_KEYS = ("station_id", "component", "variable_key")
_READ = (*_KEYS, "variable", "organisation_id", "value", "readonly", "supported", "read_at")
_AS_READ = {name: f'excluded."{name}"' for name in _READ if name not in _KEYS} | {
    # What was told is what waited: so it waits no more. Else the boot is still to come, for all that was heard.
    "pending_value": "CASE WHEN excluded.supported AND (excluded.value IS NULL"
    " OR excluded.value <> variable.pending_value) THEN variable.pending_value END"
}
_SPELLED_AS_BEFORE = {
    "variable": "CASE WHEN variable.read_at IS NULL THEN excluded.variable ELSE variable.variable END"
}
_WHOLE_REPORT = insert_into(variable, _READ, keys=_KEYS, changes=_AS_READ)
_REPORT = insert_into(variable, _READ, keys=_KEYS, changes=_AS_READ | _SPELLED_AS_BEFORE)

_SET = (*_KEYS, "variable", "organisation_id", "value", "pending_value", "supported", "write_status", "written_at")
_CHANGED = ("pending_value", "supported", "write_status", "written_at")
_PENDING = insert_into(variable, _SET, keys=_KEYS, changes={name: f'excluded."{name}"' for name in _CHANGED})
_CHANGE = insert_into(variable, _SET, keys=_KEYS, changes={name: f'excluded."{name}"' for name in ("value", *_CHANGED)})

_TAKE_PENDING = update_by(
    variable,
    ("station_id",),
    ("written_at",),
    changes={"value": "t.pending_value", "pending_value": "NULL", "written_at": "t.written_at"},
    # A station that is not accepted repeats its BootNotification without a boot (§1.13), unless it came in anew.
    where="t.pending_value IS NOT NULL AND t.written_at < :written_at AND (NOT EXISTS (SELECT 1 FROM station"
    " WHERE station.id = t.station_id AND station.reported_state IN ('Pending', 'Rejected')) OR EXISTS (SELECT 1"
    " FROM presence WHERE presence.station_id = t.station_id AND presence.connected_at > t.written_at))",
)


def name_key(name: str) -> str:
    """The name of a variable as it is compared."""
    return clip(key_name(name))


def store_reports(_batch: Batch, facts: list[ConfigurationReported]) -> Program[None]:
    """Merge what was read, report by report; a complete one also removes what it does not name."""
    for fact in facts:
        head, tail = fact.station_id, (fact.organisation_id,)
        rows = {(UNKNOWN_COMPONENT, name_key(name)): (clip(name), (None, None, False)) for name in fact.unknown} | {
            (clip(item.component), name_key(item.variable)): (clip(item.variable), (item.value, item.readonly, True))
            for item in fact.values
        }
        if rows:
            yield Execute(
                _WHOLE_REPORT if fact.complete else _REPORT,
                [(head, *key, name, *tail, *values, fact.received_at) for key, (name, values) in rows.items()],
            )
        if fact.complete:
            yield Execute(sa.delete(variable).where(variable.c.station_id == head, _was_before(fact.received_at)))


def _was_before(read_at: int) -> sa.ColumnElement[bool]:
    """What a whole reading at that time replaces: all but secrets that were set, which stations do not tell (§3.4)."""
    v = variable.c
    is_secret = sa.and_(v.value.is_(None), v.pending_value.is_(None))
    only_set = sa.and_(v.read_at.is_(None), v.written_at < read_at, sa.not_(is_secret))
    return sa.or_(v.read_at < read_at, only_set)


def store_changes(_batch: Batch, facts: list[ConfigurationValueChanged]) -> Program[None]:
    """Keep what was set; the last one of a variable counts. A secret's value is None."""
    in_force, pending = {}, {}
    for fact in facts:
        key = (fact.station_id, clip(fact.component), name_key(fact.variable))
        if fact.status == "reboot_required":
            pending[key] = fact
        else:
            in_force[key] = fact
            pending.pop(key, None)
    for statement, kept in ((_CHANGE, in_force), (_PENDING, pending)):
        if kept:
            yield Execute(statement, [_row(key, fact) for key, fact in kept.items()])


def _row(key: tuple[str, str, str], fact: ConfigurationValueChanged) -> tuple[object, ...]:
    waits = fact.status == "reboot_required"
    values = (None, fact.value) if waits else (fact.value, None)
    return (*key, clip(fact.variable), fact.organisation_id, *values, True, fact.status, fact.received_at)


def take_pending(facts: Iterable[StationBooted]) -> Execute:
    """What waited for a boot is in force after it. To be done before the answer to the boot is stored."""
    return Execute(_TAKE_PENDING, [(fact.station_id, fact.received_at) for fact in facts])
