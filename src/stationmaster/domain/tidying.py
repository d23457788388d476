"""Transactions that never got an end: what closes them, and that a late message takes it back (handbook §8 A-30)."""

from typing import ClassVar, Final

import msgspec

from stationmaster.domain.facts import Fact
from stationmaster.instants import Instant

__all__ = ["CLOSED_BY_POLICY", "Stale", "TidyingPolicy", "TransactionTidied"]

CLOSED_BY_POLICY: Final = "closed_by_policy"
"""The flag of a transaction that was closed here and not by its station."""

HOUR_US: Final = 3_600_000_000


class TidyingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """After how many hours a transaction is closed that its station left open; 0 is never.

    `superseded_hours`: a newer one began on its connector. `idle_hours`: its connector has been
    reported Available or Finishing since. `silent_hours`: nothing at all was heard of it.
    """

    superseded_hours: float = 24
    idle_hours: float = 24
    silent_hours: float = 14 * 24


class Stale(msgspec.Struct, frozen=True):
    """A transaction that may be closed, and why: "superseded", "connector_free" or "silent"."""

    id: int
    organisation_id: str
    station_id: str
    site_id: str | None
    ocpp_id: str
    reason: str
    last_heard_at: Instant


class TransactionTidied(Fact, frozen=True, kw_only=True, gc=False):
    """A transaction was closed without its station's word, or opened again because the station spoke of it after all.

    `what` is "closed" or "reopened". `reason` is that of `Stale`, or "operator".
    """

    event_type: ClassVar[str | None] = "transaction.tidied"

    id: int
    ocpp_id: str
    what: str
    reason: str
    stopped_at: Instant | None = None
    """When it is taken to have ended: when it was last heard of."""
    meter_stop_wh: int | None = None
    """A reading that an operator gave; without one the last register value counts."""
