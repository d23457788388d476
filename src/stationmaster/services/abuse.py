"""Stations that reach for what is not theirs: ids of other stations, and tags by guessing (RELIABILITY S-05, S-07).

The rule that shapes this file: a station is never refused what the handbook owes it; what it does is told
to the operator, and what it learns from guessing is nothing.
"""

from collections import OrderedDict
from typing import Final

import structlog

from stationmaster.domain.tokens import key_of
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.presence import PresentStation
from stationmaster.services.security_events import security_event
from stationmaster.storage.errors import StorageError

__all__ = ["ForeignIds", "GuessGuard"]

log = structlog.get_logger(__name__)

WINDOW_US: Final = 600 * 1_000_000
MOST_UNKNOWN: Final = 40
"""Different unknown tags at one station in ten minutes: no crowd of drivers does that, a machine does."""
STATIONS_REMEMBERED: Final = 10_000
WELCOME_REMEMBERED: Final = 500


class ForeignIds:
    """Tells of transaction ids that belong to another station. They change nothing, whoever sends them."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage

    async def transaction(self, station: PresentStation, ocpp_id: str, now: Instant) -> None:
        """The station named a transaction that is not its own: tell it if it is another station's."""
        try:
            owner = await self._storage.transactions.owner_of(ocpp_id)
            if owner is None or owner == station.station_id:
                return
            log.warning("abuse.foreign_transaction", station_id=station.station_id, transaction_id=ocpp_id)
            words = f"The station named transaction {ocpp_id}, which belongs to another station. Nothing was changed."
            fact = security_event(station.organisation_id, station.station_id, "ForeignTransactionId", words, now)
            await self._storage.record([fact])
        except StorageError:
            log.warning("abuse.not_told", station_id=station.station_id, exc_info=True)


class _Guessing:
    __slots__ = ("since", "told", "unknown", "welcome")

    def __init__(self, since: Instant) -> None:
        self.since = since
        self.unknown: set[str] = set()
        self.welcome: OrderedDict[str, None] = OrderedDict()
        self.told = False


class GuessGuard:
    """Watches which tags are presented. A station that guesses is told Invalid for all but those it knows already."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._stations: OrderedDict[str, _Guessing] = OrderedDict()

    def refuses(self, station: PresentStation, id_tag: str, now: Instant) -> bool:
        """Whether this tag is answered as if nobody knew it, since the station has been guessing."""
        seen = self._stations.get(station.station_id)
        if seen is None or len(seen.unknown) <= MOST_UNKNOWN or now - seen.since >= WINDOW_US:
            return False
        return key_of(id_tag) not in seen.welcome

    async def presented(self, station: PresentStation, id_tag: str, known: bool, now: Instant) -> None:
        """A tag was presented, in whatever message, and it is a known one or not."""
        seen = self._stations.get(station.station_id)
        if seen is None:
            seen = self._stations[station.station_id] = _Guessing(now)
            if len(self._stations) > STATIONS_REMEMBERED:
                self._stations.popitem(last=False)
        if now - seen.since >= WINDOW_US:
            seen.since, seen.told = now, False
            seen.unknown.clear()
        if known:
            seen.welcome[key_of(id_tag)] = None
            if len(seen.welcome) > WELCOME_REMEMBERED:
                seen.welcome.popitem(last=False)
            return
        if len(seen.unknown) <= MOST_UNKNOWN:
            seen.unknown.add(key_of(id_tag))
        if len(seen.unknown) > MOST_UNKNOWN and not seen.told:
            seen.told = True
            words = f"More than {MOST_UNKNOWN} unknown tags were presented here within ten minutes."
            fact = security_event(
                station.organisation_id, station.station_id, "TokenGuessing", words, now, critical=True
            )
            await self._storage.record([fact])
