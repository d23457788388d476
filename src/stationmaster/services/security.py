"""Security events, and the secrets that a station and we have agreed on (handbook §4.5, §4.6, §4.9).

The rule that shapes this file: an agreement is changed only when both sides are known to have
changed it. While the outcome is unknown both the old and the new secret count, since to forget
one too early can lock a station out for good.
"""

from typing import Any

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.facts import SecurityEventReported
from stationmaster.domain.security import is_critical, spelling_of
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.presence import PresentStation
from stationmaster.storage.errors import NotFound

__all__ = ["Security"]


class Security:
    """Records security events and keeps passwords and profiles in step with the station."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._bus = context.bus
        self._secrets = context.secrets

    async def event(
        self, station: PresentStation, event_type: str, occurred_at: Instant, technical_info: str | None, now: Instant
    ) -> None:
        """Record an event that a station reports, of any type. Returns when it is durable."""
        spelled = spelling_of(event_type)
        await self._storage.record(
            [
                SecurityEventReported(
                    organisation_id=station.organisation_id,
                    station_id=station.station_id,
                    received_at=now,
                    type=spelled,
                    occurred_at=occurred_at,
                    technical_info=technical_info,
                    critical=is_critical(spelled),
                )
            ]
        )

    async def password_on_its_way(self, station_id: str, raw: bytes) -> None:
        """A new password is about to be sent: from now on either counts."""
        await self._change(station_id, pending_password_hash=self._secrets.password_hash(station_id, raw))

    async def password_taken(self, station_id: str, raw: bytes) -> None:
        """The station has taken the new password: the old one counts no more (A01.FR.03)."""
        await self._change(
            station_id, password_hash=self._secrets.password_hash(station_id, raw), pending_password_hash=None
        )

    async def password_refused(self, station_id: str) -> None:
        """The station keeps its old password."""
        await self._change(station_id, pending_password_hash=None)

    async def profile_on_its_way(self, station_id: str, profile: int) -> None:
        """A higher security profile is about to be asked for: until it connects with it, both count (FR.08)."""
        await self._change(station_id, pending_security_profile=profile)

    async def profile_refused(self, station_id: str) -> None:
        """The station stays with its profile."""
        await self._change(station_id, pending_security_profile=None)

    def which_password(self, station: Station, presented: bytes) -> str | None:
        """Whether the bytes in a station's Authorization header are its "current" or its "pending" password."""
        current = self._secrets.password_matches(station.id, presented, station.password_hash)
        pending = self._secrets.password_matches(station.id, presented, station.pending_password_hash)
        if current:
            return "current"
        return "pending" if pending else None

    async def came_in(self, station: Station, security_profile: int, password: str | None) -> None:
        """Settle what was pending when a station has come in: what it uses counts, the other does not.

        `password` is "current", "pending", or None when none was needed. A connection on the old
        profile settles no profile (FR.08, §4.6).
        """
        changes: dict[str, Any] = {}
        if station.pending_security_profile is not None and security_profile == station.pending_security_profile:
            changes |= {"security_profile": security_profile, "pending_security_profile": None}
        if password is not None and station.pending_password_hash is not None:
            changes["pending_password_hash"] = None
            if password == "pending":  # noqa: S105 -- which of two, not the password
                changes["password_hash"] = station.pending_password_hash
        if changes:
            await self._change(station.id, **changes)

    async def _change(self, station_id: str, **changes: Any) -> None:
        """Change what the door goes by, on every node. A station that was deleted meanwhile needs nothing."""
        try:
            station: Station = await self._storage.stations.update(station_id, changes)
        except NotFound:
            return
        message = Invalidate(kind="station", key=station_id, organisation_id=station.organisation_id)
        await self._bus.publish(INVALIDATE, encode(message))
