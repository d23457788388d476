"""Composite jobs of security: several steps with one station, over restarts and reconnections (handbook §4.5-§4.7)."""

from enum import StrEnum
from typing import Final

import msgspec

from stationmaster.instants import Instant

__all__ = ["SecurityJob", "SecurityJobKind", "SecurityWish", "Step"]


class SecurityJobKind(StrEnum):
    """What is done; the value is the action of its job."""

    ROTATE_PASSWORD = "RotatePassword"  # noqa: S105 -- a name
    RAISE_PROFILE = "RaiseSecurityProfile"
    RENEW_CERTIFICATE = "RenewCertificate"


class Step(StrEnum):
    """Where a composite job stands."""

    ASK = "ask"
    """The station is to be asked as soon as it is connected."""
    SETTLE = "settle"
    """The outcome is unknown: whatever the station comes in with decides."""
    RESET = "reset"
    """The station agreed, and is to be reset."""
    REQUEST = "request"
    """The station agreed to send a certificate signing request."""
    COME_BACK = "come_back"
    """The station agreed, and is to come back with what is new."""


WAITS_FOR_STATION: Final = frozenset({Step.SETTLE, Step.REQUEST, Step.COME_BACK})


class SecurityWish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was asked for."""

    security_profile: int | None = None
    reset: bool = False
    set_operator_name: bool = False


class SecurityJob(msgspec.Struct, frozen=True, kw_only=True):
    """A composite job under way. `wish` is the JSON of a `SecurityWish`; `secret_hash` that of a new password."""

    job_id: str
    organisation_id: str
    station_id: str
    kind: str
    step: str
    wish: str
    attempts: int
    secret_hash: bytes | None
    step_at: Instant
    deadline: Instant
    claimed_until: Instant = 0
