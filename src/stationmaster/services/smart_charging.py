"""Smart charging: what each station holds, our composite schedule, and profiles on their way (handbook §3.6).

The rule that shapes this file: OCPP 1.6 cannot be asked what is installed, so the mirror follows
every answer of the station, whoever asked, and one change at a time for each station.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol
from uuid import uuid4

import msgspec

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from stationmaster.domain.jobs import Job, JobState
from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.capabilities import Capabilities
from stationmaster.domain.smart_charging.comparison import Difference, ReportedSchedule, differences
from stationmaster.domain.smart_charging.composite import CompositeQuestion, CompositeSchedule, composite_schedule
from stationmaster.domain.smart_charging.facts import ChargingProfilesChanged
from stationmaster.domain.smart_charging.installed import (
    OURS_FROM,
    Change,
    ClearFilter,
    Mirror,
    end_transaction,
    free_profile_id,
)
from stationmaster.domain.smart_charging.profiles import ChargingProfile, Purpose, RateUnit, RunningTransaction
from stationmaster.domain.smart_charging.refusals import Refusal
from stationmaster.domain.smart_charging.rule import Draft, Sending, Severity, Violation
from stationmaster.domain.smart_charging.rules import validate
from stationmaster.instants import Instant
from stationmaster.services.commands import Commands
from stationmaster.services.context import ServiceContext

__all__ = ["MIRRORS", "Compared", "Installation", "ProfileWords", "SmartCharging", "refusal_of"]

MIRRORS: Final = "charging_profiles"
"""The kind of `Invalidate` that says: the mirror of this station was changed on another node."""
_REMEMBERED: Final = 20_000
_MOMENT_US: Final = 60_000_000
_REFUSALS: Final[Mapping[tuple[str, str], Refusal]] = {
    (JobState.DONE, "Rejected"): Refusal.REJECTED,
    (JobState.DONE, "NotSupported"): Refusal.NOT_SUPPORTED,
    (JobState.ERROR, "PropertyConstraintViolation"): Refusal.BAD_VALUE,
    (JobState.ERROR, "NotSupported"): Refusal.NO_SMART_CHARGING,
    (JobState.ERROR, "NotImplemented"): Refusal.NO_SMART_CHARGING,
}
_UNIT_WORDS: Final = {"current": RateUnit.AMPERE, "a": RateUnit.AMPERE, "power": RateUnit.WATT, "w": RateUnit.WATT}


class ProfileWords(Protocol):
    """How a protocol version says what smart charging wants; the catalogue of that version gives it."""

    def danger(self, action: str, payload: Mapping[str, Any]) -> str | None:
        """See `services.commands.Catalogue.danger`."""

    def install_profile(self, location: Location, profile: ChargingProfile) -> tuple[str, dict[str, Any]]:
        """The action and payload that install a profile."""

    def start_with_profile(
        self, location: Location, id_tag: str, profile: ChargingProfile
    ) -> tuple[str, dict[str, Any]]:
        """The action and payload that start a transaction which has a profile."""

    def clear_profiles(self, wanted: ClearFilter) -> tuple[str, dict[str, Any]]:
        """The action and payload that clear profiles."""

    def read_composite_schedule(
        self, location: Location, duration_s: int, unit: RateUnit
    ) -> tuple[str, dict[str, Any]]:
        """The action and payload that ask for the station's own composite schedule."""

    def reported_schedule(self, response: str, received_at: Instant) -> ReportedSchedule | None:
        """The schedule in the answer to that; None when the station gave none."""


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """A profile to be sent to a place of a station."""

    location: Location
    profile: ChargingProfile
    local_time_zone: str | None = None
    """The zone whose wall clock it follows (`services.profile_start`)."""
    send_anyway: bool = False
    may_be_dangerous: bool = True
    """Whether whoever asks may send what stops a whole station."""


class Compared(msgspec.Struct, frozen=True):
    """A station's own composite schedule, if it gave one, and where it differs from ours."""

    job: Job
    reported: ReportedSchedule | None
    differences: tuple[Difference, ...] = ()


class SmartCharging:
    """Keeps mirrors, computes schedules, sends profiles."""

    def __init__(self, context: ServiceContext, commands: Commands, words: Mapping[str, ProfileWords]) -> None:
        self._storage = context.storage
        self._bus = context.bus
        self._clock = context.clock
        self._commands = commands
        self._words = words
        self._mirrors: OrderedDict[str, Mirror] = OrderedDict()
        self._locks: dict[str, asyncio.Lock] = {}
        self._changes = 0

    # The mirror.

    async def mirror_of(self, station_id: str) -> Mirror:
        """What a station holds as far as we know."""
        mirror = self._mirrors.get(station_id)
        if mirror is None:
            changes = self._changes
            mirror = await self._storage.charging_profiles.mirror_of(station_id)
            if changes == self._changes:  # What changed while it was read is not covered by what was read before.
                self._remember(station_id, mirror)
        return mirror

    def forget(self, station_id: str) -> None:
        """The mirror of a station was changed elsewhere."""
        self._changes += 1
        self._mirrors.pop(station_id, None)

    def forget_everything(self) -> None:
        """Messages about changes may have been missed."""
        self._changes += 1
        self._mirrors.clear()

    async def change(
        self, organisation_id: str, station_id: str, cause: str, how: Callable[[Mirror], Change | Mirror]
    ) -> Mirror:
        """Change a station's mirror; returns it as it is when that is durable. Nothing is stored for no change."""
        lock = self._locks.setdefault(station_id, asyncio.Lock())
        try:
            async with lock:
                before = await self.mirror_of(station_id)
                changed = how(before)
                after = changed.mirror if isinstance(changed, Change) else changed
                if after == before:
                    return before
                fact = ChargingProfilesChanged(
                    organisation_id=organisation_id,
                    station_id=station_id,
                    received_at=self._clock(),
                    mirror=after,
                    cause=cause,
                )
                await self._storage.record([fact])
                self._changes += 1
                self._remember(station_id, after)
        finally:
            if not lock.locked():
                self._locks.pop(station_id, None)
        message = Invalidate(kind=MIRRORS, key=station_id, organisation_id=organisation_id)
        await self._bus.publish(INVALIDATE, encode(message))
        return after

    def may_hold(self, station_id: str) -> bool:
        """Whether a station may hold profiles of transactions, without asking the database."""
        mirror = self._mirrors.get(station_id)
        return mirror is None or any(entry.profile.purpose is Purpose.TX for entry in mirror)

    async def transaction_ended(self, organisation_id: str, station_id: str, ocpp_id: str) -> None:
        """Its profiles died with it."""
        if any(entry.profile.transaction_id == ocpp_id for entry in await self.mirror_of(station_id)):
            await self.change(
                organisation_id, station_id, "transaction_ended", lambda mirror: end_transaction(mirror, ocpp_id)
            )

    def _remember(self, station_id: str, mirror: Mirror) -> None:
        self._mirrors[station_id] = mirror
        self._mirrors.move_to_end(station_id)
        while len(self._mirrors) > _REMEMBERED:
            self._mirrors.popitem(last=False)

    # Questions.

    async def capabilities_of(self, station_id: str) -> Capabilities:
        """What the station said of itself, by its configuration as last read."""
        stored = await self._storage.configuration.of(station_id)
        values = {each.variable.lower(): each.value for each in stored if each.value is not None}
        profiles = values.get("supportedfeatureprofiles")
        units = values.get("chargingscheduleallowedchargingrateunit")
        return Capabilities(
            smart_charging=None if profiles is None else "smartcharging" in profiles.lower(),
            max_stack_level=_whole(values.get("chargeprofilemaxstacklevel")),
            allowed_units=None if units is None else _units(units),
            max_periods=_whole(values.get("chargingschedulemaxperiods")),
            max_profiles=_whole(values.get("maxchargingprofilesinstalled")),
            switches_phases=_truth(values.get("connectorswitch3to1phasesupported")),
            evse_count=_whole(values.get("numberofconnectors")),
        )

    async def running_at(self, station_id: str) -> tuple[RunningTransaction, ...]:
        """The transactions that run at a station."""
        return tuple(
            RunningTransaction(transaction_id=each.ocpp_id, evse_id=each.evse_id, started_at=each.started_at)
            for each in await self._storage.transactions.open_of_station(station_id)
            if each.evse_id is not None and each.started_at is not None
        )

    async def composite(self, question: CompositeQuestion) -> CompositeSchedule:
        """Our composite schedule. Raises Invalid for a duration or units that cannot be computed."""
        station_id = question.location.station_id
        try:
            return composite_schedule(question, await self.mirror_of(station_id), await self.running_at(station_id))
        except ValueError as error:
            raise Invalid("composite_impossible", f"There is no such schedule: {error}.") from error

    async def violations(
        self, station_id: str | None, profile: ChargingProfile, location: Location | None, sending: Sending
    ) -> tuple[Violation, ...]:
        """What speaks against a profile, for the library (no station) or on its way to a station."""
        draft = Draft(profile=profile, now=self._clock(), sending=sending, location=location)
        if station_id is not None:
            draft = msgspec.structs.replace(
                draft,
                capabilities=await self.capabilities_of(station_id),
                installed=await self.mirror_of(station_id),
                transactions=await self.running_at(station_id),
            )
        return validate(draft)

    # Sending.

    async def complete(self, station_id: str, location: Location, profile: ChargingProfile) -> ChargingProfile:
        """Fill in what is known only at sending time: a fresh id, and the transaction that runs at the place."""
        if not profile.profile_id:
            profile = msgspec.structs.replace(profile, profile_id=await self.free_id(station_id))
        if profile.purpose is Purpose.TX and profile.transaction_id is None:
            running = [each for each in await self.running_at(station_id) if each.evse_id == location.evse_id]
            if not running:
                raise Conflict("no_transaction", "A profile for a transaction needs one that runs on this connector.")
            profile = msgspec.structs.replace(profile, transaction_id=running[0].transaction_id)
        return profile

    async def install(
        self, organisation_id: str, installation: Installation, *, requested_by: str, wait_s: float
    ) -> tuple[Job, tuple[Violation, ...]]:
        """Send a profile. Raises Invalid with the rules that forbid it, and what `Commands.send` raises."""
        location = installation.location
        profile = await self.complete(location.station_id, location, installation.profile)
        violations = await self.violations(location.station_id, profile, location, Sending.INSTALL)
        refuse(violations, send_anyway=installation.send_anyway)
        words = await self._words_of(location.station_id)
        action, payload = words.install_profile(location, profile)
        if not installation.may_be_dangerous and (why := words.danger(action, payload)) is not None:
            raise Forbidden("dangerous_command", f"{why} It needs the permission commands:dangerous.")
        job = await self._send(organisation_id, installation, action, payload, requested_by, wait_s)
        return job, violations

    async def start_with(
        self, organisation_id: str, installation: Installation, id_tag: str, *, requested_by: str, wait_s: float
    ) -> tuple[Job, tuple[Violation, ...]]:
        """Start a transaction with a profile of its own. Raises as `install` does."""
        location, profile = installation.location, installation.profile
        if not profile.profile_id:
            profile = msgspec.structs.replace(profile, profile_id=await self.free_id(location.station_id))
        violations = await self.violations(location.station_id, profile, location, Sending.REMOTE_START)
        refuse(violations, send_anyway=installation.send_anyway)
        action, payload = (await self._words_of(location.station_id)).start_with_profile(location, id_tag, profile)
        job = await self._send(organisation_id, installation, action, payload, requested_by, wait_s)
        return job, violations

    async def _send(
        self,
        organisation_id: str,
        installation: Installation,
        action: str,
        payload: dict[str, Any],
        requested_by: str,
        wait_s: float,
    ) -> Job:
        return await self._commands.send(
            organisation_id,
            installation.location.station_id,
            action,
            payload,
            requested_by=requested_by,
            wait_s=wait_s,
            local_time_zone=installation.local_time_zone,
        )

    async def send(
        self,
        organisation_id: str,
        location: Location,
        profile: ChargingProfile,
        *,
        requested_by: str,
        wait_s: float,
        expires_at: Instant | None = None,
    ) -> Job:
        """Send a profile as it is, for who makes it by the rules. Raises what `Commands.send` raises."""
        action, payload = (await self._words_of(location.station_id)).install_profile(location, profile)
        return await self._commands.send(
            organisation_id,
            location.station_id,
            action,
            payload,
            requested_by=requested_by,
            wait_s=wait_s,
            expires_at=expires_at,
        )

    async def free_id(self, station_id: str) -> int:
        """An id that no profile of the station bears."""
        mirror = await self.mirror_of(station_id)
        given = (entry.profile.profile_id for entry in mirror if entry.profile.profile_id < OURS_FROM)
        return free_profile_id(mirror, max(given, default=0))

    async def compare(
        self, organisation_id: str, ours: CompositeSchedule, *, requested_by: str, wait_s: float
    ) -> Compared:
        """Ask the station for its own schedule and hold it against ours. Raises what `Commands.send` raises."""
        station_id = ours.location.station_id
        words = await self._words_of(station_id)
        action, payload = words.read_composite_schedule(ours.location, ours.duration_s, ours.unit)
        job = await self._commands.send(
            organisation_id, station_id, action, payload, requested_by=requested_by, wait_s=wait_s
        )
        reported = None if job.response is None else words.reported_schedule(job.response, self._clock())
        if reported is None or reported.unit is not ours.unit:
            return Compared(job, reported)
        if 0 < reported.start - ours.start <= _MOMENT_US:
            # It counts from when it was asked, which is a moment after we computed ours.
            reported = msgspec.structs.replace(reported, start=ours.start)
        return Compared(job, reported, differences(ours, reported))

    async def clear(
        self, organisation_id: str, station_id: str, wanted: ClearFilter, *, requested_by: str, wait_s: float
    ) -> Job:
        """Have a station clear profiles. Raises what `Commands.send` raises."""
        action, payload = (await self._words_of(station_id)).clear_profiles(wanted)
        return await self._commands.send(
            organisation_id, station_id, action, payload, requested_by=requested_by, wait_s=wait_s
        )

    async def _words_of(self, station_id: str) -> ProfileWords:
        station = await self._storage.stations.get(station_id)
        if station is None:
            raise NotFound("station_unknown", f"There is no station `{station_id}`.")
        return self._words.get(station.last_protocol or "") or next(iter(self._words.values()))


def refuse(violations: tuple[Violation, ...], *, send_anyway: bool) -> None:
    """Raise Invalid when a rule forbids the profile; warnings forbid nothing."""
    forbidding = [each for each in violations if each.severity is Severity.HARD_BLOCK]
    if forbidding:
        fields = tuple(FieldError(each.field, each.rule, each.message) for each in forbidding)
        names = ", ".join(dict.fromkeys(each.rule for each in forbidding))
        raise Invalid("profile_refused", f"The profile breaks rules of smart charging: {names}.", fields=fields)
    doubtful = [each for each in violations if each.severity is Severity.WARNING]
    if doubtful and not send_anyway:
        fields = tuple(FieldError(each.field, each.rule, each.message) for each in doubtful)
        words = "; ".join(each.message for each in doubtful)
        raise Conflict("needs_send_anyway", f"The profile may not do what it should: {words}.", fields=fields)


def refusal_of(job: Job) -> Refusal | None:
    """How a station refused the profile of a job; None when it did not, or has not answered."""
    return _REFUSALS.get((job.state, job.result or ""))


def new_library_id() -> str:
    """An id for a profile of the library."""
    return str(uuid4())


def _whole(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def _truth(text: str | None) -> bool | None:
    return {"true": True, "false": False}.get((text or "").strip().lower())


def _units(text: str) -> frozenset[RateUnit]:
    words = (each.strip().lower() for each in text.split(","))
    return frozenset(_UNIT_WORDS[word] for word in words if word in _UNIT_WORDS)
