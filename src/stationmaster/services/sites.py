"""Sites as operators keep them (issue "Fleet", point 1).

The rule that shapes this file: what cannot be shared safely is refused with words; what can be, but
will surprise somebody (a limit below the minimum of one car, no stations, undeclared phases), is
kept and said as a warning each time the site is read.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.errors import Conflict, FieldError, Invalid, NotFound
from stationmaster.domain.identities import check_text
from stationmaster.domain.load_management.facts import SiteChanged
from stationmaster.domain.load_management.site import SiteLimit, problems
from stationmaster.domain.sites import LimitSchedule, Site, Wiring, planned_connector, planned_site
from stationmaster.domain.smart_charging.tenths import words_of_tenths
from stationmaster.domain.stations import Station
from stationmaster.services.context import ServiceContext
from stationmaster.storage import errors as storage_errors

__all__ = ["SITES", "SiteConnector", "SiteWarning", "Sites", "zone_of"]

SITES: Final = "site"
"""The kind of `Invalidate` that says: a site, its schedules or its wiring were changed."""
MOST_LIMITS: Final = 50
MOST_ENTRIES: Final = 400
MOST_SOURCES: Final = 10
AT_A_TIME: Final = 1000
LONGEST_ID: Final = 255
_AN_AGE: Final = 2**62
"""Later than any limit is valid."""
_SOURCE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TEXTS: Final = {"name": 255, "address": 1000, "note": 2000}


class SiteWarning(msgspec.Struct, frozen=True):
    """Something about a site that is allowed and may surprise."""

    code: str
    message: str


class SiteConnector(msgspec.Struct, frozen=True, kw_only=True):
    """A connector of a site. `declared` False: nobody said how it is wired, so the worst is assumed."""

    station: Station
    wiring: Wiring
    declared: bool


class Sites:
    """Keeps the sites of organisations."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._bus = context.bus
        self._clock = context.clock

    async def get(self, organisation_id: str, site_id: str) -> Site:
        """A site of the organisation. Raises NotFound."""
        site: Site | None = await self._storage.sites.get(organisation_id, site_id)
        if site is None:
            raise _not_found()
        return site

    async def create(self, new: Site) -> Site:
        """Make a site. Raises Invalid, and Conflict (`site_exists`)."""
        if not new.id or len(new.id) > LONGEST_ID or new.id != new.id.strip() or "/" in new.id:
            raise _invalid("id", "A site's id has 1 to 255 characters, no blanks at its ends and no slash.")
        checked = _checked(new)
        try:
            made: Site = await self._storage.sites.save(checked)
        except storage_errors.Conflict as error:
            raise Conflict("site_exists", f"There is a site `{new.id}` already.") from error
        await self._changed(made.organisation_id, made.id, "created")
        return made

    async def update(self, organisation_id: str, site_id: str, changes: Mapping[str, Any]) -> Site:
        """Change members by name. Raises NotFound and Invalid."""
        site = await self.get(organisation_id, site_id)
        changed = _checked(msgspec.structs.replace(site, **changes))
        if changed.phases != site.phases:
            for each in await self.connectors_of(site):
                _check_phases(changed, each.wiring)
        try:
            saved: Site = await self._storage.sites.save(changed)
        except storage_errors.NotFound as error:
            raise _not_found() from error
        await self._changed(organisation_id, site_id, "changed")
        return saved

    async def delete(self, organisation_id: str, site_id: str) -> None:
        """Remove a site. Its stations keep its id as a label, and the limits that it gave are taken from them."""
        try:
            await self._storage.sites.delete(organisation_id, site_id)
        except storage_errors.NotFound as error:
            raise _not_found() from error
        await self._changed(organisation_id, site_id, "deleted")

    # Schedules of other sources.

    async def put_schedule(self, site: Site, source: str, entries: Sequence[SiteLimit]) -> LimitSchedule:
        """Limits over time from one source, in the place of those it gave before. Raises Invalid."""
        if not _SOURCE.fullmatch(source):
            raise _invalid("source", "A source has 1 to 64 letters, digits, dots, dashes or underscores.")
        if len(entries) > MOST_ENTRIES:
            raise _invalid("entries", f"A schedule has at most {MOST_ENTRIES} entries.")
        known = await self._storage.sites.schedules_of(site.organisation_id, site.id)
        if source not in {each.source for each in known} and len(known) >= MOST_SOURCES:
            raise _invalid("source", f"A site has schedules of at most {MOST_SOURCES} sources.")
        schedule = LimitSchedule(
            organisation_id=site.organisation_id, site_id=site.id, source=source, entries=tuple(entries)
        )
        _check_limits(entries, "entries")
        _check_problems(msgspec.structs.replace(site, limits=tuple(entries)), "entries")
        saved: LimitSchedule = await self._storage.sites.save_schedule(schedule)
        await self._changed(site.organisation_id, site.id, "schedule")
        return saved

    async def delete_schedule(self, site: Site, source: str) -> None:
        """Take the limits of a source away. Raises NotFound."""
        try:
            await self._storage.sites.delete_schedule(site.organisation_id, site.id, source)
        except storage_errors.NotFound as error:
            raise NotFound("schedule_unknown", f"There is no schedule of `{source}`.") from error
        await self._changed(site.organisation_id, site.id, "schedule")

    # Connectors.

    async def stations_of(self, site: Site) -> list[Station]:
        """The stations of a site, in the order of their ids: all of them, since one left out would not be limited."""
        found: list[Station] = []
        cursor = None
        while True:
            page = await self._storage.stations.find(
                site.organisation_id, site_id=site.id, limit=AT_A_TIME, cursor=cursor
            )
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def connectors_of(self, site: Site) -> list[SiteConnector]:
        """All connectors of a site: those that somebody declared and those that stations told of.

        A station that has been here and told of none counts as one connector.
        """
        stations = await self.stations_of(site)
        ids = [station.id for station in stations]
        declared = {(each.station_id, each.evse_id): each for each in await self._storage.sites.wirings_of(ids)}
        reported = await self._storage.connectors.of_stations(ids) if ids else {}
        found: list[SiteConnector] = []
        for station in stations:
            numbers = {evse_id for station_id, evse_id in declared if station_id == station.id}
            numbers |= {each.evse_id for each in reported.get(station.id, ()) if each.evse_id}
            if not numbers and (station.connected or station.connected_at is not None):
                numbers = {1}
            for evse_id in sorted(numbers):
                wiring = declared.get((station.id, evse_id))
                bare = Wiring(organisation_id=site.organisation_id, station_id=station.id, evse_id=evse_id)
                found.append(SiteConnector(station=station, wiring=wiring or bare, declared=wiring is not None))
        return found

    async def put_wiring(self, station: Station, wiring: Wiring) -> Wiring:
        """Declare how a connector is wired. Raises Invalid with what is wrong about it."""
        found = problems(_bare_site(station), (planned_connector(wiring),))
        if found:
            raise _invalid("connector", f"This cannot be: {'; '.join(found)}.")
        site = (
            None if station.site_id is None else await self._storage.sites.get(station.organisation_id, station.site_id)
        )
        if site is not None:
            _check_phases(site, wiring)
        saved: Wiring = await self._storage.sites.save_wiring(wiring)
        await self._changed(station.organisation_id, station.site_id or "", "wiring")
        return saved

    async def delete_wiring(self, station: Station, evse_id: int) -> None:
        """Forget what was declared of a connector. Raises NotFound."""
        try:
            await self._storage.sites.delete_wiring(station.id, evse_id)
        except storage_errors.NotFound as error:
            raise NotFound("connector_unknown", "Nothing was declared of this connector.") from error
        await self._changed(station.organisation_id, station.site_id or "", "wiring")

    # What may surprise.

    async def warnings_of(self, site: Site) -> list[SiteWarning]:
        """What is allowed and may surprise: no limit, no stations, too little for one car, undeclared phases."""
        schedules = await self._storage.sites.schedules_of(site.organisation_id, site.id)
        connectors = await self.connectors_of(site)
        limits = [*site.limits, *(entry for each in schedules for entry in each.entries)]
        found: list[SiteWarning] = []
        if not limits:
            found.append(SiteWarning("no_limit", "The site has no limit, so nothing is shared and nothing is sent."))
        if not connectors:
            found.append(SiteWarning("no_stations", "No station belongs to this site: set its id as their `site_id`."))
        found += _too_low(site, limits, connectors)
        measuring = None if site.meter is None else site.meter.station_id
        if measuring is not None and measuring not in {each.id for each in await self.stations_of(site)}:
            words = f"The meter of this site is station `{measuring}`, which does not belong to it: it is not heard."
            found.append(SiteWarning("meter_elsewhere", words))
        unknown = [each.wiring.location for each in connectors if not _declared(site, each.wiring)]
        if unknown:
            first = f"connector {unknown[0].connector_number} of {unknown[0].station_id}"
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            words = f"Nobody declared the phases of {first}{more}: the worst is assumed, all three phases in full."
            found.append(SiteWarning("phases_undeclared", words))
        return found

    async def _changed(self, organisation_id: str, site_id: str, what: str) -> None:
        if site_id:
            fact = SiteChanged(
                organisation_id=organisation_id, station_id="", received_at=self._clock(), site_id=site_id, what=what
            )
            await self._storage.record([fact])
        await self.tell(organisation_id, site_id)

    async def tell(self, organisation_id: str, site_id: str) -> None:
        """Have every node learn a site anew."""
        message = Invalidate(kind=SITES, key=site_id, organisation_id=organisation_id)
        await self._bus.publish(INVALIDATE, encode(message))


def zone_of(name: str) -> tzinfo:
    """A time zone by its IANA name. Raises Invalid for one that this machine does not know."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        words = f"`{name}` is no time zone that this system knows; they are named like `Europe/Stockholm`."
        raise _invalid("time_zone", words) from error


def _checked(site: Site) -> Site:
    texts = {
        name: check_text(name, getattr(site, name), longest, lines=name != "name") for name, longest in _TEXTS.items()
    }
    checked = msgspec.structs.replace(site, **(texts | {"name": texts["name"] or site.id}))
    zone_of(site.time_zone)
    if len(site.limits) > MOST_LIMITS:
        raise _invalid("limits", f"A site has at most {MOST_LIMITS} limits.")
    names = [limit.name for limit in site.limits]
    if len(set(names)) != len(names):
        raise _invalid("limits", "The limits of a site have different names.")
    _check_limits(site.limits, "limits")
    _check_problems(site, "limits")
    return checked


def _check_limits(limits: Sequence[SiteLimit], field: str) -> None:
    for index, limit in enumerate(limits):
        begins, ends = limit.valid_from, limit.valid_to
        if begins is not None and ends is not None and ends <= begins:
            raise _invalid(f"{field}.{index}.valid_to", f"The limit {limit.name!r} ends before it begins.")


def _check_problems(site: Site, field: str) -> None:
    found = problems(planned_site(site, (), (), 0, _AN_AGE), ())
    if found:
        raise _invalid(field, f"This cannot be shared safely: {'; '.join(found)}.")


def _check_phases(site: Site, wiring: Wiring) -> None:
    if wiring.phases is None:
        return
    strange = [phase.name for phase in wiring.phases if phase not in site.phases]
    if strange:
        where = f"connector {wiring.evse_id} of {wiring.station_id}"
        words = f"{where} is on {', '.join(strange)}, which the site does not have."
        raise _invalid("phases", words[0].upper() + words[1:])


def _declared(site: Site, wiring: Wiring) -> bool:
    return wiring.phases is not None and set(site.phases).issuperset(wiring.phases)


def _too_low(site: Site, limits: Sequence[SiteLimit], connectors: Sequence[SiteConnector]) -> list[SiteWarning]:
    if not connectors:
        return []
    least = min(planned_connector(each.wiring).least_deciamps for each in connectors)
    found = []
    for limit in limits:
        amounts = [each for each in limit.phase_deciamps if each is not None]
        if limit.total_w is not None:
            amounts.append(limit.total_w * 10 // site.nominal_voltage_v)
        if amounts and min(amounts) < least:
            words = (
                f"The limit {limit.name!r} is below the minimum current of one car, {words_of_tenths(least, 'A')}: "
                "while it holds, every car is paused."
            )
            found.append(SiteWarning("limit_below_minimum", words))
    return found


def _bare_site(station: Station) -> Any:
    return planned_site(
        Site(id=station.site_id or "-", organisation_id=station.organisation_id, name="-"), (), (), 0, 1
    )


def _not_found() -> NotFound:
    return NotFound("site_unknown", "There is no such site.")


def _invalid(field: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, "impossible", words),))
