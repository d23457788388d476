"""One pass over one payload: where it is, what it tolerates, what it has found.

The rule that shapes this file: a defect is either tolerated and told, or it ends the reading
with the error code of the handbook's table (1.8). Which of the two is decided here and by
nobody else.
"""

import json
from enum import Enum, auto
from typing import Final

from .errors import ErrorCode, OcppError
from .oddities import LONGEST_RAW, MOST_DEFECTS, MOST_ODDITIES, Oddity, OddityKind

__all__ = ["Mode", "Refusal", "Walk"]


class Mode(Enum):
    """How a payload is read. Source: handbook 1.9."""

    STRICT = auto()
    """Every defect is refused."""
    LENIENT = auto()
    """The default for stations: common defects are tolerated and told."""
    TRANSACTION = auto()
    """StartTransaction, StopTransaction, MeterValues: whatever can be stored is accepted."""
    SENDING = auto()
    """What we send: strict, and also held to what the schemas leave out."""


class Refusal(OcppError):
    """A value that this reading refuses; a field around it may still be mended."""


_MENDING: Final = (Mode.LENIENT, Mode.TRANSACTION)


class Walk:
    """The state of one reading: the path of the current field and the oddities so far."""

    def __init__(self, mode: Mode, banned: frozenset[str] = frozenset()) -> None:
        self.mends = mode in _MENDING
        self.transaction_related = mode is Mode.TRANSACTION
        self.sending = mode is Mode.SENDING
        self.path: list[str | int] = []
        self.oddities: list[Oddity] = []
        self._defects = 0
        # As in strict mode: what transactions say is never refused for its form.
        self._banned = frozenset() if mode is Mode.TRANSACTION else banned

    def refuse(self, code: ErrorCode, reason: str) -> Refusal:
        """The error for the current field, to be raised by the caller."""
        path = self._path_text()
        if not path:
            return Refusal(code, f"the payload {reason}")
        return Refusal(code, f"{path} {reason}", {"field": path})

    def tolerate(self, kind: OddityKind, raw: object, code: ErrorCode, reason: str) -> None:
        """Note a defect in the current field, or raise its Refusal where nothing is mended."""
        if not self.mends:
            raise self.refuse(code, reason)
        if kind in self._banned:
            raise self._forbid(code, reason)
        self.note(kind, raw)

    def note(self, kind: OddityKind, raw: object) -> None:
        """Note a defect that has been mended. Raises OcppError when there are far too many."""
        if kind in self._banned:
            code = (
                ErrorCode.PROTOCOL_ERROR
                if kind is OddityKind.MISSING_FIELD
                else ErrorCode.PROPERTY_CONSTRAINT_VIOLATION
            )
            raise self._forbid(code, f"has a defect that is not tolerated here: {kind}")
        self._defects += 1
        if self._defects > MOST_DEFECTS:
            reason = f"the payload has more than {MOST_DEFECTS} defects"
            raise OcppError(ErrorCode.FORMATION_VIOLATION, reason)
        if len(self.oddities) < MOST_ODDITIES:
            self.oddities.append(Oddity(kind, self._path_text(), raw_text(raw)))

    def _forbid(self, code: ErrorCode, reason: str) -> OcppError:
        """No `Refusal`: no field around it may mend what this station is not to be forgiven."""
        refusal = self.refuse(code, reason)
        return OcppError(refusal.code, refusal.description, refusal.details)

    def _path_text(self) -> str:
        parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path]
        return "".join(parts).removeprefix(".")


def raw_text(raw: object) -> str:
    """The original value as an oddity shows it: clipped, and safe to store anywhere."""
    if raw is None:
        return "null"
    try:
        text = raw if isinstance(raw, str) else json.dumps(raw, separators=(",", ":"))
    except (RecursionError, ValueError):
        return "(nested too deeply to show)"
    clipped = text[:LONGEST_RAW]
    if clipped.isprintable():
        return clipped
    return clipped.encode("unicode_escape").decode("ascii")[:LONGEST_RAW]
