"""Which templates apply to a station, what they want together, and how a key stands to it: pure rules.

The rule that shapes this file: values are compared by what they mean, not by how a station writes them.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec

from stationmaster.domain.desired_configuration import (
    ConfigurationTemplate,
    FollowMode,
    KeyAnswer,
    KeyRecord,
    KeyState,
    KnownKey,
    Reason,
    TemplateValue,
    lesser,
)
from stationmaster.domain.patterns import fits, weight
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant

__all__ = [
    "NOTHING",
    "Memory",
    "WantedKey",
    "back_off_us",
    "judge",
    "key_name",
    "memory_of",
    "remembered",
    "same_value",
    "templates_of",
    "wanted_keys",
]

FIRST_BACK_OFF_US: Final = 3_600_000_000
LONGEST_BACK_OFF_US: Final = 24 * FIRST_BACK_OFF_US
_TRUTHS: Final = frozenset({"true", "false"})
_AGREED: Final = frozenset({KeyAnswer.ACCEPTED.value, KeyAnswer.REBOOT_REQUIRED.value})


class WantedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that a station should have, by which template, and which other templates lose against it."""

    key: str
    item: TemplateValue
    template: ConfigurationTemplate
    mode: FollowMode
    overridden: tuple[ConfigurationTemplate, ...] = ()


def key_name(key: str) -> str:
    """A key as it is compared: the case of letters does not matter (§2.1)."""
    return key.strip().lower()


# Which templates, in which order.


def templates_of(
    templates: Iterable[ConfigurationTemplate], station: Station, assigned: Collection[str]
) -> list[ConfigurationTemplate]:
    """The templates that apply to a station, the one that counts most first.

    Priority decides. Of equal priority, one that was assigned by hand comes before one that fits; then the one that
    says more of firmware, model, site and vendor, in this order; then the elder.
    """
    found = [each for each in templates if each.id in assigned or _selects(each, station)]
    return sorted(found, key=lambda each: (*_minus(_weight(each, assigned)), each.created_at, each.id))


def _weight(template: ConfigurationTemplate, assigned: Collection[str]) -> tuple[int, ...]:
    return (
        template.priority,
        int(template.id in assigned),
        weight(template.firmware),
        weight(template.model),
        int(template.site_id is not None),
        weight(template.vendor),
    )


def _minus(figures: Sequence[int]) -> tuple[int, ...]:
    return tuple(-each for each in figures)


def _selects(template: ConfigurationTemplate, station: Station) -> bool:
    patterns = (
        (template.vendor, station.vendor),
        (template.model, station.model),
        (template.firmware, station.firmware_version),
    )
    if template.site_id is None and all(pattern is None for pattern, _ in patterns):
        return False
    if template.site_id is not None and template.site_id != station.site_id:
        return False
    return all(fits(pattern, text) for pattern, text in patterns)


def wanted_keys(templates: Sequence[ConfigurationTemplate], station_mode: str) -> list[WantedKey]:
    """What the templates, the most important first, want of a station in this mode; by key."""
    found: dict[str, WantedKey] = {}
    for template in templates:
        mode = lesser(station_mode, template.mode)
        if mode is FollowMode.OFF:
            continue
        for item in template.entries:
            before = found.get(key_name(item.key))
            if before is None:
                found[key_name(item.key)] = WantedKey(key=item.key, item=item, template=template, mode=mode)
            else:
                overridden = (*before.overridden, template)
                found[key_name(item.key)] = msgspec.structs.replace(before, overridden=overridden)
    return [found[name] for name in sorted(found)]


# Comparing.


def same_value(kind: str | None, wanted: str, told: str) -> bool:
    """Whether two values mean the same. `kind` is bool, int, list or text; None for a key that nobody described.

    The order of a list means nothing: no list of the specification has one.
    """
    one, other = wanted.strip(), told.strip()
    if one == other:
        return True
    if kind == "list":
        return _items(one) == _items(other)
    if kind in {"bool", None} and {one.lower(), other.lower()} <= _TRUTHS:
        return one.lower() == other.lower()
    if kind in {"int", None}:
        numbers = _number(one), _number(other)
        return None not in numbers and numbers[0] == numbers[1]
    return False


def _items(value: str) -> frozenset[str]:
    return frozenset(item.strip().lower() for item in value.split(",") if item.strip())


def _number(text: str) -> int | None:
    digits = text.removeprefix("-").removeprefix("+")
    return int(text) if digits.isascii() and digits.isdecimal() and len(digits) < 20 else None  # noqa: PLR2004 -- 64 bits


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What a station made of our last change of a key: see `KeyRecord`."""

    answer: str | None = None
    answer_at: Instant | None = None
    answer_hash: str | None = None
    answer_firmware: str | None = None
    attempts: int = 0
    next_attempt_at: Instant | None = None


NOTHING: Final = Memory()


def memory_of(record: KeyRecord | None, value_hash: str, firmware: str | None) -> Memory:
    """What still counts: what is of this value, and what this firmware refused, for another one may know more keys."""
    if record is None or record.answer_hash != value_hash:
        return NOTHING
    if record.answer not in _AGREED and record.answer_firmware != firmware:
        return NOTHING
    return Memory(**{name: getattr(record, name) for name in Memory.__struct_fields__})


def remembered(before: Memory, answer: KeyAnswer, value_hash: str, firmware: str | None, now: Instant) -> Memory:
    """The memory after another attempt. What the station said yes to and did not do is left alone for a while."""
    attempts = before.attempts + 1 if answer is KeyAnswer.NOT_CHANGED else 0
    return Memory(
        answer=answer.value,
        answer_at=now,
        answer_hash=value_hash,
        answer_firmware=firmware,
        attempts=attempts,
        next_attempt_at=now + back_off_us(attempts) if attempts else None,
    )


def judge(
    wanted: str,
    known: KnownKey | None,
    memory: Memory,
    *,
    kind: str | None,
    secret: bool,
    booted_at: Instant | None,
) -> tuple[KeyState, Reason]:
    """How a key stands."""
    answer, answer_at = memory.answer, memory.answer_at or 0
    if (known is not None and not known.supported) or answer == KeyAnswer.NOT_SUPPORTED:
        return KeyState.NOT_SUPPORTED, Reason.UNKNOWN_KEY
    if answer == KeyAnswer.REBOOT_REQUIRED and (booted_at or 0) <= answer_at:
        return KeyState.REBOOT_PENDING, Reason.REBOOT_REQUIRED
    told = None if known is None or secret else known.value_to_come
    if known is not None and told is not None and same_value(kind, wanted, told):
        if known.pending_value is not None:
            return KeyState.REBOOT_PENDING, Reason.REBOOT_REQUIRED
        read = (known.read_at or 0) >= (known.written_at or 0)
        return KeyState.IN_STEP, Reason.AS_READ if read else Reason.AS_SET
    if answer in {KeyAnswer.REJECTED, KeyAnswer.ERROR}:
        return KeyState.REFUSED, Reason.REJECTED if answer == KeyAnswer.REJECTED else Reason.ERROR
    if told is None and answer in _AGREED and (known is None or (known.written_at or 0) <= answer_at):
        return KeyState.IN_STEP, Reason.AS_SET
    return _not_as_wanted(known, told, answer, secret=secret)


def _not_as_wanted(
    known: KnownKey | None, told: str | None, answer: str | None, *, secret: bool
) -> tuple[KeyState, Reason]:
    if known is not None and known.readonly:
        return KeyState.READONLY, Reason.READONLY
    if told is None:
        return KeyState.UNKNOWN, Reason.NEVER_SET if secret else Reason.NOT_READ
    return KeyState.DRIFTED, Reason.NOT_CHANGED if answer == KeyAnswer.NOT_CHANGED else Reason.DIFFERS


def back_off_us(attempts: int) -> int:
    """How long a key is left alone after the station said yes and did nothing so many times: an hour, then doubled."""
    return int(min(FIRST_BACK_OFF_US << min(max(attempts - 1, 0), 10), LONGEST_BACK_OFF_US))
