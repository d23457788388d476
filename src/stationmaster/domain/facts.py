"""Facts: what happened, in the past tense, in no protocol version's words.

A service decides and records facts; storage makes them durable; only then is the station
answered and the world told. `event_type` names the fact on the event stream (None: it is not
told); `stored_event` says whether the stream can be resumed across it from the database.
Times are `Instant` (microseconds since the epoch, UTC): `…_at` as the station says it where
a station says one, `received_at` by our own clock; `…_text` keeps the station's own writing.
"""

from typing import Any, ClassVar, Final

import msgspec

from stationmaster.domain.locations import Location
from stationmaster.instants import Instant

__all__ = [
    "AuditRecorded",
    "AvailabilityRequested",
    "ConfigurationReported",
    "ConfigurationValueChanged",
    "ConnectorStatusChanged",
    "DataTransferReceived",
    "Fact",
    "HandshakeRefused",
    "JobChanged",
    "JobMovedOn",
    "MessageLogged",
    "MeterSample",
    "MeterSampled",
    "OddityTolerated",
    "SecurityEventReported",
    "StartUnanswered",
    "StationBooted",
    "StationConnected",
    "StationDisconnected",
    "StationSeen",
    "TransactionEnded",
    "TransactionStarted",
    "TransactionStored",
    "TransferStatusReported",
    "UnknownTokenSeen",
    "VariableValue",
]


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that happened, and whose it is."""

    event_type: ClassVar[str | None] = None
    stored_event: ClassVar[bool] = True

    organisation_id: str
    station_id: str
    received_at: Instant

    def told(self) -> object:
        """What an event says of it: all, unless a kind leaves out what would be too long."""
        return self


# Provisioning: connection, boot, liveness (handbook §1.2, §1.10, §1.11, §3.2.2)


class StationConnected(Fact, frozen=True, kw_only=True, gc=False):
    """A station's WebSocket was accepted. `epoch` grows with each connection of a station: a fence."""

    event_type: ClassVar[str | None] = "station.connected"

    connection_id: int
    node_id: str
    epoch: int
    remote_address: str
    protocol: str
    security_profile: int
    user_agent: str | None = None


class StationDisconnected(Fact, frozen=True, kw_only=True, gc=False):
    """A connection ended. `close_code` as in RFC 6455; `reason` in words for people.

    `last_seen_at` is when its last frame arrived; None when nobody knows.
    """

    event_type: ClassVar[str | None] = "station.disconnected"

    connection_id: int
    epoch: int
    close_code: int
    reason: str
    last_seen_at: Instant | None = None


class StationSeen(Fact, frozen=True, kw_only=True, gc=False):
    """Some frame of the station arrived at `received_at` (recorded in intervals, not for each frame)."""


class StationBooted(Fact, frozen=True, kw_only=True, gc=False):
    """A BootNotification was answered with `registration` (Accepted, Pending, Rejected)."""

    event_type: ClassVar[str | None] = "station.booted"

    protocol: str
    registration: str
    vendor: str | None
    model: str | None
    serial_number: str | None = None
    charge_box_serial_number: str | None = None
    firmware_version: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None


class HandshakeRefused(Fact, frozen=True, kw_only=True, gc=False):
    """A connection attempt was turned away. `station_id` is the identity as it was claimed, cleaned.

    `reason` is a stable code (`unknown_station`, `password_wrong` …); `detail` says it in words
    with what to do. `known` tells whether a station of that identity is registered.
    Organisation is "" when the identity belongs to nobody.
    """

    event_type: ClassVar[str | None] = "station.refused"

    remote_address: str
    path: str
    status: int
    reason: str
    detail: str
    known: bool
    subprotocols: str | None = None
    user_agent: str | None = None


class OddityTolerated(Fact, frozen=True, kw_only=True, gc=False):
    """A station deviated from the specification and was served all the same (handbook §1.9)."""

    kind: str
    action: str | None
    path: str
    raw: str


# Authorization (§3.2.1)


class UnknownTokenSeen(Fact, frozen=True, kw_only=True, gc=False):
    """A token that nobody registered was presented."""

    event_type: ClassVar[str | None] = "token.unknown_seen"

    id_tag: str
    where: str
    """Authorize, StartTransaction or StopTransaction in version-neutral words: "authorize", "start", "stop"."""


# Availability (§3.2.9, §3.3.2)


class ConnectorStatusChanged(Fact, frozen=True, kw_only=True, gc=False):
    """A connector (or the station itself) reported its status. Texts are kept as received."""

    event_type: ClassVar[str | None] = "connector.status"

    location: Location
    status: str
    error_code: str
    reported_at: Instant
    reported_at_text: str | None = None
    info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None
    flags: tuple[str, ...] = ()
    """Such as "illegal_transition", "clock_ahead"."""


class AvailabilityRequested(Fact, frozen=True, kw_only=True, gc=False):
    """An operator asked for a connector to be operative or not, and what the station said."""

    event_type: ClassVar[str | None] = "connector.availability_requested"

    location: Location
    operative: bool
    status: str


# Transactions and metering (§3.2.7, §3.2.8, §3.2.10, §1.14)


REGISTER: Final = "Energy.Active.Import.Register"
"""The measurand that is meant when none is named, and the one that is billed."""
PERIODIC: Final = "Sample.Periodic"
BEGIN: Final = "Transaction.Begin"
RAW: Final = "Raw"


class MeterSample(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One measured value. `value` is in the base unit, None when the text is no number; `raw` as received.

    A default that is the very object below is not written, which is a third of what ten samples take.
    """

    raw: str
    value: float | None = None
    measurand: str = REGISTER
    unit: str | None = None
    phase: str | None = None
    location: str | None = None
    context: str = PERIODIC
    format: str = RAW
    flags: tuple[str, ...] = ()
    """Why a value is in quarantine: "not_a_number", "negative", "beyond_physical_limit", "conflict" …"""
    raw_unit: str | None = None
    """The unit as received, where it is not `unit`, the base unit of `value`."""


class MeterSampled(Fact, frozen=True, kw_only=True, gc=False):
    """Values that were taken at one moment.

    `location` is None for values that came with an end and name no connector: they are of the transaction's.
    `transaction_id` is ours (`TransactionStored.id`) or None; `inferred` when the link was made
    by connector and time, since the station named none (§3.2.7).
    """

    event_type: ClassVar[str | None] = "meter.sampled"
    stored_event: ClassVar[bool] = False

    location: Location | None
    transaction_id: int | None
    sampled_at: Instant
    samples: tuple[MeterSample, ...]
    sampled_at_text: str | None = None
    reported_transaction_id: str | None = None
    inferred: bool = False
    flags: tuple[str, ...] = ()


class StartUnanswered(Fact, frozen=True, kw_only=True, gc=False):
    """A start is stored, but its station was not told: it knows no id, until it says the same again (§3.2.8)."""

    transaction_id: int


class TransactionStarted(Fact, frozen=True, kw_only=True, gc=False):
    """A transaction began. Outcome: `TransactionStored`.

    The key of a resend (§1.14) is (station, location, id_tag, meter_start_wh, started_at): seen
    before, the stored transaction is the outcome and nothing is added.
    `transaction_id` is the number drawn for it (`storage.transaction_ids`); it is dropped on a resend.
    """

    event_type: ClassVar[str | None] = "transaction.started"

    id: int
    protocol: str
    location: Location
    id_tag: str | None
    """As received; None when the station sent none that can be read."""
    token_id: int | None
    parent_id_tag: str | None
    meter_start_wh: int | None
    started_at: Instant
    started_at_text: str | None
    authorization_status: str
    authorization_expires_at: Instant | None = None
    reservation_id: int | None = None
    site_id: str | None = None
    flags: tuple[str, ...] = ()
    remote_start_job_id: str | None = None
    """The remote start that asked for it, if one was waiting (§3.3.10)."""
    max_active_transactions: int | None = None
    """The limit of its token. If that is reached elsewhere when it is stored, the outcome says ConcurrentTx."""


class TransactionStored(msgspec.Struct, frozen=True, gc=False):
    """What became of a `TransactionStarted`: the transaction that answers it."""

    id: int
    ocpp_id: str
    """As the station knows it: 1.6's integer as text."""
    resend: bool
    authorization_status: str
    authorization_expires_at: Instant | None = None
    parent_id_tag: str | None = None
    superseded_ids: tuple[int, ...] = ()
    """Older open transactions of the connector, superseded by this one (§3.2.8 duty 6)."""
    superseded_at: Instant | None = None
    """Of a start that came late: when the one that runs on its connector began. Then it is this one that is over."""


class TransactionEnded(Fact, frozen=True, kw_only=True, gc=False):
    """A transaction ended. Outcome: `TransactionEndStored`.

    `ocpp_id` is what the station sent, as text; unknown ids (and -1, 0) make an orphan record,
    keyed by (station, ocpp_id, ended_at, meter_stop_wh) (§1.14, §3.2.8).
    """

    event_type: ClassVar[str | None] = "transaction.ended"

    protocol: str
    ocpp_id: str
    orphan_id: int
    """A number drawn for the orphan record, if it becomes one."""
    meter_stop_wh: int | None
    ended_at: Instant
    ended_at_text: str | None
    reason: str
    """In the station's words; "Local" when it gave none."""
    id_tag: str | None = None
    token_id: int | None = None
    flags: tuple[str, ...] = ()


class TransactionEndStored(msgspec.Struct, frozen=True, gc=False):
    """What became of a `TransactionEnded`."""

    id: int
    result: str
    """One of "closed", "resend" (already so), "conflict" (closed with other content: the first stays), "orphan"."""
    flags: tuple[str, ...] = ()


# Firmware, diagnostics, security, data transfer (§3.2.3-5, §4.8-4.10)


class TransferStatusReported(Fact, frozen=True, kw_only=True, gc=False):
    """Progress of a firmware update, a diagnostics or a log upload.

    `transfer` is "firmware", "diagnostics", "signed_firmware" or "log"; `request_id` as in the
    signed variants; `job_id` the job it belongs to, if one is known.
    """

    event_type: ClassVar[str | None] = "transfer.status"

    transfer: str
    status: str
    request_id: int | None = None
    job_id: str | None = None


class SecurityEventReported(Fact, frozen=True, kw_only=True, gc=False):
    """A security event, of the station (SecurityEventNotification) or of ours (`source` "csms").

    Deduplicated on (station, type, occurred_at, technical_info) (§4.9).
    """

    event_type: ClassVar[str | None] = "security.event"

    type: str
    occurred_at: Instant
    technical_info: str | None
    critical: bool
    source: str = "station"


class DataTransferReceived(Fact, frozen=True, kw_only=True, gc=False):
    """A vendor message, and how it was answered."""

    event_type: ClassVar[str | None] = "data_transfer.received"

    vendor_id: str
    message_id: str | None
    data: str | None
    status: str


# Configuration (§3.3.3, §3.3.7): variables in the words of 2.0.1; 1.6's key is the variable of component "OCPP16"


class VariableValue(msgspec.Struct, frozen=True, gc=False):
    """A variable as last read. `value` None: known, but not readable or not set."""

    component: str
    variable: str
    value: str | None
    readonly: bool


class ConfigurationReported(Fact, frozen=True, kw_only=True, gc=False):
    """Variables were read. `complete` replaces the whole set, else they merge; `unknown` are marked not supported."""

    event_type: ClassVar[str | None] = "configuration.reported"

    values: tuple[VariableValue, ...]
    unknown: tuple[str, ...]
    complete: bool


class ConfigurationValueChanged(Fact, frozen=True, kw_only=True, gc=False):
    """A variable was set: `status` "accepted", "reboot_required", or "unknown" when the answer came too late.

    `value` is None when it is secret.
    """

    event_type: ClassVar[str | None] = "configuration.changed"

    component: str
    variable: str
    value: str | None
    status: str


# Jobs (§3.1)


class JobChanged(Fact, frozen=True, kw_only=True, gc=False):
    """A job was made or moved on: the whole job as it is now.

    `state`: queued, sent, waiting, done, error, invalid_response, timeout, not_delivered, expired, cancelled.
    `payload` and `response` are JSON text in OCPP's words with secrets masked.
    """

    event_type: ClassVar[str | None] = "job.changed"

    id: str
    action: str
    protocol: str | None
    state: str
    payload: str
    requested_by: str
    queued_at: Instant
    expires_at: Instant | None = None
    sent_at: Instant | None = None
    answered_at: Instant | None = None
    finished_at: Instant | None = None
    response: str | None = None
    result: str | None = None
    """The status of the answer, or the code of the CALLERROR."""
    error: dict[str, Any] | None = None
    """`{"code", "description", "details"}`; None when all went well."""
    warnings: tuple[str, ...] = ()
    persistent: bool = False
    progress: str | None = None
    """JSON text of what a long job has to tell."""
    site_id: str | None = None


class JobMovedOn(JobChanged, frozen=True, kw_only=True, gc=False):
    """The same of a job that has not ended. Outcome: `AlreadyStored` if it had, and then it stays as it ended."""


# Message log (issue: every frame, raw)


class MessageLogged(Fact, frozen=True, kw_only=True, gc=False):
    """One frame, in or out, raw but for masked secrets; with `answer`, both halves of an exchange at once."""

    connection_id: int
    direction: str
    """"in" (from the station) or "out"."""
    kind: str
    """"call", "call_result", "call_error", "unreadable", "ignored", "binary"."""
    message_id: str | None
    action: str | None
    frame: str
    answer: str | None = None
    answer_kind: str | None = None
    latency_us: int | None = None
    error_code: str | None = None


# Audit (RELIABILITY S-20)


class AuditRecorded(Fact, frozen=True, kw_only=True, gc=False):
    """Somebody did something, or tried to. It is told to nobody but whoever may read the audit log.

    `station_id` is "" when it is about none. `result` is "ok", "refused" (their fault) or "failed" (ours).
    """

    actor: str
    """`user:NAME`, `api_key:NAME`, `command_line` or `nobody`."""
    action: str
    """The name of the operation in the OpenAPI document, or a word such as `sign_in`."""
    result: str
    target: str | None = None
    """What it was done to: the path in the API."""
    status: int | None = None
    """The HTTP status of the answer."""
    remote_address: str | None = None
    details: str = "{}"
    """JSON text without secrets."""
