"""A station at a site in Berlin that holds profiles which follow the clock there, and what tests ask of it."""

import asyncio
from typing import Any

import msgspec

from stationmaster.domain.facts import ConfigurationReported, VariableValue
from stationmaster.domain.jobs import Job
from stationmaster.domain.locations import Location
from stationmaster.domain.sites import Site
from stationmaster.domain.smart_charging.profiles import (
    ChargingProfile,
    ChargingSchedule,
    ChargingSchedulePeriod,
    Kind,
    Purpose,
    RateUnit,
    Recurrency,
)
from stationmaster.instants import parse_instant
from stationmaster.services.local_time import REQUESTED_BY
from stationmaster.services.profile_start import begun
from stationmaster.services.smart_charging import Installation
from tests.actions.line import Line, connect
from tests.services.node import ORGANISATION, Node, until

EVE = parse_instant("2025-03-29T20:00:00Z")
SPRING = parse_instant("2025-03-30T01:00:00Z")
AUTUMN = parse_instant("2025-10-26T01:00:00Z")
ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
DAILY = ChargingProfile(
    profile_id=0,
    stack_level=0,
    purpose=Purpose.TX_DEFAULT,
    kind=Kind.RECURRING,
    recurrency=Recurrency.DAILY,
    schedules=(
        ChargingSchedule(
            unit=RateUnit.AMPERE,
            periods=(
                ChargingSchedulePeriod(start_period_s=0, limit_tenths=320),
                ChargingSchedulePeriod(start_period_s=21_600, limit_tenths=100),
            ),
            duration_s=86_400,
        ),
    ),
)


def profile_with_start(start: str) -> ChargingProfile:
    schedule = msgspec.structs.replace(DAILY.schedule, start_schedule=parse_instant(start))
    return msgspec.structs.replace(DAILY, schedules=(schedule,))


def features(node: Node) -> ConfigurationReported:
    """The station says that it does smart charging."""
    value = VariableValue("OCPP16", "SupportedFeatureProfiles", "Core,SmartCharging", readonly=True)
    return ConfigurationReported(
        organisation_id=ORGANISATION,
        station_id="CP7",
        received_at=node.clock(),
        values=(value,),
        unknown=(),
        complete=False,
    )


async def is_asked(line: Line) -> None:
    """Wait until the station owes an answer that the test gives later."""

    async def owes() -> bool:
        return bool(line._unanswered)

    await until(owes)


async def at_home(node: Node, station_id: str = "CP7") -> Line:
    """A connected station at a site in Berlin."""
    if await node.storage.sites.get(ORGANISATION, "home") is None:
        site = Site(id="home", organisation_id=ORGANISATION, name="Home", time_zone="Europe/Berlin")
        await node.services.sites.create(site)
    return await connect(node, station_id, site_id="home")


async def install(
    line: Line, profile: ChargingProfile = DAILY, *, connector: int = 1, zone: str | None = "Europe/Berlin"
) -> int:
    """Send a profile as the API does, and have it accepted; its id. `zone` None: it has a start of its own."""
    node = line.node
    made = begun(profile, node.clock(), zone or "UTC")
    line.will_answer("SetChargingProfile", **ACCEPTED)
    job, _ = await node.services.smart_charging.install(
        ORGANISATION,
        Installation(
            location=Location.of_connector_number(line.station_id, connector),
            profile=made.profile,
            local_time_zone=made.local_time_zone if zone else None,
            send_anyway=True,
        ),
        requested_by="api_key:test",
        wait_s=5,
    )
    assert job.result == "Accepted"
    return int(line.heard[-1][1]["csChargingProfiles"]["chargingProfileId"])


async def look(*nodes: Node) -> None:
    """What the clock of each node does once a minute."""
    await asyncio.gather(*(each.services.local_time.advance(each.clock()) for each in nodes))


def sent(line: Line) -> list[tuple[int, int, str]]:
    """Connector, id and start of each profile that the station was sent."""
    return [
        (
            payload["connectorId"],
            payload["csChargingProfiles"]["chargingProfileId"],
            payload["csChargingProfiles"]["chargingSchedule"]["startSchedule"],
        )
        for action, payload in line.heard
        if action == "SetChargingProfile"
    ]


def without_start(payload: dict[str, Any]) -> dict[str, Any]:
    """All of a profile that the clocks do not change."""
    profile = payload["csChargingProfiles"]
    schedule = profile["chargingSchedule"] | {"startSchedule": None}
    return payload | {"csChargingProfiles": profile | {"chargingSchedule": schedule}}


async def held(node: Node, station_id: str = "CP7") -> list[tuple[int, str, str | None, bool]]:
    """Id, certainty, zone of each profile that the station holds for all we know, and whether it is out of step."""
    mirror = await node.services.smart_charging.mirror_of(station_id)
    assert mirror == await node.storage.charging_profiles.mirror_of(station_id)
    return [
        (each.profile.profile_id, str(each.certainty), each.local_time_zone, each.renewal is not None)
        for each in mirror
    ]


async def jobs(node: Node) -> list[Job]:
    """What was sent by itself, the newest first."""
    return (await node.storage.jobs.find(ORGANISATION, requested_by=REQUESTED_BY)).items
