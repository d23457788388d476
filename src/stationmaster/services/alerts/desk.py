"""What people do with alerts: say that they know, and put away what does not end by itself."""

from collections.abc import Sequence

from stationmaster.domain.alerts.facts import AlertAcknowledged, alert_cleared
from stationmaster.domain.alerts.nouns import Alert, AlertState, Cleared
from stationmaster.domain.errors import Conflict, NotFound
from stationmaster.domain.identities import check_text
from stationmaster.services.context import ServiceContext

__all__ = ["AlertDesk"]

LONGEST_COMMENT = 1000


class AlertDesk:
    """Acknowledges and clears."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._clock = context.clock

    async def get(self, organisation_id: str, alert_id: str) -> Alert:
        """An alert of the organisation. Raises NotFound."""
        found: Alert | None = await self._storage.alerts.get(alert_id)
        if found is None or found.organisation_id != organisation_id:
            raise NotFound("alert_unknown", "There is no such alert.")
        return found

    async def acknowledge(self, alerts: Sequence[Alert], actor: str, comment: str | None) -> None:
        """Keep that somebody knows; a later word replaces an earlier one. It may have cleared meanwhile."""
        now = self._clock()
        said = check_text("comment", comment, LONGEST_COMMENT, lines=True)
        await self._storage.record(
            [
                AlertAcknowledged(
                    organisation_id=each.organisation_id,
                    station_id=each.station_id,
                    received_at=now,
                    id=each.id,
                    kind=each.kind,
                    severity=each.severity,
                    summary=each.summary,
                    acknowledged_at=now,
                    acknowledged_by=actor,
                    comment=said,
                )
                for each in alerts
            ]
        )

    async def clear(self, alert: Alert) -> None:
        """Put an alert away; if its cause goes on or comes again, there will be a new one. Raises Conflict."""
        if alert.state is AlertState.CLEARED:
            raise Conflict("alert_cleared", "This alert has been cleared already.")
        await self._storage.record([alert_cleared(alert, Cleared.BY_PERSON.value, self._clock())])
