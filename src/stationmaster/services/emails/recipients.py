"""Lists of recipients, kept by operators."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec

from stationmaster.domain.alerts.recipients import QuietHours, Recipient
from stationmaster.domain.errors import Conflict, FieldError, Invalid, NotFound
from stationmaster.domain.identities import check_text
from stationmaster.domain.smart_charging.local_time import UtcOffset, offsets_between
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.time_zones import offset_reader

__all__ = ["NewRecipient", "Recipients", "offsets_of"]

LONGEST_NAME: Final = 100
MOST_LISTS: Final = 100
MOST_ADDRESSES: Final = 50
LONGEST_ADDRESS: Final = 254
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_DAY_US: Final = 86_400 * 1_000_000


class NewRecipient(msgspec.Struct, frozen=True, kw_only=True):
    """A list to be made."""

    name: str
    addresses: tuple[str, ...]
    enabled: bool = True
    language: str = "en"
    minimum_severity: str = "warning"
    site_ids: tuple[str, ...] | None = None
    tell_cleared: bool = False
    quiet_hours: QuietHours | None = None


class Recipients:
    """Keeps lists."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._clock = context.clock

    async def get(self, organisation_id: str, recipient_id: str) -> Recipient:
        """A list of the organisation. Raises NotFound."""
        found: Recipient | None = await self._storage.alert_recipients.get(recipient_id)
        if found is None or found.organisation_id != organisation_id:
            raise NotFound("alert_recipient_unknown", "There is no such list of recipients.")
        return found

    async def create(self, organisation_id: str, new: NewRecipient) -> Recipient:
        """Make a list. Raises Invalid, Conflict."""
        if len(await self._storage.alert_recipients.of(organisation_id)) >= MOST_LISTS:
            raise Conflict("too_many_recipients", f"An organisation has at most {MOST_LISTS} lists of recipients.")
        now = self._clock()
        members = _checked(msgspec.structs.asdict(new))
        made = Recipient(id=str(uuid4()), organisation_id=organisation_id, created_at=now, updated_at=now, **members)
        await self._storage.alert_recipients.save(made, new=True)
        return made

    async def update(self, organisation_id: str, recipient_id: str, given: Mapping[str, Any]) -> Recipient:
        """Change members by name. Raises NotFound, Invalid."""
        before = await self.get(organisation_id, recipient_id)
        changed = msgspec.structs.replace(before, **_checked(given), updated_at=self._clock())
        if not await self._storage.alert_recipients.save(changed, new=False):
            raise NotFound("alert_recipient_unknown", "There is no such list of recipients.")
        return changed

    async def delete(self, organisation_id: str, recipient_id: str) -> None:
        """Remove a list; what it was to be told of is not told. Raises NotFound, Conflict while a rule names it."""
        await self.get(organisation_id, recipient_id)
        for rule in await self._storage.alert_rules.everything():
            if rule.organisation_id == organisation_id and recipient_id in (rule.recipient_ids or ()):
                raise Conflict("alert_recipient_used", f"The alert rule {rule.name} tells this list.")
        await self._storage.alert_recipients.delete(recipient_id)


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    members = dict(given)
    if "name" in members:
        members["name"] = check_text("name", members["name"], LONGEST_NAME, required=True)
    if "addresses" in members:
        members["addresses"] = _addresses(members["addresses"])
    if members.get("site_ids") is not None:
        members["site_ids"] = tuple(dict.fromkeys(members["site_ids"]))
    quiet: QuietHours | None = members.get("quiet_hours")
    if quiet is not None:
        try:
            _zone(quiet.time_zone)
        except (ValueError, OSError) as error:
            raise _invalid("quiet_hours.time_zone", "is no time zone such as Europe/Berlin") from error
        members["quiet_hours"] = msgspec.json.encode(quiet).decode()
    return members


def _addresses(given: Any) -> tuple[str, ...]:
    addresses = tuple(dict.fromkeys(str(each).strip() for each in given))
    if not 1 <= len(addresses) <= MOST_ADDRESSES:
        raise _invalid("addresses", f"A list has 1 to {MOST_ADDRESSES} addresses.")
    for number, address in enumerate(addresses):
        if len(address) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
            raise _invalid(f"addresses.{number}", "This is no e-mail address such as someone@example.org.")
    return addresses


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def offsets_of(time_zone: str, now: Instant) -> tuple[UtcOffset, ...]:
    """How far a zone's clocks are ahead of UTC around a moment."""
    return offsets_between(offset_reader(_zone(time_zone)), now - 2 * _DAY_US, now + 2 * _DAY_US)


def _invalid(field: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, "invalid", words),))
