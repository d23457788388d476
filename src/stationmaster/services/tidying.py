"""Tidying: transactions that never got a stop, and stations that are to begin anew (handbook §5.0, §8 A-30).

The rule that shapes this file: nothing a station said is changed. What is closed here says so, has the
energy that is known, and is the station's again as soon as it speaks of it.
"""

import msgspec

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.errors import Conflict, Invalid
from stationmaster.domain.tidying import Stale, TransactionTidied
from stationmaster.domain.transactions import Transaction
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.reservations import Reservations
from stationmaster.services.smart_charging import SmartCharging

__all__ = ["CleanedUp", "Tidying"]


class CleanedUp(msgspec.Struct, frozen=True):
    """What a clean-up took away."""

    closed_transactions: int
    dropped_profiles: int
    ended_reservations: int


class Tidying:
    """Closes what was forgotten."""

    def __init__(self, context: ServiceContext, smart_charging: SmartCharging, reservations: Reservations) -> None:
        self._storage = context.storage
        self._bus = context.bus
        self._clock = context.clock
        self._policy = context.settings.tidying
        self._smart_charging = smart_charging
        self._reservations = reservations

    async def sweep(self, now: Instant) -> int:
        """Close what the policy closes now; returns how many. Safe to run on several nodes."""
        return await self._close(await self._storage.tidying.stale(self._policy, now), now)

    async def close(self, transaction: Transaction, meter_stop_wh: int | None) -> Transaction:
        """Close one by hand, with a reading or with the last value known. Raises Conflict, Invalid."""
        if transaction.state == "closed":
            raise Conflict("transaction_closed", "The transaction is closed already.")
        start = transaction.meter_start_wh
        if meter_stop_wh is not None and start is not None and meter_stop_wh < start:
            raise Invalid("meter_stop_too_low", f"The meter stood at {start} Wh when the transaction began.")
        now = self._clock()
        heard = transaction.last_sampled_at or transaction.started_at or now
        stale = Stale(
            transaction.id,
            transaction.organisation_id,
            transaction.station_id,
            transaction.site_id,
            transaction.ocpp_id,
            "operator",
            heard,
        )
        await self._close([stale], now, meter_stop_wh)
        return await self._storage.transactions.get(transaction.id) or transaction

    async def clean_up(self, organisation_id: str, station_id: str) -> CleanedUp:
        """Close everything open at a station, forget which profiles it holds, end its reservations."""
        closed = await self._close(await self._storage.tidying.open_of(station_id), self._clock())
        held = len(await self._smart_charging.mirror_of(station_id))
        await self._smart_charging.change(organisation_id, station_id, "cleaned_up", lambda _mirror: ())
        return CleanedUp(closed, held, await self._reservations.clean_up(station_id))

    async def _close(self, stale: list[Stale], now: Instant, meter_stop_wh: int | None = None) -> int:
        if not stale:
            return 0
        facts = [
            TransactionTidied(
                organisation_id=each.organisation_id,
                station_id=each.station_id,
                received_at=now,
                id=each.id,
                ocpp_id=each.ocpp_id,
                what="closed",
                reason=each.reason,
                stopped_at=each.last_heard_at,
                meter_stop_wh=meter_stop_wh,
            )
            for each in stale
        ]
        outcomes = await self._storage.record(facts)
        for each in stale:
            # The node that holds the station must not think of it as running.
            message = Invalidate(kind="station", key=each.station_id, organisation_id=each.organisation_id)
            await self._bus.publish(INVALIDATE, encode(message))
            await self._smart_charging.transaction_ended(each.organisation_id, each.station_id, each.ocpp_id)
        return sum(map(bool, outcomes))
