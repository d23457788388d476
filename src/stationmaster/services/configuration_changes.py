"""Reading keys of a station and changing those that differ: the conversation of one application.

The rule that shapes this file: a station that says Accepted has said a word, no more; it counts when it is read back
(QUIRKS: stations that accept and do nothing). Never more keys are asked for at a time than the station takes.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from stationmaster.domain.configuration_drift import key_name, same_value
from stationmaster.domain.configuration_orders import ChangeKeyOrder, ReadKeysOrder
from stationmaster.domain.desired_configuration import (
    ConfigurationJob,
    FollowMode,
    KeyAnswer,
    KeyRecord,
    KeyState,
    Reason,
)
from stationmaster.domain.errors import Conflict, Offline, Unavailable
from stationmaster.domain.jobs import Job, JobState
from stationmaster.domain.orders import Order
from stationmaster.domain.stations import Station
from stationmaster.services.commands import Commands
from stationmaster.services.configuration_templates import ConfigurationTemplates
from stationmaster.services.context import ServiceContext
from stationmaster.services.desired_configuration import DesiredConfiguration, Standing

__all__ = ["Applied", "ConfigurationChanges", "StationAway", "StationLeft", "Unreadable", "needs"]

MOST_KEYS_AT_ONCE: Final = 50
"""Even if a station says that it takes more."""
_ANSWERS: Final = {
    "Accepted": KeyAnswer.ACCEPTED,
    "RebootRequired": KeyAnswer.REBOOT_REQUIRED,
    "Rejected": KeyAnswer.REJECTED,
    "NotSupported": KeyAnswer.NOT_SUPPORTED,
}

Progress = Callable[[int, str | None], Awaitable[None]]
"""Told before each question: how many keys were changed, and which one is next."""


class StationAway(Exception):
    """It cannot be asked now: nothing was sent."""


class StationLeft(Exception):
    """The connection ended before the answer."""


class Unreadable(Exception):
    """The station does not tell its keys."""


class Applied(msgspec.Struct, frozen=True):
    """What the station made of the changes, by key in small letters."""

    answers: dict[str, KeyAnswer]


def needs(mode: FollowMode, *, persons: bool) -> bool:
    """Whether a key of this mode is applied, when a person asked or by itself."""
    return mode is FollowMode.ON_CONNECT or (persons and mode is FollowMode.ON_DEMAND)


class ConfigurationChanges:
    """Talks with stations about their keys."""

    def __init__(
        self,
        context: ServiceContext,
        commands: Commands,
        templates: ConfigurationTemplates,
        desired: DesiredConfiguration,
    ) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._settings = context.settings
        self._commands = commands
        self._templates = templates
        self._desired = desired

    async def apply(
        self, under_way: ConfigurationJob, standing: Standing, names: Sequence[str], tell: Progress
    ) -> Applied:
        """Read these keys, change those that differ, read these back. Raises StationAway, StationLeft, Unreadable."""
        station = standing.station
        await self._read(under_way, standing, names)
        await tell(0, None)
        standing = await self._desired.standing(station)
        answers: dict[str, KeyAnswer] = {}
        values = {key_name(each.key): self._templates.value_of(each.template, each.item) for each in standing.wanted}
        for record in self._to_change(standing.records, names, persons=under_way.persons):
            await tell(len(answers), record.key)
            sent = await self.send(under_way, station, ChangeKeyOrder(record.key, values[record.key_name]))
            answers[record.key_name] = _answer_of(sent, secret=record.secret)
        accepted = [name for name, answer in answers.items() if answer is KeyAnswer.ACCEPTED]
        if accepted:
            answers |= await self.read_back(under_way, standing, accepted)
        return Applied(answers)

    async def read_back(
        self, under_way: ConfigurationJob, standing: Standing, names: Sequence[str]
    ) -> dict[str, KeyAnswer]:
        """Read keys that the station said it has changed: ACCEPTED if it has, NOT_CHANGED if it only said so.

        A secret is believed: stations do not tell it, or tell something else.
        """
        secrets = {each.key_name for each in standing.records if each.secret}
        readable = [name for name in names if name not in secrets]
        if readable:
            await self._read(under_way, standing, readable)
        stored = await self._storage.configuration.of(standing.station.id)
        told = {key_name(each.variable): each.value for each in stored if each.supported}
        words = self._desired.words(standing.station)
        answers = dict.fromkeys(names, KeyAnswer.ACCEPTED)
        for wanted in standing.wanted:
            name = key_name(wanted.key)
            value = told.get(name)
            if name not in readable or value is None:
                continue
            if not same_value(
                words.kind_of_key(wanted.key), self._templates.value_of(wanted.template, wanted.item), value
            ):
                answers[name] = KeyAnswer.NOT_CHANGED
        return answers

    async def send(self, under_way: ConfigurationJob, station: Station, order: Order) -> Job:
        """Ask the station; the job of the command. Raises StationAway, StationLeft."""
        job: Job | None = await self._storage.jobs.get(under_way.job_id)
        action, payload = self._commands.phrase(station, order)
        wait_s = (station.call_timeout_s or self._settings.call_timeout_s) + 1
        try:
            sent = await self._commands.send(
                station.organisation_id,
                station.id,
                action,
                payload,
                requested_by="desired_configuration" if job is None else job.requested_by,
                wait_s=wait_s,
            )
        except (Offline, Conflict, Unavailable) as error:
            raise StationAway from error
        if sent.state in {JobState.NOT_DELIVERED, JobState.EXPIRED, JobState.CANCELLED}:
            raise StationLeft if sent.sent_at is not None else StationAway
        return sent

    async def _read(self, under_way: ConfigurationJob, standing: Standing, names: Sequence[str]) -> None:
        """Have the station tell these keys, spelled as it does, as many at a time as it takes."""
        station = standing.station
        spelled = {key_name(each.key): each.key for each in standing.wanted}
        stored = await self._storage.configuration.of(station.id)
        spelled |= {key_name(each.variable): each.variable for each in stored}
        size = await self._page_size(under_way, station)
        for start in range(0, len(names), size):
            keys = tuple(spelled[name] for name in names[start : start + size])
            await self._ask(under_way, station, ReadKeysOrder(keys))

    async def _page_size(self, under_way: ConfigurationJob, station: Station) -> int:
        """How many keys may be asked for at a time; the station is asked if that was never read. One is always safe."""
        key = self._desired.words(station).page_limit_key
        limit = await self._stored_number(station, key)
        if limit is None:
            await self._ask(under_way, station, ReadKeysOrder((key,)))
            limit = await self._stored_number(station, key)
        return max(1, min(limit or 1, MOST_KEYS_AT_ONCE))

    async def _stored_number(self, station: Station, key: str) -> int | None:
        """A number of the station as last read; 0 for what is there and is none."""
        for each in await self._storage.configuration.of(station.id):
            if key_name(each.variable) == key_name(key):
                text = (each.value or "").strip()
                return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004 -- digits of what no station would write
        return None

    async def _ask(self, under_way: ConfigurationJob, station: Station, order: ReadKeysOrder) -> None:
        sent = await self.send(under_way, station, order)
        if sent.state != JobState.DONE:
            what = sent.result or {"timeout": "nothing in time"}.get(sent.state, "what cannot be read")
            raise Unreadable(f"The station answered {what} when it was asked for its keys.")

    def _to_change(self, records: Sequence[KeyRecord], names: Sequence[str], *, persons: bool) -> list[KeyRecord]:
        """What differs and may change. What the station refused is tried again only when a person asks."""
        return [each for each in records if each.key_name in names and self._is_to_change(each, persons=persons)]

    def _is_to_change(self, record: KeyRecord, *, persons: bool) -> bool:
        match record.state:
            case KeyState.UNKNOWN:
                return True
            case KeyState.DRIFTED:
                left_alone = record.next_attempt_at is not None and record.next_attempt_at > self._clock()
                return persons or record.reason != Reason.NOT_CHANGED or not left_alone
            case KeyState.REFUSED:
                return persons
            case KeyState.NOT_SUPPORTED:
                return persons and record.answer == KeyAnswer.NOT_SUPPORTED
        return False


def _answer_of(sent: Job, *, secret: bool) -> KeyAnswer:
    """What the station made of a change."""
    if sent.state == JobState.DONE:
        return _ANSWERS.get(sent.result or "", KeyAnswer.ERROR)
    if sent.state in {JobState.ERROR, JobState.INVALID_RESPONSE}:
        missing = sent.result in {"NotImplemented", "NotSupported"}
        return KeyAnswer.NOT_SUPPORTED if missing else KeyAnswer.ERROR
    # No answer in time. What can be read is read back, which tells.
    return KeyAnswer.ERROR if secret else KeyAnswer.ACCEPTED
