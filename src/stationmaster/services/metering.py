"""Values from meters, and which transaction they belong to (handbook §3.2.7).

The rule that shapes this file: values are confirmed whatever they say. The id that a station names
counts, if it is one of its own; otherwise the transaction that ran on the connector at the time
of the values, marked as inferred.
"""

from collections.abc import Sequence

import msgspec

from stationmaster.domain.facts import MeterSample, MeterSampled
from stationmaster.domain.locations import Location
from stationmaster.domain.metering import REGISTER
from stationmaster.domain.tidying import TransactionTidied
from stationmaster.domain.transactions import Transaction
from stationmaster.instants import Instant
from stationmaster.services.abuse import ForeignIds
from stationmaster.services.context import ServiceContext
from stationmaster.services.presence import KnownTransaction, PresentStation

__all__ = ["Measured", "Metering"]


class Measured(msgspec.Struct, frozen=True, gc=False):
    """Values taken at one moment. `sampled_at_text` is the station's own writing."""

    sampled_at: Instant
    sampled_at_text: str | None
    samples: tuple[MeterSample, ...]
    flags: tuple[str, ...] = ()


class Metering:
    """Records values and links them."""

    def __init__(self, context: ServiceContext, foreign: ForeignIds | None = None) -> None:
        self._storage = context.storage
        self._foreign = foreign

    async def record(
        self,
        station: PresentStation,
        location: Location,
        ocpp_id: str | None,
        measured: Sequence[Measured],
        received_at: Instant,
    ) -> None:
        """Record values; durable when it returns. `ocpp_id` is the transaction the station named, None if none."""
        if not measured:
            return
        known = None if ocpp_id is None else await self.transaction_of(station, ocpp_id)
        if known is not None:
            facts = self.facts(station, measured, known, location, received_at, reported=ocpp_id)
            if known.tidied:
                await self._reopen(station, known, received_at)
        else:
            facts = []
            for each in measured:
                running = await self._running_at(station, location, each.sampled_at)
                facts += self.facts(
                    station, (each,), running, location, received_at, reported=ocpp_id, inferred=running is not None
                )
        await self._storage.record(facts)

    def facts(
        self,
        station: PresentStation,
        measured: Sequence[Measured],
        known: KnownTransaction | None,
        location: Location | None,
        received_at: Instant,
        *,
        reported: str | None = None,
        inferred: bool = False,
    ) -> list[MeterSampled]:
        """The facts of values of one transaction, or of none; `location` None means where the transaction is."""
        if location is None and known is not None and known.evse_id is not None:
            location = Location(station.station_id, known.evse_id, 1)
        # The main meter is another one than that of the transaction: their readings are not to be compared.
        compared = None if location is not None and location.evse_id is None else known
        return [
            MeterSampled(
                organisation_id=station.organisation_id,
                station_id=station.station_id,
                received_at=received_at,
                location=location,
                transaction_id=None if known is None else known.id,
                sampled_at=each.sampled_at,
                samples=each.samples if compared is None else _against_register(each, compared),
                sampled_at_text=each.sampled_at_text,
                reported_transaction_id=reported,
                inferred=inferred,
                flags=each.flags,
            )
            for each in measured
        ]

    async def transaction_of(self, station: PresentStation, ocpp_id: str) -> KnownTransaction | None:
        """The transaction that the station knows by this id; ids of other stations mean nothing here."""
        known = None if station.transactions is None else station.transactions.get(ocpp_id)
        if known is not None or (station.unknown_ids is not None and ocpp_id in station.unknown_ids):
            return known
        stored: Transaction | None = await self._storage.transactions.by_ocpp_id(station.station_id, ocpp_id)
        if stored is None:
            station.remember_unknown(ocpp_id)
            if self._foreign is not None:
                await self._foreign.transaction(station, ocpp_id, self._storage.clock())
            return None
        return station.remember(KnownTransaction.of(stored))

    async def _reopen(self, station: PresentStation, known: KnownTransaction, received_at: Instant) -> None:
        """It runs after all, or ran on until the next one began: the station measures in it."""
        fact = TransactionTidied(
            organisation_id=station.organisation_id,
            station_id=station.station_id,
            received_at=received_at,
            id=known.id,
            ocpp_id=known.ocpp_id,
            what="reopened",
            reason="late_values",
        )
        await self._storage.record([fact])
        stored: Transaction | None = await self._storage.transactions.get(known.id)
        known.tidied, known.ended_at = False, None
        known.is_open = stored is not None and stored.state == "open"

    async def _running_at(
        self, station: PresentStation, location: Location, sampled_at: Instant
    ) -> KnownTransaction | None:
        """The transaction that ran on the connector at a moment; the main meter belongs to none."""
        if location.evse_id is None:
            return None
        if not station.open_ones_loaded:
            for transaction in await self._storage.transactions.open_of_station(station.station_id):
                if transaction.ocpp_id not in (station.transactions or {}):
                    station.remember(KnownTransaction.of(transaction))
            station.open_ones_loaded = True
        running: KnownTransaction | None = None
        for known in (station.transactions or {}).values():
            if known.evse_id == location.evse_id and known.ran_at(sampled_at) and not known.began_before(running):
                running = known
        if running is not None:
            return running
        if sampled_at >= station.since:
            return None
        stored = await self._storage.transactions.at(station.station_id, location.evse_id, sampled_at)
        return None if stored is None else station.remember(KnownTransaction.of(stored))


def _against_register(measured: Measured, known: KnownTransaction) -> tuple[MeterSample, ...]:
    """The samples, with a flag on readings of the energy register that cannot follow those before them."""
    doubts: dict[int, str] | None = None
    for place, sample in enumerate(measured.samples):
        if sample.measurand == REGISTER:
            doubt = known.doubt_of(sample, measured.sampled_at)
            if doubt is not None:
                doubts = (doubts or {}) | {place: doubt}
    if doubts is None:
        return measured.samples
    return tuple(
        msgspec.structs.replace(sample, flags=(doubts[place],)) if place in doubts else sample
        for place, sample in enumerate(measured.samples)
    )
