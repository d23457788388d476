"""How a site's limit changes with time: now, and at each fall ahead.

The rule that shapes this file: what is promised now must still fit when the limit falls, since a
station may be out of reach by then. Only new lows count: an offer falls with them by itself and
rises only when it is sent anew.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from stationmaster.domain.load_management.lanes import UNLIMITED, UNLIMITED_LANES, Lanes, least
from stationmaster.domain.load_management.site import ALL_PHASES, Site, SiteLimit
from stationmaster.domain.smart_charging.local_time import UtcOffset, offset_at
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["Fall", "Outlook", "changes_of", "lanes_at", "limiting_names", "outlook"]

_SECOND: Final = MICROSECONDS_PER_SECOND
_DAY_US: Final = 86_400 * _SECOND
_THURSDAY: Final = 3
"""The weekday of 1970-01-01 when Monday is 0."""


class Fall(msgspec.Struct, frozen=True):
    """At `at` the limit falls to `lanes`, lower than ever since now on some lane; offers fall at `since`.

    While `since` has passed and `at` has not, stations have fallen or are about to, each by its
    own clock; what they are offered then must not rise beyond what falls to them.
    """

    at: Instant
    since: Instant
    lanes: Lanes


class Outlook(msgspec.Struct, frozen=True):
    """What holds now and what is ahead.

    `enforced` must not be exceeded from now on; `planned` is what new offers are made for: falls
    that are near count already. `next_change` is when to look again.
    """

    enforced: Lanes
    planned: Lanes
    falls: tuple[Fall, ...]
    next_change: Instant | None


def lanes_at(site: Site, at: Instant) -> Lanes:
    """The site's limit at an instant: the least of all that are in force; 0 on phases it does not have."""
    lanes = UNLIMITED_LANES
    for limit in site.limits:
        if _in_force(limit, site.utc_offsets, at):
            lanes = least(lanes, _lanes_of(limit, site.nominal_voltage_v))
    first, second, third = (
        amount if phase in site.phases else 0 for phase, amount in zip(ALL_PHASES, lanes[:3], strict=True)
    )
    return (first, second, third, lanes[3])


def limiting_names(site: Site, at: Instant, lane: int) -> tuple[str, ...]:
    """The names of the limits that set a lane at an instant."""
    value = lanes_at(site, at)[lane]
    return tuple(
        limit.name
        for limit in site.limits
        if _in_force(limit, site.utc_offsets, at) and _lanes_of(limit, site.nominal_voltage_v)[lane] == value
    )


def outlook(site: Site, now: Instant) -> Outlook:
    """The limit from now on, for a day ahead; windows come round daily, so nothing lower follows."""
    settings = site.settings
    lead_us = settings.lead_s * _SECOND
    near = now + lead_us
    enforced_until = near - settings.clock_margin_s * _SECOND
    enforced = planned = lanes_at(site, now)
    falls: list[Fall] = []
    changes = changes_of(site, now, near + _DAY_US)
    lowest = planned
    for at in changes:
        lanes = lanes_at(site, at)
        if at <= enforced_until:
            enforced = least(enforced, lanes)
        lower = least(lowest, lanes)
        if at <= near:
            planned = lower
        if lower != lowest:
            falls.append(Fall(at, at - lead_us, lower))
        lowest = lower
    moments = [
        moment for at in changes for moment in (at - lead_us, at - lead_us + settings.clock_margin_s * _SECOND, at)
    ]
    return Outlook(enforced, planned, tuple(falls), min((each for each in moments if each > now), default=None))


def _lanes_of(limit: SiteLimit, voltage_v: int) -> Lanes:
    first, second, third = (UNLIMITED if each is None else each for each in limit.phase_deciamps)
    return (first, second, third, UNLIMITED if limit.total_w is None else limit.total_w * 10 // voltage_v)


def _in_force(limit: SiteLimit, offsets: Sequence[UtcOffset], at: Instant) -> bool:
    if limit.valid_from is not None and at < limit.valid_from:
        return False
    if limit.valid_to is not None and at >= limit.valid_to:
        return False
    start_s, end_s = limit.daily_from_s, limit.daily_to_s
    local = at + offset_at(offsets, at) * _SECOND
    day, rest_us = divmod(local, _DAY_US)
    if start_s is None or end_s is None:
        return limit.weekdays is None or (day + _THURSDAY) % 7 in limit.weekdays
    if start_s < end_s:
        inside = start_s * _SECOND <= rest_us < end_s * _SECOND
    else:
        inside = rest_us >= start_s * _SECOND or rest_us < end_s * _SECOND
        day -= rest_us < end_s * _SECOND
    return inside and (limit.weekdays is None or (day + _THURSDAY) % 7 in limit.weekdays)


def changes_of(site: Site, start: Instant, end: Instant) -> list[Instant]:
    """Every moment after `start` until `end` at which the limit may change, in order; some may be none."""
    found = {at for limit in site.limits for at in _moments_of(limit, site.utc_offsets, start, end)}
    if any(limit.daily_from_s is not None or limit.weekdays is not None for limit in site.limits):
        found |= {offset.since for offset in site.utc_offsets}
    return sorted(at for at in found if start < at <= end)


def _moments_of(limit: SiteLimit, offsets: Sequence[UtcOffset], start: Instant, end: Instant) -> Iterator[Instant]:
    yield from (each for each in (limit.valid_from, limit.valid_to) if each is not None)
    if limit.daily_from_s is None and limit.weekdays is None:
        return
    edges_s = {0, limit.daily_from_s or 0, limit.daily_to_s or 0}
    shifts_s = {offset_at(offsets, start), offset_at(offsets, end)}
    first_day = start // _DAY_US - 2
    for day in range(first_day, end // _DAY_US + 2):
        for edge_s in edges_s:
            for shift_s in shifts_s:
                yield day * _DAY_US + (edge_s - shift_s) * _SECOND
