"""How the fields of a message are described.

The rule that shapes this file: one class per request and response, and every limit of a field
stands on the field. The same description drives the fast typed decode, the mending of what
stations send, and the check of what we send. A field that is absent is `None`; no field is
ever `null` on the wire (handbook 1.4).

Three of the names mean one thing to a type checker and another at run time, because a value
that was mended may leave the range that the typed decode insists on.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, inspect

from stationmaster.instants import parse_instant

INT32_MAX: Final = 2**31 - 1
INT64_MAX: Final = 2**63 - 1
DIGITS_OF_LIMIT: Final = 12
"""No charging limit, in W or A, has more digits before the point."""

URI_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9+.-]*:\S+\Z"
"""A scheme, a colon and no blanks; what stands behind the colon is for the station to judge."""

_TENTH: Final = Decimal("0.1")


class Message(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename="camel",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """Base of every request, response and composite type: immutable, camelCase on the wire."""


def one_of(values: Sequence[str], **extra: object) -> Any:
    """An enumeration as a run-time type, from the tuple of its values."""
    return Annotated[Literal[tuple(values)], Meta(extra=extra)]


if TYPE_CHECKING:
    _Field = TypeVar("_Field")
    Maybe: TypeAlias = _Field | None
    Mended: TypeAlias = _Field | None
    Timestamp = str
    Tenths = Decimal
else:

    class Maybe:
        """An optional field; `null` is refused by the typed decode. Default it to `None`."""

        def __class_getitem__(cls, field_type: Any) -> Any:
            return field_type

    class Mended:
        """A mandatory field that lenient reading turns into `None` if it cannot be read."""

        def __class_getitem__(cls, field_type: Any) -> Any:
            return Annotated[field_type, Meta(extra={"mended": True})]

    class _StandIn(type):
        """Types whose instances are those of another one: `msgspec` asks after it has called `read_custom`."""

        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, cls.instances)

    class Timestamp(metaclass=_StandIn):
        """A date and time, kept as the text that was sent; `parse_instant` reads it."""

        instances = str

    class Tenths(metaclass=_StandIn):
        """A decimal with at most one digit after the point. Source: handbook 2.1."""

        instances = Decimal


CiString20 = Annotated[str, Meta(max_length=20)]
CiString25 = Annotated[str, Meta(max_length=25)]
CiString40 = Annotated[str, Meta(max_length=40)]
CiString50 = Annotated[str, Meta(max_length=50)]
CiString128 = Annotated[str, Meta(max_length=128)]
CiString255 = Annotated[str, Meta(max_length=255)]
CiString500 = Annotated[str, Meta(max_length=500)]
Text512 = Annotated[str, Meta(max_length=512)]
Text800 = Annotated[str, Meta(max_length=800)]
Text5500 = Annotated[str, Meta(max_length=5500)]
Text10000 = Annotated[str, Meta(max_length=10000)]
IdToken = CiString20
MissableCiString20 = Annotated[str, Meta(max_length=20, extra={"missing": ""})]
"""Mandatory text that some stations leave out; lenient reading takes it as empty."""
ReportedKey = Annotated[str, Meta(max_length=50, pattern=r"^(?!\s)[\s\S]*(?<!\s)\Z", extra={"stripped": True})]
"""A configuration key as a station reports it; lenient reading strips blanks around it."""
Uri = Annotated[str, Meta(pattern=URI_PATTERN)]
Uri512 = Annotated[str, Meta(max_length=512, pattern=URI_PATTERN)]

Integer = Annotated[int, Meta(ge=-INT64_MAX - 1, le=INT64_MAX)]
Identifier = Annotated[int, Meta(ge=-INT32_MAX - 1, le=INT32_MAX)]
"""An id. Those we allot lie within 1 to 2**31-1; a station may use others, -1 and 0 included."""
ConnectorOrStation = Annotated[int, Meta(ge=0, le=INT32_MAX)]
"""A connector number, or 0 for the station as a whole."""
Connector = Annotated[int, Meta(ge=1, le=INT32_MAX)]
Seconds = Annotated[int, Meta(ge=0, le=INT32_MAX)]


def in_tenths(value: Decimal) -> Decimal:
    """The same number with at most one digit after the point, as it is written on the wire.

    Raises ValueError if it needs more digits or has more than `DIGITS_OF_LIMIT`
    before the point.
    """
    # The exponent is looked at before anything is computed: 1e999999999999 is a legal JSON number.
    if not value.is_finite() or value.adjusted() >= DIGITS_OF_LIMIT:
        raise ValueError("out of range")
    exponent = value.as_tuple().exponent
    if exponent in (0, -1):
        return value
    if value != (rounded := value.quantize(_TENTH)):
        raise ValueError("not a multiple of 0.1")
    return Decimal(int(rounded)) if rounded == rounded.to_integral_value() else rounded


def read_custom(wanted: type, raw: object) -> object:
    """Decode what msgspec leaves to us: timestamps and tenths. Raises ValueError, TypeError."""
    if wanted is Timestamp:
        if not isinstance(raw, str):
            raise TypeError("not a text")
        parse_instant(raw)
        return raw
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        raise TypeError("not a number")
    return in_tenths(Decimal(raw))


@cache
def typed_decoder(message: type[Message]) -> msgspec.json.Decoder[Message]:
    """The decoder of one message class: exact, strict, and the same object every time."""
    return msgspec.json.Decoder(message, dec_hook=read_custom, float_hook=Decimal)


DECODING_ERRORS: Final = (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError)
"""Everything a typed decode of hostile text may raise."""


@cache
def holds_tenths(message: type[Message]) -> bool:
    """Whether a decimal occurs anywhere in a message class."""
    return _holds_tenths(inspect.type_info(message))


def _holds_tenths(field_type: inspect.Type) -> bool:
    match field_type:
        case inspect.Metadata(type=inner):
            return _holds_tenths(inner)
        case inspect.VarTupleType(item_type=item_type):
            return _holds_tenths(item_type)
        case inspect.StructType(fields=members):
            return any(_holds_tenths(member.type) for member in members)
        case inspect.CustomType(cls=cls):
            return cls is Tenths
    return False
