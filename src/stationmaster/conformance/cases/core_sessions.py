"""Core, sessions and authorization: the station does everything alone (handbook §5.2)."""

import asyncio

from stationmaster.conformance.kit import Functionality, case, must
from stationmaster.conformance.lab import Lab, LabStation, in_s

CORE = Functionality.CORE


@case("TC_001", "Cold boot charge point", CORE)
async def cold_boot(lab: Lab) -> None:
    """>> boot, statuses, heartbeats."""
    async with lab.station() as station:
        await station.boot()
        for _ in range(2):
            await lab.pause()
            answer = await station.call("Heartbeat")
            must(answer["currentTime"], "the heartbeat's answer has no time")


@case("TC_003", "Regular charging session, plug-in first", CORE)
async def plug_in_first(lab: Lab) -> None:
    """>> Preparing, Authorize, StartTransaction, Charging. The transaction is left running."""
    async with lab.station() as station:
        await station.status("Preparing")
        await station.authorize()
        await station.start()
        await station.status("Charging")


@case("TC_004_1", "Regular charging session, identification first", CORE)
async def identification_first(lab: Lab) -> None:
    """>> the state Charging."""
    async with lab.station() as station:
        await station.charge()


@case("TC_004_2", "Identification first, ConnectionTimeOut", CORE)
async def connection_timeout(lab: Lab) -> None:
    """>> Authorize, Preparing, and nobody plugs in."""
    async with lab.station() as station:
        await station.authorize()
        await station.status("Preparing")
        await lab.pause()
        await station.status("Available")


@case("TC_005_1", "EV side disconnected", CORE)
async def ev_side_disconnected(lab: Lab) -> None:
    """>> Charging, SuspendedEV, StopTransaction EVDisconnected."""
    async with lab.station() as station:
        transaction_id = await station.charge()
        await station.status("SuspendedEV")
        await station.stop(transaction_id, "EVDisconnected")
        await station.status("Finishing")
        await station.status("Available")


@case("TC_007", "Regular start with a cached id", CORE)
async def cached_id(lab: Lab) -> None:
    """>> StartTransaction without Authorize."""
    async with lab.station() as station:
        await station.status("Preparing")
        await station.start()
        await station.status("Charging")


async def _refused_authorization(lab: Lab, id_tag: str, wanted: str) -> None:
    async with lab.station() as station:
        await station.authorize(id_tag, wanted)


@case("TC_023_1", "Start with an invalid id", CORE)
async def invalid_id(lab: Lab) -> None:
    """>> Authorize of a token that nobody registered."""
    await _refused_authorization(lab, lab.settings.invalid_id_tag, "Invalid")


@case("TC_023_2", "Start with an expired id", CORE)
async def expired_id(lab: Lab) -> None:
    """>> Authorize of a token whose time is over."""
    await _refused_authorization(lab, lab.settings.expired_id_tag, "Expired")


@case("TC_023_3", "Start with a blocked id", CORE)
async def blocked_id(lab: Lab) -> None:
    """>> Authorize of a token that is blocked."""
    await _refused_authorization(lab, lab.settings.blocked_id_tag, "Blocked")


@case("TC_024", "Lock failure", CORE)
async def lock_failure(lab: Lab) -> None:
    """>> Authorize, Preparing, Faulted with ConnectorLockFailure."""
    async with lab.station() as station:
        await station.authorize()
        await station.status("Preparing")
        await station.status("Faulted", error_code="ConnectorLockFailure")


@case("TC_032_1", "Power failure, transaction stopped", CORE)
async def power_failure(lab: Lab) -> None:
    """>> Charging, boot, Finishing where it charged and Available elsewhere, StopTransaction PowerLoss."""
    async with lab.station() as station:
        transaction_id = await station.charge()
        await station.sever()
        await station.connect()
        await station.boot_only()
        await station.status("Finishing")
        await station.statuses("Available", besides=lab.settings.connector_id)
        await station.stop(transaction_id, "PowerLoss")


@case("TC_037_1", "Offline start of a transaction, valid id", CORE)
async def offline_start(lab: Lab) -> None:
    """>> StartTransaction with a time in the past."""
    async with lab.station() as station:
        await _begun_offline(station, lab.settings.valid_id_tag, "Accepted")
        await station.status("Charging")


@case("TC_037_3", "Offline start of a transaction, invalid id", CORE)
async def offline_start_invalid(lab: Lab) -> None:
    """>> StartTransaction of an unknown token: Invalid and an id all the same; StopTransaction DeAuthorized."""
    async with lab.station() as station:
        transaction_id = await _begun_offline(station, lab.settings.invalid_id_tag, "Invalid")
        await station.status("Charging")
        await station.stop(transaction_id, "DeAuthorized")
        await station.status("Finishing")


@case("TC_039", "Offline transaction", CORE)
async def offline_transaction(lab: Lab) -> None:
    """>> a start and a stop, both over, one right after the other."""
    async with lab.station() as station:
        transaction_id = await _begun_offline(station, lab.settings.valid_id_tag, "Accepted")
        await station.stop(transaction_id, "Local", timestamp=in_s(-60))


async def _begun_offline(station: LabStation, id_tag: str, wanted: str) -> int:
    await station.sever()
    await asyncio.sleep(0)
    await station.connect()
    return await station.start(id_tag, wanted, timestamp=in_s(-600), meterStart=station.lab.settings.connector_id)


@case("TC_064", "Data transfer to the central system", CORE)
async def data_transfer(lab: Lab) -> None:
    """>> DataTransfer of a vendor that nobody knows; "Accepted" is odd and no failure."""
    async with lab.station() as station:
        answer = await station.call(
            "DataTransfer", {"vendorId": "org.example.conformance", "messageId": "m", "data": "d"}
        )
        if answer["status"] == "Accepted":
            lab.warnings.append("DataTransfer of an unknown vendor was answered with Accepted")
