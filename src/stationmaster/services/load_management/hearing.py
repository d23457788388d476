"""From facts to news for the node that plans: which of what happens at a managed site matters, and how much of it.

The rule that shapes this file: whatever can be read from the database is only hinted at ("look"); what
cannot wait to be read there, measured currents, is told.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from stationmaster.bus.messages_v1 import SiteNews
from stationmaster.domain.facts import (
    JobChanged,
    MeterSampled,
    StationBooted,
    StationConnected,
    StationDisconnected,
    TransactionEnded,
    TransactionStarted,
)
from stationmaster.domain.jobs import JobState
from stationmaster.domain.load_management import inputs as said
from stationmaster.domain.load_management.readings import Currents, currents_of
from stationmaster.domain.load_management.site import Connector
from stationmaster.domain.locations import Location
from stationmaster.domain.sites import Site
from stationmaster.domain.smart_charging.facts import ChargingProfilesChanged
from stationmaster.domain.tidying import TransactionTidied
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant
from stationmaster.services.load_management.ours import REQUESTED_BY
from stationmaster.services.load_management.runner import SiteRunner
from stationmaster.storage import Committed

__all__ = ["Listener", "hand_in"]

_FRESH_US: Final = 300 * MICROSECONDS_PER_SECOND
"""What was measured longer ago says nothing of now: it was kept while the station was away."""
_LOOKED_AT: Final = (
    StationConnected,
    StationDisconnected,
    StationBooted,
    TransactionStarted,
    TransactionEnded,
    TransactionTidied,
    ChargingProfilesChanged,
)
_MOST_REMEMBERED: Final = 20_000


class Listener:
    """Makes news of facts."""

    def __init__(self) -> None:
        self._sampled: dict[Location, Instant] = {}

    def news_of(self, entry: Committed, site: Site, connectors: Mapping[Location, Connector]) -> Iterator[SiteNews]:
        """The news in a fact of a station of this site."""
        fact = entry.fact
        if isinstance(fact, MeterSampled):
            yield from self._measured(fact, site, connectors)
        elif isinstance(fact, _LOOKED_AT):
            what = "rebooted" if isinstance(fact, StationBooted) else "look"
            yield _news(site, what, fact.station_id)
        elif isinstance(fact, JobChanged) and _is_late_answer(fact):
            yield SiteNews(
                organisation_id=site.organisation_id,
                site_id=site.id,
                what="answered",
                station_id=fact.station_id,
                job_id=fact.id,
                result=fact.result or "",
            )

    def _measured(self, fact: MeterSampled, site: Site, connectors: Mapping[Location, Connector]) -> Iterator[SiteNews]:
        location = fact.location
        if location is None:
            return
        if fact.received_at - fact.sampled_at > _FRESH_US or fact.sampled_at < self._sampled.get(location, 0):
            return
        connector = connectors.get(location)
        if connector is not None:
            phases, evenly = len(connector.wired), connector.all_phases
        elif location.evse_id is None and site.meter is not None and site.meter.station_id == fact.station_id:
            phases, evenly = len(site.phases), False
        else:
            return
        currents = currents_of(fact.samples, phases, site.nominal_voltage_v, evenly=evenly)
        if currents is None:
            return
        self._sampled.pop(location, None)
        self._sampled[location] = fact.sampled_at
        while len(self._sampled) > _MOST_REMEMBERED:
            del self._sampled[next(iter(self._sampled))]
        if connector is not None:
            yield _news(site, "measured", fact.station_id, location.evse_id or 0, currents)
        elif (reading := _of_supply(site, currents)) is not None:
            yield _news(site, "meter", fact.station_id, 0, reading)


def hand_in(runner: SiteRunner, news: SiteNews) -> None:
    """Tell a site's runner what there is to know."""
    match news.what:
        case "measured":
            location = Location.of_connector_number(news.station_id, news.evse_id)
            runner.tell(said.Measured(location=location, deciamps=news.deciamps))
        case "meter":
            first, second, third = (each or 0 for each in news.deciamps)
            runner.tell(said.SiteMeterRead(deciamps=(first, second, third)))
        case "answered":
            runner.answered_late(news.job_id, news.result)
        case "rebooted":
            runner.rebooted(news.station_id)
        case _:
            runner.look_at([news.station_id])


def _is_late_answer(fact: JobChanged) -> bool:
    return fact.requested_by == REQUESTED_BY and fact.state == JobState.TIMEOUT and fact.result is not None


def _news(
    site: Site, what: str, station_id: str, evse_id: int = 0, deciamps: Currents = (None, None, None)
) -> SiteNews:
    return SiteNews(
        organisation_id=site.organisation_id,
        site_id=site.id,
        what=what,
        station_id=station_id,
        evse_id=evse_id,
        deciamps=deciamps,
    )


def _of_supply(site: Site, currents: Currents) -> Currents | None:
    """A meter's currents on the phases of the supply; None when one of them is missing."""
    if len(site.phases) == 1:
        amount = next((each for each in currents if each is not None), None)
        found: list[int | None] = [None, None, None]
        found[site.phases[0]] = amount
        return None if amount is None else (found[0], found[1], found[2])
    return None if any(currents[phase] is None for phase in site.phases) else currents
