"""Writing what stations tell of themselves: transfers, security events, vendor messages."""

from stationmaster.domain.facts import DataTransferReceived, SecurityEventReported, TransferStatusReported
from stationmaster.storage.committed import ALREADY_STORED, AlreadyStored
from stationmaster.storage.numbers import digest_of
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into, select_by
from stationmaster.storage.tables import data_transfer, security_event, transfer_status

__all__ = ["store_data_transfers", "store_security_events", "store_transfer_statuses"]

_INSERT_TRANSFERS = insert_into(transfer_status)
_INSERT_SECURITY_EVENTS = insert_into(security_event, ignore=True)
_FIND_SECURITY_EVENTS = select_by(security_event, ("id",), ("id",), where="t.id = :id")
_INSERT_DATA_TRANSFERS = insert_into(data_transfer)


def store_transfer_statuses(batch: Batch, facts: list[TransferStatusReported]) -> Program[None]:
    """Append each step of a firmware update or an upload."""
    yield Execute(
        _INSERT_TRANSFERS,
        [
            (
                row_id,
                fact.organisation_id,
                fact.station_id,
                fact.received_at,
                fact.transfer,
                fact.status,
                fact.request_id,
                fact.job_id,
            )
            for row_id, fact in zip(batch.take_ids(len(facts)), facts, strict=True)
        ],
    )


def store_security_events(batch: Batch, facts: list[SecurityEventReported]) -> Program[list[AlreadyStored | None]]:
    """Append security events; one that was told before is dropped (§4.9)."""
    row_ids = batch.take_ids(len(facts))
    inserted = yield Execute(
        _INSERT_SECURITY_EVENTS,
        [
            (
                row_id,
                fact.organisation_id,
                fact.station_id,
                fact.received_at,
                fact.type,
                fact.occurred_at,
                fact.technical_info,
                fact.critical,
                fact.source,
                digest_of((fact.type, fact.technical_info)),
            )
            for row_id, fact in zip(row_ids, facts, strict=True)
        ],
    )
    if inserted.rowcount == len(facts):
        return [None] * len(facts)
    found = yield Execute(_FIND_SECURITY_EVENTS, [(row_id,) for row_id in row_ids])
    stored = {row[0] for row in found.rows}
    return [None if row_id in stored else ALREADY_STORED for row_id in row_ids]


def store_data_transfers(batch: Batch, facts: list[DataTransferReceived]) -> Program[None]:
    """Append vendor messages with our answer."""
    yield Execute(
        _INSERT_DATA_TRANSFERS,
        [
            (
                row_id,
                fact.organisation_id,
                fact.station_id,
                fact.received_at,
                fact.vendor_id,
                fact.message_id,
                fact.data,
                fact.status,
            )
            for row_id, fact in zip(batch.take_ids(len(facts)), facts, strict=True)
        ],
    )
