"""What stations can be asked, as the API tells it: the tables of the protocol, read for people and forms."""

from typing import Final

from stationmaster.actions.v16 import COMMANDS
from stationmaster.actions.v16.dangers import DANGERS
from stationmaster.api.context import StationAction
from stationmaster.ocpp.envelopes import FrameOddity
from stationmaster.ocpp.json_schema import json_schema_of
from stationmaster.ocpp.oddities import OddityKind
from stationmaster.ocpp.v16 import V16

__all__ = ["ODDITY_KINDS", "station_actions"]

ODDITY_KINDS: Final = frozenset(map(str, (*OddityKind, *FrameOddity)))
"""Every deviation that is tolerated, by name."""


def station_actions() -> tuple[StationAction, ...]:
    """Every action by which we ask a station, in the order of their names."""
    return tuple(_told(name) for name in sorted(COMMANDS))


def _told(name: str) -> StationAction:
    row, danger = V16.actions[name], DANGERS.get(name)
    return StationAction(
        action=name,
        block=row.block,
        dangerous=danger is not None and danger.when is None,
        dangerous_when=None if danger is None else danger.when,
        why_dangerous=None if danger is None else danger.why,
        schema=json_schema_of(row.request),
    )
