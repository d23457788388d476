"""Secrets that stations were sent, kept for as long as the node runs so that they are hidden wherever they come back.

The rule that shapes this file: a connection ends sooner than a station forgets. A new password is often what makes it
come in anew, and what it was told before it may quote after that. Nothing of it is stored, and a station that was sent
no secret has no entry.
"""

from collections import OrderedDict
from collections.abc import Collection
from typing import Final

__all__ = ["ToldSecrets"]

_STATIONS: Final = 10_000
_PER_STATION: Final = 32


class ToldSecrets:
    """What was secret in the CALLs to each station, in clear. The station that was told longest ago makes room."""

    __slots__ = ("_by_station", "_stations")

    def __init__(self, stations: int = _STATIONS) -> None:
        self._stations = stations
        self._by_station: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def of(self, station_id: str) -> tuple[str, ...]:
        """The last secrets that a station was sent, the oldest first."""
        return self._by_station.get(station_id, ())

    def add(self, station_id: str, secrets: Collection[str]) -> tuple[str, ...]:
        """A station is sent these; all that are remembered of it now."""
        before = self.of(station_id)
        told = (*before, *(secret for secret in secrets if secret not in before))[-_PER_STATION:]
        self._by_station[station_id] = told
        self._by_station.move_to_end(station_id)
        if len(self._by_station) > self._stations:
            self._by_station.popitem(last=False)
        return told
