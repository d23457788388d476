"""Transactions and the values measured during them (handbook §3.2.7-§3.2.10, §3.5)."""

from typing import Final

import msgspec

from stationmaster.domain.clocks import is_doubtful
from stationmaster.domain.facts import MeterSample
from stationmaster.instants import Instant

__all__ = [
    "ANSWERED_UNKNOWN",
    "NO_ID",
    "START_UNCONFIRMED",
    "STOP_INFERRED",
    "Beginning",
    "MeterValueSet",
    "Transaction",
]

NO_ID: Final = "-1"
"""What a station calls a transaction for which it never got an id (§3.2.8)."""
ANSWERED_UNKNOWN: Final = "answered_unknown"
"""The flag of a start that was answered as if nobody knew its token, since the station had been guessing tokens."""
START_UNCONFIRMED: Final = "start_unconfirmed"
"""The flag of a transaction whose station was gone before its start could be answered, or got an error."""
STOP_INFERRED: Final = "stop_inferred"
"""The flag of a transaction that was ended by a stop without an id."""


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction. `state`: open, closed, superseded (an open one whose connector has a newer one).

    `energy_wh` = meter_stop_wh - meter_start_wh, None while open or unknown; `energy_source` says
    how it is known ("meter_stop", "last_sample" …). An orphan has an end and no start.
    """

    id: int
    ocpp_id: str
    organisation_id: str
    station_id: str
    site_id: str | None
    protocol: str
    evse_id: int | None
    connector_id: int | None
    id_tag: str | None
    token_id: int | None
    parent_id_tag: str | None
    state: str
    authorization_status: str | None
    reservation_id: int | None
    meter_start_wh: int | None
    meter_stop_wh: int | None
    energy_wh: int | None
    energy_source: str | None
    started_at: Instant | None
    started_at_text: str | None
    start_received_at: Instant | None
    stopped_at: Instant | None
    stopped_at_text: str | None
    stop_received_at: Instant | None
    stop_reason: str | None
    stop_id_tag: str | None
    last_meter_wh: int | None
    last_sampled_at: Instant | None
    remote_start_job_id: str | None
    flags: tuple[str, ...]


class Beginning(msgspec.Struct, frozen=True, gc=False):
    """When a transaction began, as its station says it, and when that was heard."""

    started_at: Instant
    received_at: Instant
    flags: tuple[str, ...] = ()

    def came_late_after(self, other: "Beginning") -> bool:
        """Whether this start is the older one, though it was heard of after `other`: its station was offline (§3.2.8).

        What began after `other` had been heard of is the newer one, however the station has set its clock since;
        where a time tells nothing, so is what was heard of last.
        """
        if self.started_at >= other.started_at or self.started_at >= other.received_at:
            return False
        return not is_doubtful(self.flags) and not is_doubtful(other.flags)


class MeterValueSet(msgspec.Struct, frozen=True, kw_only=True):
    """Values taken at one moment (§2.3 MeterValue)."""

    id: int
    station_id: str
    transaction_id: int | None
    evse_id: int | None
    connector_id: int | None
    sampled_at: Instant
    received_at: Instant
    samples: tuple[MeterSample, ...]
    inferred: bool
    flags: tuple[str, ...]
