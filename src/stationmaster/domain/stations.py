"""Stations and who may speak for them: what is remembered of each between its messages."""

import msgspec

from stationmaster.instants import Instant

DEFAULT_ORGANISATION_ID = "default"


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """A registered charging station (handbook §1.1, §1.13, §3.2.2, §4.1).

    `operator_state` is what the operator wants (Accepted, Pending, Rejected), `reported_state`
    what the last BootNotification was answered with (None: it never booted here);
    `accepted_before` whether that ever was Accepted. `password_hash` is a keyed hash.
    """

    id: str
    organisation_id: str = DEFAULT_ORGANISATION_ID
    site_id: str | None = None
    name: str | None = None
    operator_state: str = "Accepted"
    reported_state: str | None = None
    accepted_before: bool = False
    security_profile: int = 1
    pending_security_profile: int | None = None
    password_hash: bytes | None = None
    pending_password_hash: bytes | None = None
    serial_number: str | None = None
    client_cert_check: str = "strict"
    """How its client certificate must fit: strict, cn or pinned (§4.4)."""
    pinned_fingerprint: str | None = None
    """SHA-256 of the only client certificate that is accepted, hexadecimal, where the check is pinned."""
    quirk_profile_id: str | None = None
    """The quirk profile that an operator chose; without one the best match of vendor, model and firmware applies."""
    strict: bool = False
    """Answer deviations from the specification with CALLERROR instead of tolerating them (§1.9)."""
    automation: bool = False
    """False is quiet mode: nothing is sent that nobody asked for (§3.1)."""
    call_timeout_s: int | None = None
    ping_interval_s: int | None = None
    vendor: str | None = None
    model: str | None = None
    charge_box_serial_number: str | None = None
    firmware_version: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None
    last_protocol: str | None = None
    last_boot_at: Instant | None = None
    last_seen_at: Instant | None = None
    connected: bool = False
    node_id: str | None = None
    connection_epoch: int = 0
    connected_at: Instant | None = None
    disconnected_at: Instant | None = None
    remote_address: str | None = None
    contested_since: Instant | None = None
    """Since when two devices claim this identity and nobody has decided (`identity_contests`)."""
    latitude: float | None = None
    longitude: float | None = None
    note: str | None = None
    created_at: Instant = 0
    updated_at: Instant = 0


class Connector(msgspec.Struct, frozen=True, kw_only=True):
    """A connector as last reported (§3.2.9). `desired_operative` is what an operator asked for (§3.3.2)."""

    organisation_id: str
    station_id: str
    evse_id: int | None
    connector_id: int | None
    status: str | None
    error_code: str | None
    info: str | None
    vendor_id: str | None
    vendor_error_code: str | None
    reported_at: Instant | None
    received_at: Instant | None
    desired_operative: bool | None = None
    availability_status: str | None = None


class ConnectionAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """Refused handshakes of one identity, address and reason, counted."""

    id: int
    organisation_id: str
    station_id: str
    remote_address: str
    path: str
    status: int
    reason: str
    detail: str
    known: bool
    subprotocols: str | None
    user_agent: str | None
    count: int
    first_at: Instant
    last_at: Instant
