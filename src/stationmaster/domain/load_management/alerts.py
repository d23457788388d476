"""Alerts that are raised once and cleared once.

The rule that shapes this file: the planner says again and again what is the case; only changes
leave it as effects.
"""

from collections.abc import Iterable

from stationmaster.domain.load_management.effects import AlertCleared, AlertKind, AlertRaised, Effect
from stationmaster.domain.locations import Location
from stationmaster.instants import Instant

__all__ = ["Alerts"]


class Alerts:
    """The alerts that stand, those given at first included."""

    def __init__(self, standing: Iterable[AlertRaised] = ()) -> None:
        self._standing = {(each.kind, each.location): each for each in standing}
        self._troubled = {each.location for each in self._standing.values()}

    @property
    def standing(self) -> list[AlertRaised]:
        """Everything that has been raised and not cleared, oldest first."""
        return list(self._standing.values())

    def any_of(self, location: Location | None) -> bool:
        """Whether something stands for a connector."""
        return location in self._troubled

    def state(
        self, kind: AlertKind, location: Location | None, *, raised: bool, message: str, now: Instant
    ) -> list[Effect]:
        """Say what is the case. Returns what has changed by it: one effect or none."""
        known = (kind, location) in self._standing
        if raised is known:
            return []
        if raised:
            alert = AlertRaised(kind=kind, location=location, message=message, raised_at=now)
            self._standing[kind, location] = alert
            self._troubled.add(location)
            return [alert]
        del self._standing[kind, location]
        self._troubled = {each.location for each in self._standing.values()}
        return [AlertCleared(kind=kind, location=location)]

    def forget(self, location: Location | None) -> list[Effect]:
        """A connector is gone, or the site (None) is no longer managed, and its alerts with it."""
        gone = [each for each in self._standing.values() if each.location == location]
        for each in gone:
            del self._standing[each.kind, each.location]
        self._troubled.discard(location)
        return [AlertCleared(kind=each.kind, location=location) for each in gone]
