"""Campaigns: one firmware over many stations, a few at a time (handbook §3.9.1; RELIABILITY S-17).

The rule that shapes this file: everything about a campaign is in the database, so it goes on after a restart and
on any node. A station is claimed, with the id of the job to be, before anything is sent to it: whoever
finds a claim without a job knows that nothing was sent.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec
import structlog

from stationmaster.domain.errors import Conflict, DomainError, FieldError, Invalid, NotFound, Offline, Unavailable
from stationmaster.domain.files import check_location
from stationmaster.domain.firmware import (
    Campaign,
    CampaignPlan,
    CampaignState,
    Firmware,
    FirmwareCampaignChanged,
    StationUpdate,
    Tally,
    UpdateKind,
    UpdateState,
    fits,
    outcome_of,
    too_many_failures,
)
from stationmaster.domain.identities import check_text
from stationmaster.domain.jobs import Job
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.firmware_library import FirmwareLibrary
from stationmaster.services.transfer_requests import (
    PLAIN_ACTION,
    Asker,
    TransferRequests,
    UpdateWish,
    answered_missing,
)
from stationmaster.storage.queries.firmware import OPEN

__all__ = ["FirmwareCampaigns", "NewCampaign"]

log = structlog.get_logger(__name__)

MOST_STATIONS: Final = 10_000
LONGEST_NAME: Final = 200
LOOKED_AT: Final = 1_000
"""Stations asked for at a time."""
UNSENT_GRACE_US: Final = 60_000_000
"""How long a claim may be without a job before its node counts as dead."""
FOLLOWED_US: Final = 2 * 86_400_000_000
"""How long updates under way are followed after the campaign is over."""
TAKES_SIGNED: Final = "takes signed firmware only"
GIVEN_UP: Final = ("timeout", "not_delivered")
DEFAULT_LENGTH_US: Final = 14 * 86_400_000_000


class NewCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator says of a campaign. `station_ids` None: every station that the firmware is for."""

    name: str
    firmware_id: str
    station_ids: tuple[str, ...] | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    plan: CampaignPlan = CampaignPlan()


class FirmwareCampaigns:
    """Makes campaigns and moves them on."""

    def __init__(self, context: ServiceContext, library: FirmwareLibrary, requests: TransferRequests) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._library = library
        self._requests = requests

    # What operators do.

    async def create(
        self, organisation_id: str, new: NewCampaign, actor: str, site_ids: Sequence[str] | None = None
    ) -> Campaign:
        """Make a campaign; it begins by itself. Raises NotFound, Invalid, or Conflict when no station fits."""
        now = self._clock()
        firmware = await self._library.get(organisation_id, new.firmware_id)
        if new.plan.location is not None:
            check_location("location", new.plan.location)
        starts_at = max(now, new.starts_at or now)
        ends_at = new.ends_at or starts_at + DEFAULT_LENGTH_US
        if ends_at <= starts_at:
            raise _invalid("ends_at", "out_of_range", "A campaign ends after it begins.")
        stations = await self._chosen(organisation_id, new, firmware, site_ids)
        made = Campaign(
            id=str(uuid4()),
            organisation_id=organisation_id,
            name=check_text("name", new.name, LONGEST_NAME, required=True) or "",
            firmware_id=firmware.id,
            state=CampaignState.SCHEDULED.value,
            reason=None,
            plan=msgspec.json.encode(new.plan).decode(),
            created_by=actor,
            created_at=now,
            starts_at=starts_at,
            ends_at=ends_at,
            started_at=None,
            finished_at=None,
        )
        await self._storage.firmware_campaigns.create(
            made, [_part(made, position, station) for position, station in enumerate(stations)]
        )
        await self._tell(made.id)
        return made

    async def get(self, organisation_id: str, campaign_id: str) -> Campaign:
        """A campaign of the organisation. Raises NotFound."""
        found: Campaign | None = await self._storage.firmware_campaigns.get(campaign_id)
        if found is None or found.organisation_id != organisation_id:
            raise NotFound("campaign_unknown", "There is no such campaign.")
        return found

    async def pause(self, organisation_id: str, campaign_id: str) -> Campaign:
        """Begin nothing more for now; what is under way goes on. Raises NotFound, Conflict."""
        states = (CampaignState.SCHEDULED, CampaignState.RUNNING)
        changes = {"state": CampaignState.PAUSED.value, "reason": None}
        return await self._move(organisation_id, campaign_id, states, changes)

    async def resume(self, organisation_id: str, campaign_id: str) -> Campaign:
        """Go on after a pause, or after a stop: then failures so far are accepted. Raises NotFound, Conflict."""
        states = (CampaignState.PAUSED, CampaignState.STOPPED)
        before = await self.get(organisation_id, campaign_id)
        plan = before.choices
        if before.state == CampaignState.STOPPED:
            # The rate that stopped it is what the operator has accepted; one more failure in so many stops it again.
            tally = await self._storage.firmware_campaigns.tally(campaign_id)
            ended = tally.done + tally.failed
            plan = msgspec.structs.replace(plan, failure_minimum=ended + plan.failure_minimum)
        changes: dict[str, Any] = {
            "state": CampaignState.SCHEDULED.value,
            "reason": None,
            "finished_at": None,
            "plan": msgspec.json.encode(plan).decode(),
        }
        return await self._move(organisation_id, campaign_id, states, changes)

    async def cancel(self, organisation_id: str, campaign_id: str) -> Campaign:
        """Begin nothing more, ever; what is under way cannot be called back. Raises NotFound, Conflict."""
        now = self._clock()
        changes = {"state": CampaignState.CANCELLED.value, "finished_at": now, "reason": None}
        moved = await self._move(organisation_id, campaign_id, (*OPEN, CampaignState.STOPPED), changes)
        await self._storage.firmware_campaigns.cancel_pending(campaign_id, now)
        await self._tell(campaign_id)
        return moved

    async def tally(self, campaign_id: str) -> Tally:
        """How far it has come."""
        return await self._storage.firmware_campaigns.tally(campaign_id)

    # What the clock does.

    async def advance(self, now: Instant) -> None:
        """Move every campaign on. Safe to run on several nodes."""
        for campaign in await self._storage.firmware_campaigns.to_advance(now - FOLLOWED_US, GIVEN_UP):
            before = campaign.state, await self.tally(campaign.id)
            try:
                await self._advance(campaign, now)
            except DomainError:
                log.exception("firmware_campaigns.not_advanced", campaign_id=campaign.id)
            await self._tell(campaign.id, before)

    async def _tell(self, campaign_id: str, before: tuple[str, Tally] | None = None) -> None:
        """Let the world know where a campaign is, if that differs from what it was."""
        campaign: Campaign | None = await self._storage.firmware_campaigns.get(campaign_id)
        tally = await self.tally(campaign_id)
        if campaign is None or (campaign.state, tally) == before:
            return
        fact = FirmwareCampaignChanged(
            organisation_id=campaign.organisation_id,
            station_id="",
            received_at=self._clock(),
            campaign_id=campaign.id,
            name=campaign.name,
            state=campaign.state,
            progress=tally,
        )
        await self._storage.record([fact])

    async def _advance(self, campaign: Campaign, now: Instant) -> None:
        await self._follow(campaign, now)
        await self._believe_late(campaign, now)
        if campaign.state == CampaignState.SCHEDULED and campaign.starts_at <= now:
            changes = {"state": CampaignState.RUNNING.value, "started_at": campaign.started_at or now}
            if not await self._storage.firmware_campaigns.move(campaign.id, (CampaignState.SCHEDULED,), changes):
                return
        elif campaign.state != CampaignState.RUNNING:
            return
        tally, plan = await self.tally(campaign.id), campaign.choices
        reason = too_many_failures(tally, plan)
        if reason is not None:
            changes = {"state": CampaignState.STOPPED.value, "reason": reason, "finished_at": now}
            await self._storage.firmware_campaigns.move(campaign.id, (CampaignState.RUNNING,), changes)
            log.warning("firmware_campaigns.stopped", campaign_id=campaign.id, reason=reason)
            return
        if campaign.ends_at <= now:
            await self._skip_pending(campaign, now)
            tally = await self.tally(campaign.id)
        elif tally.pending and tally.updating < plan.batch_size:
            await self._begin(campaign, plan, plan.batch_size - tally.updating, now)
            return
        if not tally.unfinished:
            changes = {"state": CampaignState.COMPLETED.value, "finished_at": now}
            await self._storage.firmware_campaigns.move(campaign.id, (CampaignState.RUNNING,), changes)

    async def _follow(self, campaign: Campaign, now: Instant) -> None:
        """Take over how the jobs under way have ended."""
        updating = await self._storage.firmware_campaigns.all_updates(campaign.id, UpdateState.UPDATING)
        if not updating:
            return
        firmware: Firmware | None = await self._storage.firmware.get(campaign.firmware_id)
        for update in updating:
            job: Job | None = await self._storage.jobs.get(update.job_id or "")
            if job is None:
                if now - (update.started_at or now) > UNSENT_GRACE_US:
                    changes: dict[str, Any] = {"state": UpdateState.PENDING.value, "job_id": None, "started_at": None}
                    await self._storage.firmware_campaigns.move_update(update, UpdateState.UPDATING, changes)
                continue
            if self._is_to_be_signed(campaign, update, job, firmware):
                again: dict[str, Any] = {"state": UpdateState.PENDING.value, "detail": TAKES_SIGNED}
                await self._storage.firmware_campaigns.move_update(update, UpdateState.UPDATING, again)
                continue
            outcome = outcome_of(job) or await self._outcome_of_boot(update, firmware)
            if outcome is None and now - (update.started_at or now) > campaign.choices.update_timeout_s * 1_000_000:
                outcome = UpdateState.FAILED, "timeout"
            if outcome is not None:
                await self._end(update, *outcome, now)

    @staticmethod
    def _is_to_be_signed(campaign: Campaign, update: StationUpdate, job: Job, firmware: Firmware | None) -> bool:
        """Whether a station that refused the plain update is asked once more, with the signed one [W L01.FR.20]."""
        return (
            campaign.choices.kind == UpdateKind.AUTO
            and job.action == PLAIN_ACTION
            and answered_missing(job)
            and firmware is not None
            and firmware.signature is not None
            and update.detail != TAKES_SIGNED
        )

    async def _believe_late(self, campaign: Campaign, now: Instant) -> None:
        """A station that says later that it has installed the update has, whatever we made of its silence (§4.10)."""
        for update in await self._storage.firmware_campaigns.given_up(campaign.id, GIVEN_UP, now - FOLLOWED_US):
            job: Job | None = await self._storage.jobs.get(update.job_id or "")
            outcome = None if job is None else outcome_of(job)
            if outcome is not None and outcome[0] is UpdateState.DONE:
                await self._end(update, *outcome, now, UpdateState.FAILED)

    async def _outcome_of_boot(
        self, update: StationUpdate, firmware: Firmware | None
    ) -> tuple[UpdateState, str] | None:
        """A station that booted with the version wanted has installed it, even if it never says so (§3.9.1)."""
        station: Station | None = await self._storage.stations.get(update.station_id)
        if station is None or firmware is None or station.firmware_version != firmware.version:
            return None
        booted = station.last_boot_at is not None and station.last_boot_at >= (update.started_at or 0)
        changed = booted and update.version_before != firmware.version
        return (UpdateState.DONE, f"booted with {firmware.version}") if changed else None

    async def _begin(self, campaign: Campaign, plan: CampaignPlan, room: int, now: Instant) -> None:
        """Send the update to as many stations as there is room for; those that are away keep their turn."""
        firmware: Firmware | None = await self._storage.firmware.get(campaign.firmware_id)
        if firmware is None:
            return
        sending: list[asyncio.Task[None]] = []
        cursor: str | None = None
        async with asyncio.TaskGroup() as group:
            while len(sending) < room:
                page = await self._storage.firmware_campaigns.updates(
                    campaign.id, state=UpdateState.PENDING, limit=LOOKED_AT, cursor=cursor
                )
                for update in page.items:
                    if len(sending) < room and await self._claim(update, firmware, now):
                        sending.append(group.create_task(self._send(campaign, plan, update, now)))
                cursor = page.next_cursor
                if cursor is None:
                    return

    async def _claim(self, update: StationUpdate, firmware: Firmware, now: Instant) -> bool:
        station: Station | None = await self._storage.stations.get(update.station_id)
        if station is None:
            await self._end(update, UpdateState.SKIPPED, "station removed", now, UpdateState.PENDING)
            return False
        if station.firmware_version == firmware.version:
            await self._end(update, UpdateState.SKIPPED, "has this version already", now, UpdateState.PENDING)
            return False
        return station.connected

    async def _send(self, campaign: Campaign, plan: CampaignPlan, update: StationUpdate, now: Instant) -> None:
        job_id = str(uuid4())
        station: Station | None = await self._storage.stations.get(update.station_id)
        before = None if station is None else station.firmware_version
        claim = {
            "state": UpdateState.UPDATING.value,
            "job_id": job_id,
            "started_at": now,
            "version_before": before,
        }
        if not await self._storage.firmware_campaigns.move_update(update, UpdateState.PENDING, claim):
            return
        current = await self._storage.firmware_campaigns.get(campaign.id)
        asker = Asker(
            organisation_id=campaign.organisation_id,
            actor=f"campaign:{campaign.name}",
            origin=plan.base_url,
        )
        wish = UpdateWish(
            firmware_id=campaign.firmware_id,
            location=plan.location,
            kind=plan.kind,
            transfer=plan.transfer,
            retries=plan.retries,
            retry_interval_s=plan.retry_interval_s,
            send_anyway=plan.send_anyway,
        )
        unsent = {"state": UpdateState.PENDING.value, "job_id": None, "started_at": None}
        if current is None or current.state != CampaignState.RUNNING:
            # Paused or cancelled between the look and the claim.
            back = unsent if current is not None and current.state != CampaignState.CANCELLED else _called_off(now)
            await self._storage.firmware_campaigns.move_update(update, UpdateState.UPDATING, back)
            return
        try:
            await self._requests.update(asker, update.station_id, wish, job_id=job_id)
        except (Offline, Unavailable) as error:
            if await self._storage.jobs.get(job_id) is None:
                put_off = {**unsent, "detail": error.message}
                await self._storage.firmware_campaigns.move_update(update, UpdateState.UPDATING, put_off)
        except DomainError as error:
            await self._end(update, UpdateState.FAILED, error.message, now)

    async def _end(
        self,
        update: StationUpdate,
        state: UpdateState,
        detail: str,
        now: Instant,
        was: UpdateState = UpdateState.UPDATING,
    ) -> None:
        changes = {"state": state.value, "detail": detail, "finished_at": now}
        await self._storage.firmware_campaigns.move_update(update, was, changes)

    async def _skip_pending(self, campaign: Campaign, now: Instant) -> None:
        for update in await self._storage.firmware_campaigns.all_updates(campaign.id, UpdateState.PENDING):
            await self._end(update, UpdateState.SKIPPED, "not reached in time", now, UpdateState.PENDING)

    async def _move(
        self, organisation_id: str, campaign_id: str, states: Sequence[str], changes: dict[str, Any]
    ) -> Campaign:
        found = await self.get(organisation_id, campaign_id)
        if not await self._storage.firmware_campaigns.move(campaign_id, [str(state) for state in states], changes):
            raise Conflict("campaign_state", f"The campaign is {found.state}; that is not possible now.")
        await self._tell(campaign_id)
        return await self.get(organisation_id, campaign_id)

    async def _chosen(
        self, organisation_id: str, new: NewCampaign, firmware: Firmware, site_ids: Sequence[str] | None
    ) -> list[Station]:
        stations: dict[str, Station] = {}
        cursor: str | None = None
        while True:
            page = await self._storage.stations.find(organisation_id, site_ids=site_ids, limit=LOOKED_AT, cursor=cursor)
            stations |= {station.id: station for station in page.items}
            cursor = page.next_cursor
            if cursor is None:
                break
        if new.station_ids is None:
            chosen = [each for each in stations.values() if fits(firmware, each.vendor, each.model)]
        else:
            unknown = [each for each in new.station_ids if each not in stations]
            if unknown:
                words = f"There is no station {', '.join(f'`{each}`' for each in unknown[:5])}."
                raise _invalid("station_ids", "station_unknown", words)
            chosen = [stations[each] for each in dict.fromkeys(new.station_ids)]
            others = [each.id for each in chosen if not fits(firmware, each.vendor, each.model)]
            if others and not new.plan.send_anyway:
                words = f"The firmware is not for {', '.join(f'`{each}`' for each in others[:5])}."
                raise _invalid("station_ids", "firmware_for_others", words)
        if not chosen:
            raise Conflict("no_stations", "There is no station that this firmware is for.")
        if len(chosen) > MOST_STATIONS:
            raise _invalid("station_ids", "too_many", f"A campaign has at most {MOST_STATIONS} stations.")
        return chosen


def _part(campaign: Campaign, position: int, station: Station) -> StationUpdate:
    return StationUpdate(
        campaign_id=campaign.id,
        position=position,
        organisation_id=campaign.organisation_id,
        station_id=station.id,
        site_id=station.site_id,
        state=UpdateState.PENDING.value,
        job_id=None,
        detail=None,
        version_before=station.firmware_version,
        started_at=None,
        finished_at=None,
    )


def _called_off(now: Instant) -> dict[str, Any]:
    return {"state": UpdateState.CANCELLED.value, "finished_at": now}


def _invalid(field: str, code: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, code, words),))
