"""Whether the cause of an alert lasts, asked when its time has come and not of every station all the time."""

from stationmaster.domain.alerts.nouns import Rule, Watch
from stationmaster.domain.stations import Station
from stationmaster.domain.transactions import Transaction
from stationmaster.services.context import ServiceContext

__all__ = ["Causes"]


class Causes:
    """Looks at what is stored."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage

    async def lasts(self, rule: Rule, watch: Watch, station: Station | None) -> bool:
        """Whether what began with `watch` is still the case."""
        if station is None:
            return False
        match rule.kind:
            case "station_offline":
                return not station.connected
            case "connector_faulted":
                return await self._is_faulted(watch)
            case "transaction_without_energy":
                return await self._is_without_energy(rule, watch)
            case "identity_contested":
                return station.contested_since is not None
        return True

    @staticmethod
    def outlasts_quiet(rule: Rule, station: Station | None) -> bool:
        """Whether what has not happened again goes on all the same: a contest keeps it from happening."""
        return rule.kind == "identity_contested" and station is not None and station.contested_since is not None

    @staticmethod
    def end_silently(rule: Rule) -> bool:
        """Whether the cause may end without an event."""
        return rule.kind in ("station_offline", "transaction_without_energy")

    async def _is_faulted(self, watch: Watch) -> bool:
        connectors = await self._storage.connectors.of(watch.station_id)
        return any(each.status == "Faulted" and each.evse_id == watch.evse_id for each in connectors)

    async def _is_without_energy(self, rule: Rule, watch: Watch) -> bool:
        """Whether it runs and is known to have delivered next to nothing; one that is never measured is not known."""
        number = int(watch.subject.rpartition(":")[2])
        transaction: Transaction | None = await self._storage.transactions.get(number)
        if transaction is None or transaction.state != "open" or transaction.last_meter_wh is None:
            return False
        # What was read, not what is billed: of a transaction that runs nothing may be billed yet.
        return transaction.last_meter_wh - (transaction.meter_start_wh or 0) < rule.numbers["minimum_wh"]
