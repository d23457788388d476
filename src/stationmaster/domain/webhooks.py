"""Webhooks: events told to other programs, signed, in order, with patience.

The rule that shapes this file: the signature is that of the open specification Standard Webhooks, so receivers
can check it with what they have: HMAC-SHA256 over `id.timestamp.body`.
"""

import base64
import hmac
from hashlib import sha256
from typing import ClassVar, Final

import msgspec

from stationmaster.domain.facts import Fact
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = [
    "SECRET_PREFIX",
    "Delivery",
    "DeliveryState",
    "Webhook",
    "WebhookDisabled",
    "WebhookEnabled",
    "back_off_s",
    "is_refusal",
    "signed_headers",
]

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- what a secret begins with
FIRST_WAIT_S: Final = 5
LONGEST_WAIT_S: Final = 3 * 3600
_CLIENT_ERRORS: Final = range(400, 500)
_TRY_AGAIN: Final = frozenset({408, 409, 425, 429})


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where events go. `event_types` as in the filter of the event stream; empty: all that are stored.

    `attempts` counts failures of the event that is next; `failing_since` is when the last success was followed by
    a failure. `position` is where it stands in the stored events.
    """

    id: str
    organisation_id: str
    name: str
    url: str
    event_types: tuple[str, ...]
    enabled: bool
    disabled_reason: str | None
    sealed_secret: bytes
    position: str
    attempts: int
    failing_since: Instant | None
    next_at: Instant
    claimed_by: str
    claimed_until: Instant
    delivered_at: Instant | None
    created_by: str
    created_at: Instant
    updated_at: Instant


class DeliveryState:
    """What came of an attempt."""

    DELIVERED: Final = "delivered"
    FAILED: Final = "failed"
    """It is tried again, unless it was a test or asked for by a person."""
    GIVEN_UP: Final = "given_up"
    """The receiver does not want this event: the next one's turn."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. `status` is the HTTP status of the answer, None when there was none."""

    id: int
    organisation_id: str
    webhook_id: str
    event_id: str
    event_type: str
    station_id: str
    state: str
    status: int | None
    error: str | None
    duration_ms: int
    attempt: int
    reason: str
    """"event", "test" or "again"."""
    at: Instant


class WebhookDisabled(Fact, frozen=True, kw_only=True, gc=False):
    """A webhook was switched off since it could not be reached for long."""

    event_type: ClassVar[str | None] = "webhook.disabled"

    webhook_id: str
    name: str
    reason: str


class WebhookEnabled(Fact, frozen=True, kw_only=True, gc=False):
    """A webhook was switched on again, or is gone."""

    event_type: ClassVar[str | None] = "webhook.enabled"

    webhook_id: str
    name: str


def signed_headers(secret: str, message_id: str, now: Instant, body: bytes) -> dict[str, str]:
    """What goes with a body. `secret` is `whsec_` and base64. The timestamp is in seconds."""
    timestamp = str(now // MICROSECONDS_PER_SECOND)
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signature = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def back_off_s(attempts: int) -> int:
    """How long to wait after so many failures of an event."""
    return min(FIRST_WAIT_S << min(attempts - 1, 20), LONGEST_WAIT_S)


def is_refusal(status: int) -> bool:
    """Whether the receiver said that it does not want this, rather than that it cannot take it now."""
    return status in _CLIENT_ERRORS and status not in _TRY_AGAIN
