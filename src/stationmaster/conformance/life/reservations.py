"""The reservations that a station keeps (handbook §3.8)."""

from collections.abc import Callable
from dataclasses import dataclass

from stationmaster.instants import Instant

__all__ = ["Reservation", "Reservations"]


@dataclass(frozen=True, slots=True)
class Reservation:
    """A connector (0: any one) kept for a tag or its group until `expires_at`."""

    id: int
    connector: int
    id_tag: str
    parent_id_tag: str | None
    expires_at: Instant

    def admits(self, id_tag: str, parent_id_tag: str | None) -> bool:
        """Whether this driver is the one that it is kept for."""
        if id_tag.lower() == self.id_tag.lower():
            return True
        group = self.parent_id_tag
        return group is not None and parent_id_tag is not None and group.lower() == parent_id_tag.lower()


class Reservations:
    """All reservations of a station, by id."""

    def __init__(self) -> None:
        self._by_id: dict[int, Reservation] = {}

    def add(self, reservation: Reservation) -> None:
        """Keep a reservation; one with the same id is replaced."""
        self._by_id[reservation.id] = reservation

    def remove(self, reservation_id: int) -> Reservation | None:
        """End a reservation; None if there is none with this id."""
        return self._by_id.pop(reservation_id, None)

    def of_connector(self, connector: int) -> Reservation | None:
        """The reservation that names this connector."""
        return self._first(lambda reservation: reservation.connector == connector)

    def admitting(self, connector: int, id_tag: str, parent_id_tag: str | None) -> Reservation | None:
        """The reservation that this driver would use here: one of the connector, else one of the station."""
        return self._first(
            lambda kept: kept.connector == connector and kept.admits(id_tag, parent_id_tag)
        ) or self._first(lambda kept: kept.connector == 0 and kept.admits(id_tag, parent_id_tag))

    def end_of(self, connector: int) -> list[Reservation]:
        """End those of a connector (0: all), since it can no longer be used."""
        ended = [kept for kept in self._by_id.values() if connector in (0, kept.connector)]
        for reservation in ended:
            del self._by_id[reservation.id]
        return ended

    def any_connector(self) -> int:
        """How many connectors have to stay free for reservations of the station as a whole."""
        return sum(1 for kept in self._by_id.values() if kept.connector == 0)

    def next_expiry(self) -> Instant | None:
        """When the next one is over."""
        return min((kept.expires_at for kept in self._by_id.values()), default=None)

    def take_expired(self, now: Instant) -> list[Reservation]:
        """End those whose time is over."""
        expired = [kept for kept in self._by_id.values() if kept.expires_at <= now]
        for reservation in expired:
            del self._by_id[reservation.id]
        return expired

    def _first(self, fits: Callable[[Reservation], bool]) -> Reservation | None:
        return next((kept for kept in self._by_id.values() if fits(kept)), None)
