"""What else draws from the supply, as the site's meter tells it.

The rule that shapes this file: of several readings the largest counts, and silence is no good
news: the last safe assumption holds until the meter speaks again.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from stationmaster.domain.load_management.lanes import ZERO, Lanes, least, most
from stationmaster.domain.load_management.site import MeterKind, Settings, SiteMeter
from stationmaster.domain.load_management.state import ConnectorState, bound
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["OtherLoads"]

_SECOND: Final = MICROSECONDS_PER_SECOND


class OtherLoads(msgspec.Struct, kw_only=True):
    """The readings that still count, and since when the meter has been expected to speak."""

    readings: list[tuple[Instant, Lanes]] = []
    expected_since: Instant

    def read(
        self,
        meter: SiteMeter,
        deciamps: tuple[int, int, int],
        connectors: Iterable[ConnectorState],
        now: Instant,
        settings: Settings,
    ) -> bool:
        """Take a reading; tell whether it is a reason to plan anew.

        Of a total, only what cars were seen to draw lately is not counted as other load.
        """
        before = (self.lanes(meter, now, settings), self.silent(now, settings))
        first, second, third = deciamps
        if meter.kind is MeterKind.TOTAL:
            fresh = now - settings.meter_window_s * _SECOND
            for state in connectors:
                if state.measured is not None and state.measured_at >= fresh:
                    # A car that has been cut back since draws no more than it may now.
                    drawn = least(state.measured, bound(state, now))
                    first, second, third = first - drawn[0], second - drawn[1], third - drawn[2]
        first, second, third = max(first, 0), max(second, 0), max(third, 0)
        self.readings = [each for each in self.readings if each[0] > now - settings.meter_window_s * _SECOND]
        self.readings.append((now, (first, second, third, first + second + third)))
        return before != (self.lanes(meter, now, settings), False)

    def silent(self, now: Instant, settings: Settings) -> bool:
        """Whether the meter should have spoken by now."""
        return now >= self.speaks_until(settings)

    def speaks_until(self, settings: Settings) -> Instant:
        """When the meter counts as silent if nothing more is heard."""
        last = self.readings[-1][0] if self.readings else self.expected_since
        return last + settings.meter_timeout_s * _SECOND

    def eases_at(self, meter: SiteMeter, now: Instant, settings: Settings) -> Instant | None:
        """When a reading drops out of the window and that makes a difference."""
        present = self.lanes(meter, now, settings)
        for at, _ in self.readings:
            expires = at + settings.meter_window_s * _SECOND
            if expires > now and self.lanes(meter, expires, settings) != present:
                return expires
        return None

    def lanes(self, meter: SiteMeter | None, now: Instant, settings: Settings) -> Lanes:
        """The other loads to reckon with now."""
        if meter is None:
            return ZERO
        # When nothing new has come for as long as the window, the last window goes on counting.
        oldest = now - settings.meter_window_s * _SECOND
        counting = [each for at, each in self.readings if at > oldest] or [each for _, each in self.readings]
        lanes = ZERO
        for each in counting:
            lanes = most(lanes, each)
        if not self.readings or self.silent(now, settings):
            first, second, third = meter.assumed_deciamps
            lanes = most(lanes, (first, second, third, first + second + third))
        return lanes
