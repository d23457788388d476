"""MeterValues, and the meter values inside StopTransaction (handbook §3.2.7, §2.3)."""

import asyncio
from collections.abc import Iterable
from typing import Final

from stationmaster.actions.contract import Answer
from stationmaster.actions.v16.context import Situation, location_of, moment_of
from stationmaster.domain.metering import ENERGY_SCALED, read_samples, scaled
from stationmaster.domain.quirks import NO_QUIRKS, Quirks
from stationmaster.ocpp.v16.metering import MeterValue, MeterValuesRequest, MeterValuesResponse, StoppedMeterValue
from stationmaster.services.metering import Measured
from stationmaster.session.events import CallReceived

__all__ = ["measured_in", "meter_values"]

_CONFIRMED = MeterValuesResponse()
_SAMPLES_IN_ONE_GO: Final = 2_000
"""Samples read before other stations get their turn: one message may hold tens of thousands."""


async def meter_values(situation: Situation) -> Answer:
    """Record them and confirm, whatever they say. Transaction 0 means none (the habit of some stations)."""
    context, station, call = situation.context, situation.station, situation.call
    request: MeterValuesRequest = call.request
    measured = await measured_in(call, request.meter_value or (), "meterValue", station.quirks)
    await context.services.metering.record(
        station,
        location_of(station.station_id, request.connector_id),
        str(request.transaction_id) if request.transaction_id else None,
        measured,
        call.received_at,
    )
    return Answer(_CONFIRMED)


async def measured_in(
    call: CallReceived, meter_values: Iterable[MeterValue | StoppedMeterValue], path: str, quirks: Quirks = NO_QUIRKS
) -> list[Measured]:
    """The values of a message, moment by moment; moments without values are left out."""
    measured: list[Measured] = []
    since_pause = 0
    for index, meter_value in enumerate(meter_values):
        sampled = meter_value.sampled_value
        if not sampled:
            continue
        moment = moment_of(call, meter_value.timestamp, f"{path}[{index}].timestamp", quirks=quirks)
        samples = read_samples(
            [
                (
                    each.value or "",
                    (each.measurand, each.unit, each.phase, each.location, each.context, each.format),
                )
                for each in sampled
            ]
        )
        flags = moment.flags
        if quirks.energy_scale is not None:
            before, samples = samples, scaled(samples, quirks.energy_scale)
            flags = flags if before is samples else (*flags, ENERGY_SCALED)
        measured.append(Measured(moment.at, moment.text, samples, flags))
        since_pause += len(samples)
        if since_pause >= _SAMPLES_IN_ONE_GO:
            since_pause = 0
            await asyncio.sleep(0)
    return measured
