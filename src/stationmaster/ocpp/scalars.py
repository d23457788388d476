"""Reading of single values: texts, numbers, booleans, enumerations, timestamps, limits.

The rule that shapes this file: a value is accepted as it is, or mended and told, or refused
with the code that handbook 1.8 gives to that kind of defect.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from stationmaster.instants import parse_instant

from .errors import ErrorCode
from .fields import DIGITS_OF_LIMIT, INT64_MAX, URI_PATTERN, in_tenths
from .oddities import OddityKind
from .plain_json import Number, storable
from .walk import Walk

__all__ = [
    "KEEP",
    "BooleanShape",
    "ChoiceShape",
    "IntegerShape",
    "TenthsShape",
    "TextShape",
    "TimestampShape",
]

KEEP: Final = "keep"
"""`unknown` of an enumeration whose unknown values are kept as they are."""

_WRONG_TYPE: Final = ErrorCode.TYPE_CONSTRAINT_VIOLATION
_WRONG_VALUE: Final = ErrorCode.PROPERTY_CONSTRAINT_VIOLATION

_NUMBER: Final = re.compile(r"[+-]?\d{1,30}(?:\.\d{0,30})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_URI: Final = re.compile(URI_PATTERN)


def _clean(text: str, walk: Walk) -> str:
    cleaned = storable(text)
    if cleaned != text:
        reason = "holds control characters"
        walk.tolerate(OddityKind.CONTROL_CHARACTERS, text, _WRONG_VALUE, reason)
    return cleaned


def _number(raw: object) -> Decimal | None:
    """The number that a JSON number or a text stands for, if it is one of bearable size."""
    if isinstance(raw, int) and abs(raw) > INT64_MAX:
        return None
    text = str(raw).strip()
    return Decimal(text) if _NUMBER.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class TextShape:
    """A text with an optional maximum length, counted in characters."""

    longest: int | None
    stripped: bool = False
    uri: bool = False

    def read(self, raw: object, walk: Walk) -> str:
        """The text, whole, without control characters."""
        text = _clean(self._text(raw, walk), walk)
        if self.stripped and text != text.strip():
            reason = "has blanks around it"
            walk.tolerate(OddityKind.PADDED_TEXT, text, _WRONG_VALUE, reason)
            text = text.strip()
        if self.longest is not None and len(text) > self.longest:
            reason = f"is longer than {self.longest} characters"
            walk.tolerate(OddityKind.LONG_TEXT, text, _WRONG_VALUE, reason)
        if self.uri and not _URI.match(text):
            raise walk.refuse(_WRONG_VALUE, "is not a URI")
        return text

    @staticmethod
    def _text(raw: object, walk: Walk) -> str:
        if isinstance(raw, bool):
            text = "true" if raw else "false"
            walk.tolerate(OddityKind.TEXT_AS_BOOLEAN, text, _WRONG_TYPE, "is not a text")
            return text
        if isinstance(raw, Number | int | float):
            walk.tolerate(OddityKind.TEXT_AS_NUMBER, str(raw), _WRONG_TYPE, "is not a text")
            return str(raw)
        if isinstance(raw, str):
            return raw
        raise walk.refuse(_WRONG_TYPE, "is not a text")


@dataclass(frozen=True, slots=True)
class IntegerShape:
    """An integer within limits."""

    least: int | None
    most: int | None

    def read(self, raw: object, walk: Walk) -> int:
        """The integer."""
        value = raw if type(raw) is int else self._mend(raw, walk)
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            reason = f"is not within {self.least} and {self.most}"
            if not walk.transaction_related or abs(value) > INT64_MAX:
                raise walk.refuse(_WRONG_VALUE, reason)
            walk.note(OddityKind.OUT_OF_RANGE, raw)
        return value

    @staticmethod
    def _mend(raw: object, walk: Walk) -> int:
        given_as_text = isinstance(raw, str) and not isinstance(raw, Number)
        if isinstance(raw, bool) or not isinstance(raw, str | float):
            raise walk.refuse(_WRONG_TYPE, "is not an integer")
        number = _number(raw)
        if number is None or abs(number) > INT64_MAX:
            too_large = isinstance(raw, Number) and raw.lstrip("-").isdigit()
            code, reason = (_WRONG_VALUE, "is out of range") if too_large else (_WRONG_TYPE, "is not an integer")
            raise walk.refuse(code, reason)
        value = int(number.to_integral_value(ROUND_HALF_UP))
        if value != number and not walk.transaction_related:
            raise walk.refuse(_WRONG_TYPE, "is not an integer")
        kind = OddityKind.NUMBER_AS_TEXT if given_as_text else OddityKind.FRACTION_FOR_INTEGER
        walk.tolerate(kind, raw, _WRONG_TYPE, "is not an integer")
        return value


@dataclass(frozen=True, slots=True)
class BooleanShape:
    """`true` or `false`."""

    def read(self, raw: object, walk: Walk) -> bool:
        """The truth value."""
        if isinstance(raw, bool):
            return raw
        reason = "is not true or false"
        if isinstance(raw, int) and raw in (0, 1):
            walk.tolerate(OddityKind.BOOLEAN_AS_NUMBER, raw, _WRONG_TYPE, reason)
            return raw == 1
        if isinstance(raw, str) and raw.strip().lower() in ("true", "false"):
            walk.tolerate(OddityKind.BOOLEAN_AS_TEXT, raw, _WRONG_TYPE, reason)
            return raw.strip().lower() == "true"
        raise walk.refuse(_WRONG_TYPE, reason)


@dataclass(frozen=True, slots=True)
class ChoiceShape:
    """One of the values of an enumeration; `unknown` says what becomes of any other."""

    values: frozenset[str]
    unknown: str | None
    aliases: Mapping[str, str]

    def read(self, raw: object, walk: Walk) -> str:
        """The value of the enumeration, or what stands for it."""
        if not isinstance(raw, str) or isinstance(raw, Number):
            raise walk.refuse(_WRONG_TYPE, "is not a text")
        if raw in self.values:
            return raw
        text = _clean(raw, walk)
        value = text.strip()
        if value in self.aliases and walk.mends:
            walk.note(OddityKind.ALIAS, raw)
            return self.aliases[value]
        reason = "is not one of the values of its enumeration"
        if value in self.values:
            if value != text:
                walk.tolerate(OddityKind.PADDED_TEXT, raw, _WRONG_VALUE, reason)
            return value
        if self.unknown is None or not value:
            raise walk.refuse(_WRONG_VALUE, reason)
        walk.tolerate(OddityKind.UNKNOWN_ENUM, raw, _WRONG_VALUE, reason)
        return value if self.unknown == KEEP else self.unknown


@dataclass(frozen=True, slots=True)
class TimestampShape:
    """A date and time, kept as text."""

    def read(self, raw: object, walk: Walk) -> str:
        """The text of the timestamp, known to be readable."""
        if not isinstance(raw, str) or isinstance(raw, Number):
            raise walk.refuse(_WRONG_TYPE, "is not a text")
        reason = "is not an ISO 8601 date and time"
        text = raw
        if walk.mends and (text := storable(raw).strip()) != raw:
            walk.note(OddityKind.PADDED_TEXT, raw)
        try:
            parse_instant(text)
        except ValueError as error:
            raise walk.refuse(_WRONG_VALUE, reason) from error
        return text


@dataclass(frozen=True, slots=True)
class TenthsShape:
    """A decimal number with at most one digit after the point."""

    def read(self, raw: object, walk: Walk) -> Decimal:
        """The exact number."""
        given_as_text = isinstance(raw, str) and not isinstance(raw, Number)
        if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal | str):
            raise walk.refuse(_WRONG_TYPE, "is not a number")
        number = _number(raw)
        if number is None and given_as_text:
            raise walk.refuse(_WRONG_TYPE, "is not a number")
        if number is None or number.adjusted() >= DIGITS_OF_LIMIT:
            raise walk.refuse(_WRONG_VALUE, "is out of range")
        if given_as_text:
            walk.tolerate(OddityKind.NUMBER_AS_TEXT, raw, _WRONG_TYPE, "is not a number")
        try:
            return in_tenths(number)
        except ValueError:
            reason = "has more than one digit after the point"
            walk.tolerate(OddityKind.LONG_FRACTION, raw, _WRONG_VALUE, reason)
        return in_tenths(number.quantize(Decimal("0.1")))
