"""StartTransaction and StopTransaction (handbook §1.9, §1.14, §3.2.8, §3.2.10).

The rule that shapes this file: both are confirmed whatever they hold, and always with an id.
"""

from typing import Final

from stationmaster.actions.contract import Answer
from stationmaster.actions.v16.authorization import NOT_KNOWN
from stationmaster.actions.v16.context import (
    LONGEST_ID_TAG,
    Situation,
    location_of,
    mended,
    moment_of,
    scaled_flag,
)
from stationmaster.actions.v16.metering import measured_in
from stationmaster.actions.v16.remote_control import profile_came_along
from stationmaster.domain.jobs import Job, Progress
from stationmaster.domain.metering import scaled_wh
from stationmaster.domain.tokens import AuthorizationStatus
from stationmaster.ocpp.v16.authorization import IdTagInfo
from stationmaster.ocpp.v16.transactions import (
    REASONS,
    StartTransactionRequest,
    StartTransactionResponse,
    StopTransactionRequest,
    StopTransactionResponse,
)
from stationmaster.services.transactions import End, Ended, Start

__all__ = ["start_transaction", "stop_transaction"]

_START_FIELDS: Final = {"idTag": "id_tag", "meterStart": "meter_start", "connectorId": "connector"}
_STOP_FIELDS: Final = {"idTag": "id_tag", "meterStop": "meter_stop", "transactionId": "transaction_id"}


async def start_transaction(situation: Situation) -> Answer:
    """Record a start and give it an id; a remote start that was waiting for it is done."""
    context, station, call = situation.context, situation.station, situation.call
    request: StartTransactionRequest = call.request
    services = context.services
    moment = moment_of(call, request.timestamp, quirks=station.quirks)
    started = await services.transactions.start(
        station,
        Start(
            location=location_of(station.station_id, request.connector_id),
            id_tag=request.id_tag,
            usable_id_tag=0 < len(request.id_tag or "") <= LONGEST_ID_TAG,
            meter_start_wh=scaled_wh(request.meter_start, station.quirks.energy_scale),
            started_at=moment.at,
            started_at_text=moment.text,
            received_at=call.received_at,
            reservation_id=request.reservation_id or None,
            flags=moment.flags + mended(call, _START_FIELDS) + _start_flags(request) + scaled_flag(station),
        ),
    )
    stored = started.transaction

    async def what_a_start_fulfils() -> None:
        if services.reservations.any_of(station.station_id):
            tag = (request.id_tag, stored.parent_id_tag)
            place = None if request.connector_id < 1 else request.connector_id
            await services.reservations.started(
                station.station_id, request.reservation_id or None, place, tag, stored.id, call.received_at
            )
        if started.remote_start is not None:
            await services.waiting.fulfil(started.remote_start, keep_start)

    async def keep_start(job: Job) -> None:
        await profile_came_along(situation, job, stored.ocpp_id, request.connector_id)
        await services.waiting.finish(job, call.received_at, Progress(transaction_id=stored.id))

    info = context.id_tag_info(stored.authorization_status, stored.authorization_expires_at, stored.parent_id_tag)
    known = stored.authorization_status != AuthorizationStatus.INVALID
    with services.transactions.to_be_answered(station, stored):
        if started.remote_start is None and await _is_guess(situation, request.id_tag, known=known):
            info = context.id_tag_info_of(NOT_KNOWN)
            if known:
                await services.transactions.answered_unknown(stored)
    response = StartTransactionResponse(
        id_tag_info=info,
        transaction_id=int(stored.ocpp_id),
    )
    if not situation.connection.is_open:  # from here to the answer nothing is waited for
        services.transactions.never_answered(station, stored)
    waited_for = started.remote_start is not None or services.reservations.any_of(station.station_id)
    return Answer(response, what_a_start_fulfils if waited_for else None)


async def stop_transaction(situation: Situation) -> Answer:
    """Record an end with its values; what we think of the stopping token is told only if there was one."""
    context, station, call = situation.context, situation.station, situation.call
    request: StopTransactionRequest = call.request
    services = context.services
    moment = moment_of(call, request.timestamp, quirks=station.quirks)
    id_tag = request.id_tag or None
    ended = await services.transactions.end(
        station,
        End(
            ocpp_id=str(request.transaction_id),
            meter_stop_wh=scaled_wh(request.meter_stop, station.quirks.energy_scale),
            ended_at=moment.at,
            ended_at_text=moment.text,
            received_at=call.received_at,
            reason=request.reason or "Local",
            id_tag=id_tag,
            measured=await measured_in(call, request.transaction_data or (), "transactionData", station.quirks),
            flags=moment.flags + mended(call, _STOP_FIELDS) + _stop_flags(request) + scaled_flag(station),
            usable_id_tag=len(id_tag or "") <= LONGEST_ID_TAG,
        ),
    )

    async def what_an_end_ends() -> None:
        await services.smart_charging.transaction_ended(station.organisation_id, station.station_id, ended.ocpp_id)
        for job in await services.waiting.ends_of(station, ended.ocpp_id, call.received_at):
            await services.waiting.fulfil(job, keep_stop)

    async def keep_stop(job: Job) -> None:
        await services.waiting.finish(job, call.received_at, Progress(transaction_id=ended.transaction.id))

    response = StopTransactionResponse(id_tag_info=await _id_tag_info(situation, id_tag, ended))
    waited_for = services.waiting.any_of(station.station_id) or services.smart_charging.may_hold(station.station_id)
    return Answer(response, what_an_end_ends if waited_for else None)


async def _id_tag_info(situation: Situation, id_tag: str | None, ended: Ended) -> IdTagInfo | None:
    decision = ended.authorization
    if decision is None:
        return None
    guessed = await _is_guess(situation, id_tag, known=decision.token is not None)
    return situation.context.id_tag_info_of(NOT_KNOWN if guessed else decision)


async def _is_guess(situation: Situation, id_tag: str | None, *, known: bool) -> bool:
    """Whether a station that has been guessing must not learn that the tag is good; what is recorded is the truth."""
    station, call = situation.station, situation.call
    if not id_tag or len(id_tag) > LONGEST_ID_TAG:
        return False
    guesses = situation.context.services.guesses
    if guesses.refuses(station, id_tag, call.received_at):
        return True
    await guesses.presented(station, id_tag, known, call.received_at)
    return False


def _start_flags(request: StartTransactionRequest) -> tuple[str, ...]:
    flags: list[str] = []
    if request.id_tag is not None and len(request.id_tag) > LONGEST_ID_TAG:
        flags.append("id_tag_too_long")
    if request.id_tag == "":
        flags.append("id_tag_missing")
    if request.meter_start is not None and request.meter_start < 0:
        flags.append("meter_start_negative")
    return tuple(flags)


def _stop_flags(request: StopTransactionRequest) -> tuple[str, ...]:
    flags: list[str] = []
    if request.id_tag is not None and len(request.id_tag) > LONGEST_ID_TAG:
        flags.append("id_tag_too_long")
    if request.meter_stop is not None and request.meter_stop < 0:
        flags.append("meter_stop_negative")
    if request.reason is not None and request.reason not in REASONS:
        flags.append("unknown_reason")
    return tuple(flags)
