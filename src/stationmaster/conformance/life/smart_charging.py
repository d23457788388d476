"""Charging profiles as a station keeps and obeys them (handbook §3.6).

Written from the handbook for the station's side and shared with nobody, so that it can be held
against what a central system computes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant, parse_instant

__all__ = ["Installed", "Profiles", "in_amperes", "in_watts"]

NOMINAL_VOLTAGE_V = 230.0
DEFAULT_PHASES = 3
RECURRENCE_S = {"Daily": 86_400, "Weekly": 604_800}


@dataclass(frozen=True, slots=True)
class Installed:
    """A profile where it was installed; `content` as it came (§3.6.1)."""

    connector: int
    content: dict[str, Any]

    @property
    def purpose(self) -> str:
        """ChargePointMaxProfile, TxDefaultProfile or TxProfile."""
        return str(self.content["chargingProfilePurpose"])

    @property
    def level(self) -> int:
        """The stack level: higher wins."""
        return int(self.content["stackLevel"])

    def period_at(self, at: Instant, transaction_start: Instant | None) -> dict[str, Any] | None:
        """The period that rules at this moment; None when the profile is silent then (§3.6.5 step 2)."""
        valid_from, valid_to = self.content.get("validFrom"), self.content.get("validTo")
        if (valid_from and at < parse_instant(valid_from)) or (valid_to and at >= parse_instant(valid_to)):
            return None
        schedule = self.content["chargingSchedule"]
        offset_s = self._offset_s(at, transaction_start)
        if offset_s is None or offset_s < 0 or ("duration" in schedule and offset_s >= schedule["duration"]):
            return None
        ruling = None
        for period in schedule["chargingSchedulePeriod"]:
            if period["startPeriod"] <= offset_s:
                ruling = period
        return ruling

    def changes(self, begin: Instant, end: Instant, transaction_start: Instant | None) -> Iterator[Instant]:
        """The moments between `begin` and `end` at which this profile may say something else."""
        schedule = self.content["chargingSchedule"]
        marks_s = {period["startPeriod"] for period in schedule["chargingSchedulePeriod"]} | {
            schedule.get("duration", 0)
        }
        recurrence_us = self._recurrence_s * MICROSECONDS_PER_SECOND
        origin = self._origin(transaction_start)
        moments = [parse_instant(self.content[name]) for name in ("validFrom", "validTo") if name in self.content]
        if origin is not None:
            first = origin
            if recurrence_us and begin > origin:
                first += (begin - origin) // recurrence_us * recurrence_us
            while True:
                moments += [first + mark_s * MICROSECONDS_PER_SECOND for mark_s in marks_s]
                first += recurrence_us
                if not recurrence_us or first >= end:
                    break
            moments += [first] if recurrence_us else []
        return (moment for moment in moments if begin < moment < end)

    @property
    def _recurrence_s(self) -> int:
        """After how long it begins anew; 0: never."""
        if self.content["chargingProfileKind"] != "Recurring":
            return 0
        return RECURRENCE_S[self.content.get("recurrencyKind", "Daily")]

    def _origin(self, transaction_start: Instant | None) -> Instant | None:
        """Where the periods are counted from (§3.6.3); None: it has no origin now."""
        start = self.content["chargingSchedule"].get("startSchedule")
        if self.content["chargingProfileKind"] == "Relative" or start is None:
            return transaction_start
        return parse_instant(start)

    def _offset_s(self, at: Instant, transaction_start: Instant | None) -> float | None:
        """Seconds since the periods began, the last time that they did."""
        origin = self._origin(transaction_start)
        if origin is None:
            return None
        offset_s = (at - origin) / MICROSECONDS_PER_SECOND
        return offset_s % self._recurrence_s if self._recurrence_s and offset_s >= 0 else offset_s


class Profiles:
    """All profiles of a station."""

    def __init__(self, most: int = 50) -> None:
        self.installed: list[Installed] = []
        self._most = most

    def install(self, connector: int, content: dict[str, Any]) -> bool:
        """Add a profile, or replace the one with its id or its place (§3.6.4); False when there is no room."""
        new = Installed(connector, content)
        kept = [
            old
            for old in self.installed
            if old.content["chargingProfileId"] != content["chargingProfileId"]
            and (old.connector, old.purpose, old.level) != (connector, new.purpose, new.level)
        ]
        if len(kept) >= self._most:
            return False
        self.installed = [*kept, new]
        return True

    def clear(self, request: dict[str, Any]) -> int:
        """Remove what matches ClearChargingProfile.req; how many that were (§3.3.5)."""
        kept = [profile for profile in self.installed if not _matches(profile, request)]
        removed = len(self.installed) - len(kept)
        self.installed = kept
        return removed

    def forget_transaction(self, connector: int) -> None:
        """A transaction ended: its profiles end with it."""
        self.installed = [
            profile
            for profile in self.installed
            if not (profile.connector == connector and profile.purpose == "TxProfile")
        ]

    def limit_w(self, connector: int, phases: int, at: Instant, transaction_start: Instant | None) -> float | None:
        """The power that a connector may take now, for `phases` of the outlet (0: direct current); None: no limit."""
        limits = [
            in_watts(period["limit"], unit, min(period.get("numberPhases", DEFAULT_PHASES), phases or DEFAULT_PHASES))
            for period, unit in (
                self._transaction_period(connector, at, transaction_start),
                self._prevailing("ChargePointMaxProfile", (0,), at, transaction_start),
            )
            if period is not None
        ]
        return min(limits) if limits else None

    def composite(
        self, connector: int, at: Instant, duration_s: int, unit: str, transaction_start: Instant | None
    ) -> list[dict[str, Any]]:
        """The periods of GetCompositeSchedule.conf, in W or A; empty when nothing limits (§3.6.5)."""
        end = at + duration_s * MICROSECONDS_PER_SECOND
        moments = {moment for profile in self.installed for moment in profile.changes(at, end, transaction_start)}
        periods: list[dict[str, Any]] = []
        for moment in sorted({at, *moments}):
            limit = self._limit_in(unit, connector, moment, transaction_start)
            if limit is not None and (not periods or periods[-1]["limit"] != limit):
                periods.append({"startPeriod": (moment - at) // MICROSECONDS_PER_SECOND, "limit": limit})
        return periods

    def _limit_in(self, unit: str, connector: int, at: Instant, transaction_start: Instant | None) -> float | None:
        convert = in_watts if unit == "W" else in_amperes
        limits = [
            convert(period["limit"], given, period.get("numberPhases", DEFAULT_PHASES))
            for period, given in (
                self._transaction_period(connector, at, transaction_start),
                self._prevailing("ChargePointMaxProfile", (0,), at, transaction_start),
            )
            if period is not None
        ]
        return int(min(limits) * 10 + 1e-9) / 10 if limits else None

    def _transaction_period(
        self, connector: int, at: Instant, transaction_start: Instant | None
    ) -> tuple[dict[str, Any] | None, str]:
        if transaction_start is not None:
            own = self._prevailing("TxProfile", (connector,), at, transaction_start)
            if own[0] is not None:
                return own
        return self._prevailing("TxDefaultProfile", (connector, 0), at, transaction_start)

    def _prevailing(
        self, purpose: str, connectors: tuple[int, ...], at: Instant, transaction_start: Instant | None
    ) -> tuple[dict[str, Any] | None, str]:
        """The period of the highest level that speaks now; on a level a connector's own goes before the station's."""
        candidates = [
            profile for profile in self.installed if profile.purpose == purpose and profile.connector in connectors
        ]
        own_levels = {profile.level for profile in candidates if profile.connector}
        candidates = [profile for profile in candidates if profile.connector or profile.level not in own_levels]
        for profile in sorted(candidates, key=lambda candidate: -candidate.level):
            period = profile.period_at(at, transaction_start)
            if period is not None:
                return period, profile.content["chargingSchedule"]["chargingRateUnit"]
        return None, "W"


def in_watts(limit: float, unit: str, phases: int) -> float:
    """A limit as total power over `phases`."""
    return float(limit) if unit == "W" else float(limit) * NOMINAL_VOLTAGE_V * phases


def in_amperes(limit: float, unit: str, phases: int) -> float:
    """A limit as current per phase."""
    return float(limit) if unit == "A" else float(limit) / NOMINAL_VOLTAGE_V / phases


def _matches(profile: Installed, request: dict[str, Any]) -> bool:
    if "id" in request:
        return int(profile.content["chargingProfileId"]) == int(request["id"])
    asked = (request.get("connectorId"), request.get("chargingProfilePurpose"), request.get("stackLevel"))
    has = (profile.connector, profile.purpose, profile.level)
    return all(wanted is None or wanted == own for wanted, own in zip(asked, has, strict=True))
