"""Writing the state of connectors: the last report counts, and what an operator asked for."""

from stationmaster.domain.facts import AvailabilityRequested, ConnectorStatusChanged
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables import connector

__all__ = ["store_requests", "store_statuses"]

_KEYS = ("station_id", "evse_id", "connector_id")
_REPORTED = (
    "organisation_id",
    "status",
    "error_code",
    "info",
    "vendor_id",
    "vendor_error_code",
    "reported_at",
    "received_at",
)
# A change that was scheduled is pending until a status shows it (§3.3.2).
_AS_WANTED = "connector.desired_operative = (excluded.status <> 'Unavailable')"
_REPORT = insert_into(
    connector,
    (*_KEYS, *_REPORTED),
    keys=_KEYS,
    changes={name: f"excluded.{name}" for name in _REPORTED}
    | {
        "availability_status": "CASE WHEN connector.availability_status = 'Scheduled' AND "
        f"{_AS_WANTED} THEN 'Accepted' ELSE connector.availability_status END"
    },
)
_REQUEST = insert_into(
    connector,
    (*_KEYS, "organisation_id", "desired_operative", "availability_status"),
    keys=_KEYS,
)


def store_statuses(_batch: Batch, facts: list[ConnectorStatusChanged]) -> Program[None]:
    """The current status is the one received last (§3.2.9); the history is made of the events."""
    latest = {fact.location: fact for fact in facts}
    yield Execute(
        _REPORT,
        [
            (
                location.station_id,
                location.evse_id or 0,
                location.connector_id or 0,
                fact.organisation_id,
                fact.status,
                fact.error_code,
                fact.info,
                fact.vendor_id,
                fact.vendor_error_code,
                fact.reported_at,
                fact.received_at,
            )
            for location, fact in latest.items()
        ],
    )


def store_requests(_batch: Batch, facts: list[AvailabilityRequested]) -> Program[None]:
    """Keep what was asked for last and how the station answered (§3.3.2)."""
    latest = {fact.location: fact for fact in facts}
    yield Execute(
        _REQUEST,
        [
            (
                location.station_id,
                location.evse_id or 0,
                location.connector_id or 0,
                fact.organisation_id,
                fact.operative,
                fact.status,
            )
            for location, fact in latest.items()
        ],
    )
