"""What a node remembers of a station while it holds its connection.

The rule that shapes this file: memory is filled by what happens on the connection and by reads on
demand, never at connect, so ten thousand idle stations cost next to nothing. All CALLs of a
station are handled one at a time, so nothing here needs a lock. It is dropped with the
connection, and when another node or the API changes what it remembers (`Presence.forget`).
"""

from typing import Final
from weakref import WeakValueDictionary

from stationmaster.domain.energy import BEYOND_PHYSICAL_LIMIT, MARGIN_WH, is_impossible
from stationmaster.domain.facts import MeterSample
from stationmaster.domain.metering import REGISTER_DECREASED
from stationmaster.domain.quirks import NO_QUIRKS
from stationmaster.domain.tidying import CLOSED_BY_POLICY
from stationmaster.domain.transactions import Transaction
from stationmaster.instants import Instant

__all__ = ["KnownTransaction", "Presence", "PresentStation"]

_MOST_TRANSACTIONS: Final = 64
_MOST_UNKNOWN_IDS: Final = 256


class KnownTransaction:
    """What has to be known of a transaction to link values to it."""

    __slots__ = (
        "ended_at",
        "evse_id",
        "id",
        "is_open",
        "last_register_at",
        "last_register_wh",
        "ocpp_id",
        "started_at",
        "tidied",
    )

    def __init__(
        self,
        id: int,
        ocpp_id: str,
        evse_id: int | None = None,
        started_at: Instant | None = None,
        meter_start_wh: int | None = None,
    ) -> None:
        self.id = id
        self.ocpp_id = ocpp_id
        self.evse_id = evse_id
        self.started_at = started_at
        self.last_register_wh: float | None = meter_start_wh
        self.last_register_at = started_at
        self.is_open = True
        self.tidied = False
        """Closed here and not by its station: what the station says of it opens it again."""
        self.ended_at: Instant | None = None

    @classmethod
    def of(cls, transaction: Transaction) -> "KnownTransaction":
        """As stored."""
        known = cls(
            transaction.id,
            transaction.ocpp_id,
            transaction.evse_id,
            transaction.started_at,
            transaction.meter_start_wh,
        )
        if transaction.last_meter_wh is not None:
            known.last_register_wh = transaction.last_meter_wh
            known.last_register_at = transaction.last_sampled_at
        known.is_open = transaction.state == "open"
        known.ended_at = transaction.stopped_at
        known.tidied = CLOSED_BY_POLICY in transaction.flags and transaction.stop_received_at is None
        return known

    def ran_at(self, instant: Instant) -> bool:
        """Whether the transaction was running at a moment of the station's clock."""
        if self.started_at is None or instant < self.started_at:
            return False
        return self.is_open if self.ended_at is None else instant <= self.ended_at

    def began_before(self, other: "KnownTransaction | None") -> bool:
        """Whether another one began later than this: starts may be heard of out of order."""
        return other is not None and (self.started_at or 0) < (other.started_at or 0)

    def doubt_of(self, sample: MeterSample, sampled_at: Instant) -> str | None:
        """The flag that a reading of the register deserves; None: it is sound, and remembered (§3.2.7, S-08).

        A doubtful reading is not remembered, so that the next one is measured by the last sound one. Readings that
        come late or again are older than the last one and say nothing.
        """
        value = sample.value
        if value is None or sample.phase is not None or sample.flags or sample.location not in {None, "Outlet"}:
            return None
        last_wh, last_at = self.last_register_wh, self.last_register_at
        if last_at is not None and sampled_at < last_at:
            return None
        if last_wh is not None:
            if value < last_wh:
                return None if sampled_at == last_at else REGISTER_DECREASED
            if value - last_wh > MARGIN_WH and is_impossible(last_wh, value, last_at, sampled_at):
                return BEYOND_PHYSICAL_LIMIT
        self.last_register_wh = value
        self.last_register_at = sampled_at
        return None


class PresentStation:
    """A station that is connected to this node."""

    __slots__ = (
        "__weakref__",
        "open_ones_loaded",
        "organisation_id",
        "protocol",
        "quirks",
        "since",
        "site_id",
        "station_id",
        "statuses",
        "transactions",
        "unknown_ids",
    )

    def __init__(
        self, organisation_id: str, station_id: str, site_id: str | None, protocol: str, since: Instant
    ) -> None:
        self.organisation_id = organisation_id
        self.station_id = station_id
        self.site_id = site_id
        self.protocol = protocol
        self.quirks = NO_QUIRKS
        """What is known to be odd about it: from its record, and again from what it says at a boot."""
        self.since = since
        """Since when this memory misses nothing: the connection, or the moment it was forgotten."""
        self.statuses: dict[int | None, str] | None = None
        """The last status heard on this connection, by EVSE (None is the station itself)."""
        self.transactions: dict[str, KnownTransaction] | None = None
        """Transactions by the id the station knows them by, oldest first."""
        self.unknown_ids: set[str] | None = None
        """Transaction ids that belong to nobody here, so that the database is asked once."""
        self.open_ones_loaded = False

    def remember_status(self, evse_id: int | None, status: str) -> str | None:
        """Remember a status; returns the one before it, if one was heard on this connection."""
        if self.statuses is None:
            self.statuses = {}
        before = self.statuses.get(evse_id)
        self.statuses[evse_id] = status
        return before

    def remember(self, known: KnownTransaction) -> KnownTransaction:
        """Remember a transaction; the oldest that has ended makes room."""
        if self.transactions is None:
            self.transactions = {}
        self.transactions[known.ocpp_id] = known
        if len(self.transactions) > _MOST_TRANSACTIONS:
            ended = next((each for each in self.transactions.values() if not each.is_open), None)
            oldest = ended or next(iter(self.transactions.values()))
            del self.transactions[oldest.ocpp_id]
            self.since = max(self.since, oldest.ended_at or self.since)
        if self.unknown_ids is not None:
            self.unknown_ids.discard(known.ocpp_id)
        return known

    def remember_unknown(self, ocpp_id: str) -> None:
        """Remember that a transaction id is nobody's."""
        if self.unknown_ids is None or len(self.unknown_ids) >= _MOST_UNKNOWN_IDS:
            self.unknown_ids = set()
        self.unknown_ids.add(ocpp_id)

    def forget_transactions(self, now: Instant) -> None:
        """Ask the database anew."""
        self.transactions = None
        self.unknown_ids = None
        self.open_ones_loaded = False
        self.since = now


class Presence:
    """The stations that are connected to this node, as the services know them. It keeps none of them alive."""

    def __init__(self) -> None:
        self._stations: WeakValueDictionary[str, PresentStation] = WeakValueDictionary()

    def arrived(self, station: PresentStation) -> PresentStation:
        """A station is spoken with for the first time on its connection; it replaces an older one."""
        self._stations[station.station_id] = station
        return station

    def forget(self, station_id: str, now: Instant) -> PresentStation | None:
        """Something about this station was changed elsewhere; the station, if it is here."""
        station = self._stations.get(station_id)
        if station is not None:
            station.forget_transactions(now)
        return station

    def forget_everything(self, now: Instant) -> None:
        """Messages about changes may have been missed."""
        for station in list(self._stations.values()):
            station.forget_transactions(now)
