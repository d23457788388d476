"""Desired configuration: what stations' keys should hold, and how far each station is followed.

The rule that shapes this file: nothing is sent to a station, or even looked at, before an operator has said so for
it. A station's mode and a template's mode both count, and the lesser of the two is what holds.
"""

from enum import StrEnum
from typing import ClassVar, Final

import msgspec

from stationmaster.domain.facts import Fact
from stationmaster.instants import Instant

__all__ = [
    "DRIFTING",
    "ConfigurationCompared",
    "ConfigurationDrifted",
    "ConfigurationInStep",
    "ConfigurationJob",
    "ConfigurationTemplate",
    "DriftingKey",
    "FollowMode",
    "FollowedStation",
    "JobStep",
    "KeyAnswer",
    "KeyRecord",
    "KeyState",
    "KnownKey",
    "Reason",
    "RebootPolicy",
    "TemplateValue",
    "lesser",
]


class FollowMode(StrEnum):
    """How far desired configuration goes, from nothing on."""

    OFF = "off"
    """It is not even compared."""
    SHOW = "show"
    """Differences from what was read last are shown; nothing is sent."""
    ON_DEMAND = "on_demand"
    """It is applied when somebody asks for it."""
    ON_CONNECT = "on_connect"
    """It is applied when the station connects or boots, too."""


_ORDER: Final = {mode: place for place, mode in enumerate(FollowMode)}


def lesser(one: str, other: str) -> FollowMode:
    """The mode of the two that does less."""
    return min(FollowMode(one), FollowMode(other), key=_ORDER.__getitem__)


class RebootPolicy(StrEnum):
    """What is done when a station takes a value at its next boot only."""

    NEVER = "never"
    """Wait for a boot that comes by itself."""
    WHEN_IDLE = "when_idle"
    """Reset (Soft) as soon as no transaction runs."""
    ASK = "ask"
    """Wait until somebody says so."""


class KeyState(StrEnum):
    """How a key of a station stands to what is desired."""

    IN_STEP = "in_step"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"
    """It was not read yet."""
    NOT_SUPPORTED = "not_supported"
    READONLY = "readonly"
    REFUSED = "refused"
    REBOOT_PENDING = "reboot_pending"


DRIFTING: Final = frozenset({KeyState.DRIFTED, KeyState.NOT_SUPPORTED, KeyState.READONLY, KeyState.REFUSED})
"""The states that somebody has to do something about."""


class Reason(StrEnum):
    """Why a key is in its state."""

    AS_READ = "as_read"
    AS_SET = "as_set"
    """The station said yes and does not tell, or was not asked since."""
    DIFFERS = "differs"
    NOT_CHANGED = "accepted_but_not_changed"
    """The station said Accepted, and read back the key is what it was."""
    NOT_READ = "not_read"
    NEVER_SET = "never_set"
    """A secret that was not set from here, or was set by somebody else since."""
    UNKNOWN_KEY = "unknown_key"
    READONLY = "readonly"
    REJECTED = "rejected"
    ERROR = "error"
    """The station answered the change with an error."""
    REBOOT_REQUIRED = "reboot_required"


class KeyAnswer(StrEnum):
    """What a station made of our last change of a key."""

    ACCEPTED = "accepted"
    REBOOT_REQUIRED = "reboot_required"
    REJECTED = "rejected"
    NOT_SUPPORTED = "not_supported"
    ERROR = "error"
    NOT_CHANGED = "not_changed"


class TemplateValue(msgspec.Struct, frozen=True):
    """A key with what it should hold. `value` None: secret, and only in the sealed part of its template."""

    key: str
    value: str | None
    secret: bool = False


class ConfigurationTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """Keys and values for a kind of station.

    It applies to the stations that it is assigned to, and to those whose vendor, model, firmware and site fit what is
    given of these (`*` at the end of a text: any ending; all None: to nobody by itself).
    `sealed` holds its secret values.
    """

    id: str
    organisation_id: str
    name: str
    entries: tuple[TemplateValue, ...]
    sealed: bytes | None = None
    priority: int = 0
    vendor: str | None = None
    model: str | None = None
    firmware: str | None = None
    site_id: str | None = None
    mode: str = FollowMode.ON_CONNECT.value
    reboot: str = RebootPolicy.ASK.value
    note: str | None = None
    created_at: Instant = 0
    updated_at: Instant = 0


class FollowedStation(msgspec.Struct, frozen=True, kw_only=True):
    """How far a station is followed, and the templates that were assigned to it by hand.

    After a failure to read it, nothing is begun by itself `not_before` a time.
    """

    station_id: str
    organisation_id: str
    mode: str = FollowMode.OFF.value
    template_ids: tuple[str, ...] = ()
    failures: int = 0
    not_before: Instant = 0
    updated_at: Instant = 0


class KnownKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of a station as it was last read or set. `value` None: not told, or secret.

    `pending_value` is what it takes at its next boot; None: nothing waits.
    """

    key: str
    value: str | None
    readonly: bool | None
    supported: bool
    pending_value: str | None = None
    read_at: Instant | None = None
    written_at: Instant | None = None

    @property
    def value_to_come(self) -> str | None:
        """What the key holds, or will hold after the boot that something waits for."""
        return self.value if self.pending_value is None else self.pending_value


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A desired key of a station: where it stands, and what the station made of our last change.

    `key_name` is the key in small letters. `desired` and `actual` are None when secret or not known. What `answer`
    says is of the value whose keyed hash is `answer_hash`, and of the firmware that the station had then.
    """

    station_id: str
    key_name: str
    organisation_id: str
    key: str
    template_id: str
    mode: str
    secret: bool
    state: str
    reason: str
    desired: str | None = None
    actual: str | None = None
    since: Instant = 0
    checked_at: Instant = 0
    answer: str | None = None
    answer_at: Instant | None = None
    answer_hash: str | None = None
    answer_firmware: str | None = None
    attempts: int = 0
    """How often the station said yes and did nothing."""
    next_attempt_at: Instant | None = None


class ConfigurationCompared(Fact, frozen=True, kw_only=True, gc=False):
    """A station was compared: these are all its desired keys now."""

    records: tuple[KeyRecord, ...]


class DriftingKey(msgspec.Struct, frozen=True, gc=False):
    """A key that is not as a template wants it. `desired` and `actual` are None when secret or not known.

    `state` is a `KeyState`: "drifted", "not_supported", "readonly" or "refused".
    """

    key: str
    state: str
    reason: str
    desired: str | None
    actual: str | None
    template_id: str


class ConfigurationDrifted(Fact, frozen=True, kw_only=True, gc=False):
    """A station's keys are not as desired: all of them, each time that they have become others."""

    event_type: ClassVar[str | None] = "configuration.drifted"

    keys: tuple[DriftingKey, ...]


class ConfigurationInStep(Fact, frozen=True, kw_only=True, gc=False):
    """No key of a station differs any more from what is desired; `mended` are those that did."""

    event_type: ClassVar[str | None] = "configuration.in_step"

    mended: tuple[str, ...]


class JobStep(StrEnum):
    """Where the application of a configuration stands."""

    ASK = "ask"
    """The station is to be read and changed as soon as it is connected."""
    CONSENT = "consent"
    """Somebody has to agree to a reset."""
    IDLE = "idle"
    """The station is reset as soon as no transaction runs."""
    COME_BACK = "come_back"
    """The station agreed to a reset and is to boot."""


class ConfigurationJob(msgspec.Struct, frozen=True, kw_only=True):
    """An application of desired configuration to one station, under way or ended.

    Jobs begun together share `run_id`. `persons` is whether a person asked: then what the station refused before is
    tried again. `changed` are the keys, in small letters, to be read back after a boot.
    """

    job_id: str
    organisation_id: str
    station_id: str
    site_id: str | None
    run_id: str
    template_id: str | None
    persons: bool
    step: str
    changed: tuple[str, ...] = ()
    attempts: int = 0
    step_at: Instant = 0
    deadline: Instant = 0
    claimed_until: Instant = 0
    created_at: Instant = 0
    finished_at: Instant | None = None
    result: str | None = None
