"""Firmware, and its way to one station or to many (handbook §3.9.1, §4.10).

The rule that shapes this file: a campaign is bounded in two ways. Never are more stations at work than its
batch size, and it stops by itself when too many of those that have ended have failed; nothing is
begun between the failure that is too much and the stop.
"""

from enum import StrEnum
from typing import ClassVar, Final

import msgspec

from stationmaster.domain.facts import Fact
from stationmaster.domain.jobs import ENDED, Job, JobState, progress_of
from stationmaster.instants import Instant

__all__ = [
    "Campaign",
    "CampaignPlan",
    "CampaignState",
    "Firmware",
    "FirmwareCampaignChanged",
    "SignatureState",
    "StationUpdate",
    "Tally",
    "UpdateKind",
    "UpdateState",
    "fits",
    "outcome_of",
    "too_many_failures",
]

INSTALLED: Final = "Installed"
SIGNED_ACTION: Final = "SignedUpdateFirmware"


class SignatureState(StrEnum):
    """What we found when we held signature and certificate against the file."""

    NONE = "none"
    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"
    """It is of a kind that we cannot check."""


class UpdateKind(StrEnum):
    """Which of the two actions carries an update; `auto` goes by what is known of the station."""

    AUTO = "auto"
    PLAIN = "plain"
    SIGNED = "signed"


class Firmware(msgspec.Struct, frozen=True, kw_only=True):
    """An image in the library. `vendor` and `model` None: for any. Certificate is PEM, signature base64."""

    id: str
    organisation_id: str
    file_id: str
    name: str
    version: str
    vendor: str | None
    model: str | None
    size_bytes: int
    sha256: str
    signing_certificate: str | None
    signature: str | None
    signature_state: str
    note: str | None
    created_by: str
    created_at: Instant
    updated_at: Instant


class CampaignState(StrEnum):
    """The life of a campaign. `stopped`: by itself, since too many updates failed."""

    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class UpdateState(StrEnum):
    """The life of one station's part."""

    PENDING = "pending"
    UPDATING = "updating"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class CampaignPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The choices of a campaign. The failure rate counts once `failure_minimum` updates have ended."""

    batch_size: int = 10
    failure_limit_percent: int = 20
    failure_minimum: int = 1
    update_timeout_s: int = 6 * 3600
    kind: str = UpdateKind.AUTO
    transfer: str = "auto"
    retries: int = 2
    retry_interval_s: int = 60
    location: str | None = None
    base_url: str = ""
    send_anyway: bool = False


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A roll-out. After `ends_at` nothing more is begun; `plan` is the JSON of a `CampaignPlan`."""

    id: str
    organisation_id: str
    name: str
    firmware_id: str
    state: str
    reason: str | None
    plan: str
    created_by: str
    created_at: Instant
    starts_at: Instant
    ends_at: Instant
    started_at: Instant | None
    finished_at: Instant | None

    @property
    def choices(self) -> CampaignPlan:
        """The plan, read."""
        return msgspec.json.decode(self.plan, type=CampaignPlan)


class StationUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """One station of a campaign; `position` is its turn."""

    campaign_id: str
    position: int
    organisation_id: str
    station_id: str
    site_id: str | None
    state: str
    job_id: str | None
    detail: str | None
    version_before: str | None
    started_at: Instant | None
    finished_at: Instant | None


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How many stations of a campaign are in which state."""

    pending: int = 0
    updating: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0

    @property
    def unfinished(self) -> int:
        """How many are still to end."""
        return self.pending + self.updating


class FirmwareCampaignChanged(Fact, frozen=True, kw_only=True, gc=False):
    """A campaign is at this now. There is no station: `station_id` is "". The campaign itself is stored beside it."""

    event_type: ClassVar[str | None] = "firmware_campaign.changed"

    campaign_id: str
    name: str
    state: str
    progress: Tally


def too_many_failures(tally: Tally, plan: CampaignPlan) -> str | None:
    """Why a campaign has to stop, in words; None while it may go on."""
    ended = tally.done + tally.failed
    if not tally.failed or ended < plan.failure_minimum or tally.failed * 100 <= plan.failure_limit_percent * ended:
        return None
    return (
        f"{tally.failed} of {ended} updates failed: more than the {plan.failure_limit_percent} % that the plan allows."
    )


def fits(firmware: Firmware, vendor: str | None, model: str | None) -> bool:
    """Whether firmware is meant for stations of this vendor and model."""
    return all(
        wanted is None or (told is not None and told.strip().casefold() == wanted.casefold())
        for wanted, told in ((firmware.vendor, vendor), (firmware.model, model))
    )


def outcome_of(job: Job) -> tuple[UpdateState, str] | None:
    """How the update that a job stands for has ended, and the word for it; None while it goes on."""
    status = progress_of(job).transfer_status
    if job.state not in ENDED:
        return None
    if job.state == JobState.DONE and status == INSTALLED:
        return UpdateState.DONE, INSTALLED
    if status is not None and job.state == JobState.DONE:
        return UpdateState.FAILED, status
    return UpdateState.FAILED, job.result or job.state
