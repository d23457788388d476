"""The description of a message class, compiled for reading field by field.

The rule that shapes this file: this reading is the reference, and msgspec's typed decode is a
faster way to the same result for payloads without a defect. Every check here therefore names
its error code (handbook 1.8) and, where one exists, the way to mend the value (handbook 1.9).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol

from msgspec import inspect

from . import fields, scalars
from .errors import ErrorCode
from .fields import Message
from .oddities import OddityKind
from .plain_json import storable
from .walk import Refusal, Walk

__all__ = ["ObjectShape", "Shape", "shape_of"]

_ABSENT: Final = object()
_LONGEST_NAME: Final = 100


class Shape(Protocol):
    """Reads one raw JSON value. Raises Refusal if the value cannot be accepted."""

    def read(self, raw: object, walk: Walk) -> object:
        """The value to keep for a raw one."""
        ...


@dataclass(frozen=True, slots=True)
class ListShape:
    """A list; `least_sent` is the least number of entries that we send (handbook 2.5)."""

    item: Shape
    least: int
    least_sent: int

    def read(self, raw: object, walk: Walk) -> tuple[object, ...]:
        """The entries; in transaction messages one that cannot be read is left out and told."""
        if not isinstance(raw, list | tuple):
            raise walk.refuse(ErrorCode.TYPE_CONSTRAINT_VIOLATION, "is not a list")
        least = max(self.least, self.least_sent) if walk.sending else self.least
        if len(raw) < least:
            code = ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION
            walk.tolerate(OddityKind.EMPTY_LIST, raw, code, f"has fewer than {least} entries")
        items: list[object] = []
        for index, raw_item in enumerate(raw):
            walk.path.append(index)
            depth = len(walk.path)
            try:
                items.append(self.item.read(raw_item, walk))
            except Refusal:
                if not walk.transaction_related:
                    raise
                del walk.path[depth:]
                walk.note(OddityKind.UNREADABLE_VALUE, raw_item)
            walk.path.pop()
        return tuple(items)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object. `unread` is what stands for a value that cannot be read."""

    name: str
    wire_name: str
    shape: Shape
    required: bool
    mended: bool
    missing: str | None

    @property
    def unread(self) -> object:
        return () if self.mended and isinstance(self.shape, ListShape) else None

    def read(self, raw: object, walk: Walk) -> object:
        """The value of the field, given what stands in its place (`_ABSENT` for nothing)."""
        if raw is _ABSENT or raw is None:
            return self._read_nothing(raw, walk)
        depth = len(walk.path)
        try:
            return self.shape.read(raw, walk)
        except Refusal:
            if not self._may_be_unread(walk):
                raise
        del walk.path[depth:]
        is_timestamp = isinstance(self.shape, scalars.TimestampShape)
        kind = OddityKind.BAD_TIMESTAMP if is_timestamp else OddityKind.UNREADABLE_VALUE
        walk.note(kind, raw)
        return self.unread

    def _may_be_unread(self, walk: Walk) -> bool:
        if not walk.mends:
            return False
        if self.required:
            return self.mended
        return walk.transaction_related or isinstance(self.shape, scalars.TimestampShape)

    def _read_nothing(self, raw: object, walk: Walk) -> object:
        wrong_type = ErrorCode.TYPE_CONSTRAINT_VIOLATION
        if not self.required:
            if raw is None:
                reason = "is null; leave the field out instead"
                walk.tolerate(OddityKind.NULL_OPTIONAL, raw, wrong_type, reason)
            return None
        if walk.mends and (self.mended or self.missing is not None):
            walk.note(OddityKind.MISSING_FIELD, "" if raw is _ABSENT else raw)
            return self.unread if self.missing is None else self.missing
        if raw is None:
            raise walk.refuse(wrong_type, "is null")
        raise walk.refuse(ErrorCode.PROTOCOL_ERROR, "is missing")


@dataclass(frozen=True, slots=True)
class ObjectShape:
    """A message or composite type. `prepare` mends what spans two fields, if anything does."""

    message: type[Message]
    fields: tuple[Field, ...]
    prepare: Callable[[Mapping[str, object], Walk], Mapping[str, object]] | None

    def read(self, raw: object, walk: Walk) -> Message:
        """The message for a raw JSON object; fields in table order, then what does not belong."""
        if not isinstance(raw, dict):
            code = ErrorCode.TYPE_CONSTRAINT_VIOLATION
            raise walk.refuse(code if walk.path else ErrorCode.FORMATION_VIOLATION, "is not a JSON object")
        members: Mapping[str, object] = raw
        if self.prepare is not None and walk.mends:
            members = self.prepare(members, walk)
        values: dict[str, object] = {}
        found = 0
        for field in self.fields:
            member = members.get(field.wire_name, _ABSENT)
            found += member is not _ABSENT
            walk.path.append(field.wire_name)
            values[field.name] = field.read(member, walk)
            walk.path.pop()
        if found != len(members):
            self._read_extra(members, walk)
        return self.message(**values)

    def _read_extra(self, members: Mapping[str, object], walk: Walk) -> None:
        known = {field.wire_name for field in self.fields}
        for name, member in members.items():
            if name in known:
                continue
            walk.path.append(storable(str(name))[:_LONGEST_NAME])
            walk.tolerate(
                OddityKind.EXTRA_FIELD,
                member,
                ErrorCode.FORMATION_VIOLATION,
                "is not a field of this message",
            )
            walk.path.pop()


@cache
def shape_of(message: type[Message]) -> ObjectShape:
    """The compiled shape of a message class."""
    info = inspect.type_info(message)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{message} is not a message")
    prepare = getattr(message, "prepare", None)
    return ObjectShape(message, tuple(_field(field) for field in info.fields), prepare)


def _field(field: inspect.Field) -> Field:
    field_type, extra = _unwrap(field.type)
    return Field(
        name=field.name,
        wire_name=field.encode_name,
        shape=_shape(field_type, extra),
        required=field.required,
        mended=bool(extra.get("mended")),
        missing=extra.get("missing"),
    )


def _unwrap(field_type: inspect.Type) -> tuple[inspect.Type, dict[str, Any]]:
    extra: dict[str, Any] = {}
    while isinstance(field_type, inspect.Metadata):
        extra |= field_type.extra or {}
        field_type = field_type.type
    return field_type, extra


def _shape(field_type: inspect.Type, extra: dict[str, Any]) -> Shape:
    match field_type:
        case inspect.StructType(cls=cls):
            return shape_of(cls)
        case inspect.VarTupleType(item_type=item_type, min_length=least):
            item_type, item_extra = _unwrap(item_type)
            return ListShape(_shape(item_type, item_extra), least or 0, extra.get("least_sent", 0))
        case inspect.IntType(ge=least_value, le=most_value):
            return scalars.IntegerShape(least_value, most_value)
        case inspect.BoolType():
            return scalars.BooleanShape()
        case inspect.StrType(max_length=longest, pattern=pattern):
            return scalars.TextShape(longest, stripped="stripped" in extra, uri=pattern == fields.URI_PATTERN)
        case inspect.LiteralType(values=values):
            return scalars.ChoiceShape(frozenset(map(str, values)), extra.get("unknown"), extra.get("aliases", {}))
        case inspect.CustomType(cls=fields.Timestamp):
            return scalars.TimestampShape()
        case inspect.CustomType(cls=fields.Tenths):
            return scalars.TenthsShape()
    raise TypeError(f"no shape for {field_type}")
