"""What was tolerated in a message, as a closed list.

The rule that shapes this file: nothing is mended in silence. Whatever lenient reading bends
is told as an `Oddity`, so that an operator can see what a station gets wrong, and the text
that was sent is kept (handbook 1.9).
"""

from enum import StrEnum
from typing import Final

import msgspec

__all__ = ["LONGEST_RAW", "MOST_DEFECTS", "MOST_ODDITIES", "Oddity", "OddityKind"]

LONGEST_RAW: Final = 500
"""Characters of the original value that an oddity keeps."""
MOST_ODDITIES: Final = 100
"""Oddities that one message reports; further ones are mended but not listed."""
MOST_DEFECTS: Final = 50_000
"""Defects after which a message is no longer mended but refused with FormationViolation.

No honest message within the frame limit has as many, even if every sample of a long transaction
has two; each defect costs some microseconds, so that a hostile one cannot hold up a node.
"""


class OddityKind(StrEnum):
    """Every deviation that lenient reading accepts. `x_as_y`: x was asked for, y was given."""

    NULL_OPTIONAL = "null_optional"
    """An optional field is `null`; treated as absent."""
    EXTRA_FIELD = "extra_field"
    """A field the message does not have; dropped."""
    MISSING_FIELD = "missing_field"
    """A mandatory field is absent or `null`; read as `None`, as empty text or as an empty list."""
    UNREADABLE_VALUE = "unreadable_value"
    """A value makes no sense; read as `None`, or dropped from its list."""
    NUMBER_AS_TEXT = "number_as_text"
    """`"12"` for 12."""
    TEXT_AS_NUMBER = "text_as_number"
    """12 for `"12"`."""
    TEXT_AS_BOOLEAN = "text_as_boolean"
    """`true` for `"true"`."""
    BOOLEAN_AS_TEXT = "boolean_as_text"
    """`"true"` for `true`."""
    BOOLEAN_AS_NUMBER = "boolean_as_number"
    """1 for `true`."""
    FRACTION_FOR_INTEGER = "fraction_for_integer"
    """12.0 for 12; in transaction messages also 12.6, rounded to 13."""
    LONG_FRACTION = "long_fraction"
    """A limit with more than one digit after the point; rounded to one."""
    OUT_OF_RANGE = "out_of_range"
    """A number beyond its limits in a transaction message; kept."""
    BAD_TIMESTAMP = "bad_timestamp"
    """A date and time that cannot be read; read as `None`, so the time of receipt counts."""
    LONG_TEXT = "long_text"
    """A text above its maximum length; kept whole."""
    PADDED_TEXT = "padded_text"
    """Blanks around an enumeration value, a configuration key or a timestamp; stripped."""
    CONTROL_CHARACTERS = "control_characters"
    """Control characters, NUL among them, or lone surrogates in a text; removed or replaced."""
    UNKNOWN_ENUM = "unknown_enum"
    """An unknown enumeration value; kept as it is, or replaced where the field says so."""
    ALIAS = "alias"
    """Another common spelling of an enumeration value; replaced by the right one."""
    EMPTY_LIST = "empty_list"
    """A list that must have an entry is empty; kept empty."""


class Oddity(msgspec.Struct, frozen=True, gc=False):
    """One deviation in one message.

    `path` names the field in the words of the wire (`meterValue[0].sampledValue[3].unit`) and
    `raw` is what the station sent there, as JSON or, for a text, as the text itself.
    """

    kind: OddityKind
    path: str
    raw: str
