"""`stationmaster demo`: a node with a handful of simulated stations that live ordinary charging lives.

The stations begin some hours ago and live fast until they have caught up with the present, so that there is
something to see at once and nothing that lies in the future. They come in over real sockets, as any station would.
"""

# ruff: noqa: PLC0415 - the modules of a node take two seconds to load, and most commands need few of them

import asyncio
import contextlib
import tempfile
from typing import TYPE_CHECKING, Annotated

import typer

from stationmaster.cli.demo_site import SITE_ID, car_park
from stationmaster.cli.options import Config, Data, DatabaseUrl, loaded

if TYPE_CHECKING:
    from stationmaster.app.config import Settings
    from stationmaster.app.node import Node
    from stationmaster.conformance.life import LivingStation, Population

__all__ = ["demo"]

REQUESTED_BY = "demo"
STREETS = ("Quay", "Market", "Old Town", "Library", "Swimming Pool", "Town Hall", "Museum", "Harbour", "Park", "Depot")
CENTRE = (57.705, 11.965)
DRIVERS = 16
ARRIVALS_PER_SECOND = 2.0
HOUR_US = 3_600_000_000


def demo(  # noqa: PLR0913, PLR0917 - each argument is an option of the command line
    stations: Annotated[int, typer.Option(min=1, max=200, help="How many stations.")] = 6,
    sessions_per_hour: Annotated[float, typer.Option(min=0, max=60, help="Drivers at a free connector.")] = 0.8,
    history_hours: Annotated[float, typer.Option(min=0, max=720, help="How long ago their lives begin.")] = 12.0,
    speed: Annotated[float, typer.Option(min=1, max=1000, help="How fast the past goes by.")] = 240.0,
    site_stations: Annotated[
        int, typer.Option(min=0, max=40, help="How many more stations share 63 A in a car park.")
    ] = 8,
    site_sessions_per_hour: Annotated[
        float, typer.Option(min=0, max=3600, help="Drivers at a free connector of the car park.")
    ] = 6.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same stations and drivers.")] = 1,
    data: Data = None,
    database_url: DatabaseUrl = None,
    ocpp_port: Annotated[
        str | None, typer.Option(metavar="N", help="Port for stations; 9000 if nothing is said.")
    ] = None,
    http_port: Annotated[
        str | None, typer.Option(metavar="N", help="Port for the API; 8080 if nothing is said.")
    ] = None,
    host: Annotated[str | None, typer.Option(metavar="H", help="Address on which to listen.")] = None,
    config: Config = None,
) -> None:
    """Run a node with simulated stations. Without --data, everything is forgotten at the end."""
    with contextlib.ExitStack() as stack:
        folder = data or stack.enter_context(tempfile.TemporaryDirectory(prefix="stationmaster-demo-"))
        settings = loaded(
            config,
            node__data=folder,
            node__host=host,
            database__url=database_url,
            ocpp__port=ocpp_port,
            http__port=http_port,
        ).settings
        site = (site_stations, site_sessions_per_hour)
        code = _run(settings, stations, sessions_per_hour, history_hours, speed, seed, site)
    raise typer.Exit(code)


def _run(
    settings: "Settings",
    count: int,
    sessions_per_hour: float,
    history_hours: float,
    speed: float,
    seed: int,
    site: tuple[int, float],
) -> int:
    from stationmaster.app.lifecycle import run
    from stationmaster.app.logs import configure_logs
    from stationmaster.conformance.life import Clock, Habits, Population, Resident
    from stationmaster.conformance.link import Target, now

    configure_logs(settings.log)

    async def live(node: "Node") -> None:
        url = node.ocpp_url("127.0.0.1")
        passwords, new = await _registered(node, count)
        hours = history_hours if new else 0.0
        clock = Clock(now() - round(hours * HOUR_US), speed if hours else 1.0)
        residents = [Resident(Target(url, identity, password)) for identity, password in passwords.items()]
        habits = Habits([f"DEMO{number:04d}" for number in range(1, DRIVERS + 1)], sessions_per_hour)
        population = Population(residents, habits, clock, seed=seed, connects_per_second=ARRIVALS_PER_SECOND)
        # Somebody stands at the door whom nobody has registered, as happens to every operator.
        stranger = Population([Resident(Target(url, "LOST-1"))], habits, clock, seed=seed, connects_per_second=1)
        visitors = Habits(habits.id_tags, site[1], stranger=None)
        parking = await car_park(node, site[0], visitors, seed) if site[0] else None
        _tell(count, hours, speed, site[0])
        async with asyncio.TaskGroup() as tasks:
            if parking is not None:
                tasks.create_task(parking.run())
            tasks.create_task(population.run())
            tasks.create_task(stranger.run())
            tasks.create_task(_look_at_each(node, population))

    return run(settings, live)


def _tell(count: int, hours: float, speed: float, parking: int) -> None:
    typer.echo(f"  {count} simulated stations live here: GET /api/v1/stations, /transactions, /events.")
    if hours:
        minutes = hours * 60 / max(speed - 1, 1e-9)
        typer.echo(f"  The past {hours:g} hours go by in {minutes:.0f} minutes; then their clocks show the present.")
    if parking:
        typer.echo(f"  {parking} more share 63 A in a car park, now: GET /api/v1/sites/{SITE_ID}/load.")
    typer.echo("  One more knocks at the door and is not known: GET /api/v1/refused-handshakes.\n")


async def _registered(node: "Node", count: int) -> tuple[dict[str, str], bool]:
    """Stations and tokens of the demo: passwords by identity, made here, and whether this is their first life."""
    from stationmaster.domain.errors import Conflict
    from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
    from stationmaster.services.stations import NewStation
    from stationmaster.services.tokens import NewToken

    services, passwords, new = node.services, {}, True
    for number in range(count):
        identity = f"DEMO-{number + 1:02d}"
        new_station = NewStation(
            id=identity,
            name=f"{STREETS[number % len(STREETS)]} {number // len(STREETS) + 1}",
            latitude=CENTRE[0] + (number * 7 % 11 - 5) / 250,
            longitude=CENTRE[1] + (number * 5 % 11 - 5) / 120,
        )
        try:
            registered = await services.stations.create(DEFAULT_ORGANISATION_ID, new_station)
        except Conflict:
            registered = await services.stations.renew_password(DEFAULT_ORGANISATION_ID, identity)
            new = False
        passwords[identity] = registered.password or ""
    for number in range(1, DRIVERS + 1):
        group = "DEMO-FLEET" if number % 4 == 0 else None
        token = NewToken(
            value=f"DEMO{number:04d}",
            name=f"Driver {number}",
            parent_id_tag=group,
            status="Blocked" if number == DRIVERS else "Accepted",
        )
        with contextlib.suppress(Conflict):
            await services.tokens.create(DEFAULT_ORGANISATION_ID, token)
    return passwords, new


async def _look_at_each(node: "Node", population: "Population") -> None:
    """An operator who reads the configuration of each station, and limits one of them."""
    for station in population.stations:
        await station.online.wait()
        await asyncio.sleep(1)
        await _command(node, station, "GetConfiguration", {})
    limit = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Recurring",
        "recurrencyKind": "Daily",
        "chargingSchedule": {
            "duration": 86400,
            "startSchedule": "2024-01-01T00:00:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 16.0},
                {"startPeriod": 61200, "limit": 10.0},
                {"startPeriod": 75600, "limit": 16.0},
            ],
        },
    }
    slow = [station for station in population.stations if not station.traits.outlets[0].direct_current]
    for station in slow[:1]:
        await _command(node, station, "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": limit})


async def _command(node: "Node", station: "LivingStation", action: str, payload: dict[str, object]) -> None:
    from stationmaster.domain.errors import DomainError
    from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID

    with contextlib.suppress(DomainError):
        await node.services.commands.send(
            DEFAULT_ORGANISATION_ID, station.target.identity, action, payload, requested_by=REQUESTED_BY, wait_s=10
        )
