"""What is stored about a site's stations, held against what its planner knows.

The rule that shapes this file: the database is the truth. Whatever happened, and whichever message
about it was lost, what the planner must be told is the difference between what is stored and what it
knows; told twice it is no difference any more.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from stationmaster.domain.load_management import inputs as said
from stationmaster.domain.load_management.state import ConnectorState
from stationmaster.domain.locations import Location
from stationmaster.domain.sites import Wiring
from stationmaster.domain.smart_charging.capabilities import Capabilities
from stationmaster.domain.smart_charging.installed import Mirror
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant
from stationmaster.services.load_management.ours import default_id, has, is_overruled, transaction_profile_id
from stationmaster.services.load_management.sending import stack_level_of
from stationmaster.storage import Storage

__all__ = ["Running", "Seen", "differences", "doubtful", "look", "online_input"]

_RECENT_US: Final = 300 * MICROSECONDS_PER_SECOND
_DOUBT_US: Final = 10 * MICROSECONDS_PER_SECOND
"""An old start that has just come in may be followed by its end at once: it was kept while the station was away."""


class Running(msgspec.Struct, frozen=True):
    """A transaction that has not ended."""

    evse_id: int
    ocpp_id: str
    started_at: Instant
    received_at: Instant


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A station as it is stored."""

    connected: bool
    running: tuple[Running, ...]
    mirror: Mirror


async def look(storage: Storage, station_ids: Sequence[str]) -> dict[str, Seen]:
    """How some stations are, by what is stored."""
    # The mirrors first: a transaction that ends meanwhile takes its profile along, and must be seen to have ended.
    mirrors = await storage.charging_profiles.mirrors_of(station_ids)
    connected = await storage.site_plans.connected(station_ids)
    running: dict[str, list[Running]] = {}
    for station_id, evse_id, ocpp_id, started_at, received_at in await storage.site_plans.running(station_ids):
        running.setdefault(station_id, []).append(Running(evse_id, ocpp_id, started_at, received_at))
    return {
        station_id: Seen(
            connected=station_id in connected,
            running=tuple(running.get(station_id, ())),
            mirror=mirrors.get(station_id, ()),
        )
        for station_id in station_ids
    }


def differences(
    state: ConnectorState, wiring: Wiring, capabilities: Capabilities, seen: Seen, looked_at: Instant, now: Instant
) -> Iterator[said.Input]:
    """What the planner must be told of a connector. `looked_at` is when the look began."""
    location = state.connector.location
    news = list(_transaction(state, wiring, seen.running, now))
    yield from news
    level = stack_level_of(wiring, capabilities)
    evse_id = location.evse_id or 0
    by_transaction = not state.connector.limits_outlive_transactions
    overruled = is_overruled(seen.mirror, evse_id, level, by_transaction=by_transaction)
    if overruled != state.overruled:
        yield said.Overruled(location=location, overruled=overruled)
    # What was confirmed since the look began cannot be in what was seen.
    if state.settled_at < looked_at and not news and _gone(state, seen.mirror, evse_id):
        yield said.ControlLost(station_id=location.station_id)


def newest(running: Sequence[Running], evse_id: int, now: Instant) -> Running | None:
    """The transaction of a connector, but for one whose end may follow its late start."""
    mine = [each for each in running if each.evse_id == evse_id]
    if not mine:
        return None
    last = max(mine, key=lambda each: (each.started_at, each.received_at))
    return None if doubtful(last, now) else last


def doubtful(running: Running, now: Instant) -> bool:
    """Whether it began long ago and was told only now (handbook §3.6.6)."""
    return running.received_at - running.started_at > _RECENT_US and now < running.received_at + _DOUBT_US


def _transaction(
    state: ConnectorState, wiring: Wiring, running: Sequence[Running], now: Instant
) -> Iterator[said.Input]:
    location, known = state.connector.location, state.transaction
    current = newest(running, location.evse_id or 0, now)
    if known is not None and (current is None or current.ocpp_id != known.transaction_id):
        yield said.TransactionStopped(location=location, transaction_id=known.transaction_id)
        known = None
    if current is not None and (known is None or known.priority != wiring.priority):
        yield said.TransactionStarted(
            location=location,
            transaction_id=current.ocpp_id,
            started_at=current.started_at,
            priority=wiring.priority,
        )


def _gone(state: ConnectorState, mirror: Mirror, evse_id: int) -> bool:
    """Whether a limit that the station confirmed is not there any more: somebody cleared or replaced it."""
    settled = state.slot.settled
    if settled is not None and settled.phases and not has(mirror, default_id(evse_id)):
        return True
    transaction = state.transaction
    if transaction is None or state.connector.limits_outlive_transactions:
        return False
    settled = transaction.slot.settled
    return settled is not None and not has(mirror, transaction_profile_id(evse_id))


def online_input(states: Mapping[Location, ConnectorState], station_id: str, *, connected: bool) -> list[said.Input]:
    """That a station came or went, if that is news."""
    mine = [state for location, state in states.items() if location.station_id == station_id]
    if not mine or all(state.online == connected for state in mine):
        return []
    if not connected:
        return [said.StationOffline(station_id=station_id)]
    forgetful = any(state.connector.forgets_offline for state in mine)
    return [
        said.StationOnline(station_id=station_id),
        *([said.ControlLost(station_id=station_id)] if forgetful else []),
    ]
