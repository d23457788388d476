"""What an operator sees first: stations by state, power, energy over time, the busiest, and where everything stands."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from stationmaster.api.access import Principal, may
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.values import Listed, Moment, View
from stationmaster.domain.overview import HOUR_US, STATION_STATES, Session, hours_of, power_of

router = APIRouter(tags=["Overview"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("stations:read"))]
MOST_HOURS = 24 * 31
LISTED = 10
FRESH_US = 15 * 60 * 1_000_000
"""A measured power that is older says nothing of now."""


class HourView(View):
    """An hour that begins at `at`."""

    at: Moment
    energy_wh: float = Field(description="Spread evenly over the hours that a transaction took.")
    started: int


class BusySiteView(BaseModel):
    """What a site charged in the time asked for."""

    site_id: str
    name: str | None = Field(description="Null: stations name it, but it was never made.")
    energy_wh: float
    transactions: int


class BusyStationView(BaseModel):
    """What a station charged in the time asked for."""

    station_id: str
    energy_wh: float
    transactions: int


class OverviewView(BaseModel):
    """What happens, in sums."""

    stations: dict[str, int] = Field(description=f"How many stations are in which state: {', '.join(STATION_STATES)}.")
    connectors: dict[str, int] = Field(description="How many connectors of connected stations report which status.")
    transactions_open: int
    power_w: float | None = Field(description="Added up over open transactions; null: none of them tells its power.")
    power_known_of: int = Field(description="How many of them told their power in the last 15 minutes.")
    energy_wh: float
    transactions_started: int
    hours: list[HourView]
    busiest_sites: list[BusySiteView]
    busiest_stations: list[BusyStationView]


class StationPlaceView(View):
    """A station on the map."""

    id: str
    name: str | None
    site_id: str | None
    latitude: float
    longitude: float
    state: str = Field(description=", ".join(STATION_STATES))


@router.get("/overview")
async def read_overview(
    principal: Reader, context: Context, hours: Annotated[int, Query(ge=1, le=MOST_HOURS)] = 24
) -> OverviewView:
    """What happens now, and what was charged in the last hours."""
    principal.require("transactions:read")
    scope = (principal.organisation_id, principal.site_ids)
    find, now = context.storage.overview, context.clock()
    since = (now // HOUR_US - hours + 1) * HOUR_US
    stations = await find.stations(*scope)
    sessions = await find.sessions(*scope, since)
    busiest = await find.busiest(*scope, since, LISTED)
    values = await find.newest_values(*scope, now - FRESH_US)
    powers = [power for each in values if each is not None and (power := power_of(each)) is not None]
    told = hours_of(sessions, now, hours)
    sites = _busiest_sites(sessions)
    names = await context.storage.sites.names(principal.organisation_id, [each.site_id for each in sites])
    for each in sites:
        each.name = names.get(each.site_id)
    return OverviewView(
        stations=Counter(each.state for each in stations),
        connectors=Counter(status for each in stations if each.connected for status in each.statuses),
        transactions_open=len(values),
        power_w=sum(powers) if powers else None,
        power_known_of=len(powers),
        energy_wh=sum(each.energy_wh for each in told),
        transactions_started=sum(each.started for each in told),
        hours=[HourView.model_validate(each) for each in told],
        busiest_sites=sites,
        busiest_stations=[
            BusyStationView(station_id=each.station_id, energy_wh=each.energy_wh, transactions=each.started)
            for each in busiest
        ],
    )


@router.get("/station-places")
async def list_station_places(principal: Reader, context: Context) -> Listed[StationPlaceView]:
    """Where the stations stand of which that is known, and how they are; all of them, for a map."""
    stations = await context.storage.overview.stations(principal.organisation_id, principal.site_ids)
    placed = [each for each in stations if each.latitude is not None and each.longitude is not None]
    return Listed(items=[StationPlaceView.model_validate(each) for each in placed], next_cursor=None)


def _busiest_sites(sessions: list[Session]) -> list[BusySiteView]:
    sites: dict[str, BusySiteView] = {}
    for each in sessions:
        if each.site_id is None:
            continue
        site = sites.setdefault(
            each.site_id, BusySiteView(site_id=each.site_id, name=None, energy_wh=0, transactions=0)
        )
        site.energy_wh += each.energy_wh
        site.transactions += each.count
    return sorted(sites.values(), key=lambda site: (-site.energy_wh, site.site_id))[:LISTED]
