"""What lasts already when a rule is switched on.

The rule that shapes this file: the rule is told the events that it has missed, so that nothing else has to know
whether something began before it or after it. Whether it lasts still is asked when its time has come, as always.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from stationmaster.domain.alerts.nouns import Rule
from stationmaster.domain.alerts.signals import Signal, signals_of
from stationmaster.domain.identity_contests import CONTESTED
from stationmaster.services.context import ServiceContext
from stationmaster.storage import Page

__all__ = ["Present"]

AT_A_TIME: Final = 1000


class Present:
    """Looks at what is stored."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage

    async def begun(self, rule: Rule) -> list[Signal]:
        """The beginnings of what lasts and is the business of this rule; nothing for kinds that watch no duration."""
        match rule.kind:
            case "station_offline":
                return await self._offline(rule)
            case "connector_faulted":
                return await self._faulted(rule)
            case "transaction_without_energy":
                return await self._running(rule)
            case "identity_contested":
                return await self._contested(rule)
        return []

    async def _offline(self, rule: Rule) -> list[Signal]:
        return [
            signal
            async for station in _all(self._storage.stations.find, rule, connected=False)
            if station.disconnected_at is not None
            for signal in _told("station.disconnected", station.id, rule, station.disconnected_at)
        ]

    async def _faulted(self, rule: Rule) -> list[Signal]:
        found = await self._storage.connectors.with_status(rule.organisation_id, "Faulted", rule.site_ids)
        return [
            signal
            for each in found
            for signal in _told(
                "connector.status",
                each.station_id,
                rule,
                each.received_at or 0,
                location={"evse_id": each.evse_id},
                status=each.status,
                error_code=each.error_code,
                info=each.info,
                vendor_error_code=each.vendor_error_code,
            )
        ]

    async def _contested(self, rule: Rule) -> list[Signal]:
        return [
            signal
            async for station in _all(self._storage.stations.find, rule, contested=True)
            for signal in _told(
                "security.event",
                station.id,
                rule,
                station.contested_since or 0,
                type=CONTESTED,
                technical_info="One of them is kept out until it is settled.",
            )
        ]

    async def _running(self, rule: Rule) -> list[Signal]:
        return [
            signal
            async for each in _all(self._storage.transactions.find, rule, state="open")
            for signal in _told(
                "transaction.started",
                each.station_id,
                rule,
                each.started_at or 0,
                location={"evse_id": each.evse_id},
                outcome={"id": each.id},
            )
        ]


def _told(event: str, station_id: str, rule: Rule, at: int, **data: Any) -> list[Signal]:
    return signals_of(event, rule.organisation_id, station_id, at, data)


async def _all(find: Callable[..., Awaitable[Page[Any]]], rule: Rule, **wanted: Any) -> AsyncIterator[Any]:
    """Everything on all pages of a list, of the organisation and the sites of a rule."""
    cursor = None
    while True:
        page = await find(rule.organisation_id, site_ids=rule.site_ids, limit=AT_A_TIME, cursor=cursor, **wanted)
        for each in page.items:
            yield each
        cursor = page.next_cursor
        if cursor is None:
            return
