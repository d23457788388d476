"""Identities that two devices claim: told, contested when they do not stop, settled by a person (RELIABILITY S-02).

The rule that shapes this file: everything is counted and kept in the database, so it is the same on every node and
after every restart. Nothing of it is on the way of a message.
"""

import structlog

from stationmaster.bus import BusError, NoResponder
from stationmaster.domain.errors import Conflict, NotFound, Unavailable
from stationmaster.domain.facts import Fact
from stationmaster.domain.identity_contests import (
    CONTESTED,
    COUNTED,
    COUNTED_US,
    MOST_MOVES,
    MOVED,
    SETTLED,
    IdentityContested,
    IdentitySettled,
    is_one_too_many,
)
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.disconnections import Disconnections
from stationmaster.services.security_events import security_event
from stationmaster.storage import AlreadyStored

__all__ = ["IdentityContests"]

log = structlog.get_logger(__name__)


class IdentityContests:
    """Counts moves, begins contests, and lets people end them."""

    def __init__(self, context: ServiceContext, disconnections: Disconnections) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._disconnections = disconnections

    async def replacing(self, station: Station, addresses: tuple[str, ...]) -> None:
        """Say aloud that connections replace each other too often, from wherever they come (handbook §1.11)."""
        log.error("identity.replacing", station_id=station.id, addresses=addresses)
        words = f"Connections from {' and '.join(addresses)} keep replacing each other."
        await self._storage.record([_event(station, CONTESTED, words, self._clock(), critical=True)])

    async def moved(self, station_id: str, addresses: tuple[str, str]) -> None:
        """A connection was replaced by one from another address while its device lived; one too many is a contest."""
        station = await self._storage.stations.get(station_id)
        if station is None:
            return
        now = self._clock()
        earlier = await self._storage.security_events.find(
            station.organisation_id, station_id=station_id, type=COUNTED, since=now - COUNTED_US, limit=MOST_MOVES
        )
        if station.contested_since is None and is_one_too_many([each.type for each in earlier.items]):
            log.error("identity.contested", station_id=station_id, addresses=addresses)
            await self._storage.record(_begun(station, addresses, now))
            return
        log.warning("identity.moved", station_id=station_id, addresses=addresses)
        words = f"A connection from {addresses[0]} was replaced by one from {addresses[1]} while its device was there."
        await self._storage.record([_event(station, MOVED, words, now)])

    async def settle(self, organisation_id: str, station_id: str, *, disconnect: bool = False) -> Station:
        """End a contest: the newest connection wins again. `disconnect` first parts with the one that is in.

        Raises NotFound, Conflict (`identity_not_contested`), and Unavailable when the node that holds the connection
        cannot be reached; then nothing has changed.
        """
        station = await self._storage.stations.get(station_id)
        if station is None or station.organisation_id != organisation_id:
            raise NotFound("station_unknown", f"There is no station `{station_id}`.")
        if station.contested_since is None:
            raise _not_contested(station_id)
        if disconnect:
            await self._send_away(station)
        now = self._clock()
        settled = IdentitySettled(organisation_id=organisation_id, station_id=station_id, received_at=now)
        words = "A person has decided whose the identity is."
        outcome, _ = await self._storage.record([settled, _event(station, SETTLED, words, now)])
        if isinstance(outcome, AlreadyStored):
            raise _not_contested(station_id)
        found = await self._storage.stations.get(station_id)
        return station if found is None else found

    async def _send_away(self, station: Station) -> None:
        try:
            await self._disconnections.part_with(station)
        except NoResponder:
            log.info("identity.node_gone", station_id=station.id, node_id=station.node_id)
        except BusError as error:
            words = f"The station was not disconnected, and nothing is settled: {error}."
            raise Unavailable("node_unreachable", words) from error


def _begun(station: Station, addresses: tuple[str, str], now: Instant) -> list[Fact]:
    old, new = addresses
    words = (
        f"Connections from {old} and {new} keep replacing each other. The one from {new} stays in until it is settled."
    )
    contest = IdentityContested(
        organisation_id=station.organisation_id, station_id=station.id, received_at=now, remote_addresses=addresses
    )
    return [contest, _event(station, CONTESTED, words, now, critical=True)]


def _event(station: Station, name: str, words: str, now: Instant, *, critical: bool = False) -> Fact:
    return security_event(station.organisation_id, station.id, name, words, now, critical=critical)


def _not_contested(station_id: str) -> Conflict:
    return Conflict("identity_not_contested", f"Nobody contests the identity of `{station_id}` (any more).")
