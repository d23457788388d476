"""The codes of a CALLERROR, and the one exception of this package.

The rule that shapes this file: OCPP 1.6 spells two of its codes in its own way and they are
never corrected when we send (handbook 1.8). When we receive, the spellings of 2.0.1 are
understood too, and any other text counts as GenericError.
"""

from enum import StrEnum
from typing import Final

__all__ = ["LONGEST_DESCRIPTION", "ErrorCode", "OcppError", "parse_error_code"]

LONGEST_DESCRIPTION: Final = 255
"""Characters of an `errorDescription` on the wire; the rest is cut off."""


class ErrorCode(StrEnum):
    """The error codes of OCPP 1.6, exactly as they go on the wire. Source: handbook 1.8."""

    NOT_IMPLEMENTED = "NotImplemented"
    """The receiver does not know the action."""
    NOT_SUPPORTED = "NotSupported"
    """The receiver knows the action but does not support it."""
    INTERNAL_ERROR = "InternalError"
    """The receiver failed while processing."""
    PROTOCOL_ERROR = "ProtocolError"
    """The payload is incomplete."""
    SECURITY_ERROR = "SecurityError"
    """Refused for a security reason; also what a station hears that is not accepted yet."""
    FORMATION_VIOLATION = "FormationViolation"
    """The payload is malformed or does not follow the structure of the message."""
    PROPERTY_CONSTRAINT_VIOLATION = "PropertyConstraintViolation"
    """A field has a value that is not allowed."""
    OCCURENCE_CONSTRAINT_VIOLATION = "OccurenceConstraintViolation"
    """A field occurs too seldom or too often."""
    TYPE_CONSTRAINT_VIOLATION = "TypeConstraintViolation"
    """A field has the wrong JSON type."""
    GENERIC_ERROR = "GenericError"
    """Anything else."""


_OTHER_SPELLINGS: Final = {
    "FormatViolation": ErrorCode.FORMATION_VIOLATION,
    "OccurrenceConstraintViolation": ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
}
_SPELLINGS: Final = {code.value: code for code in ErrorCode} | _OTHER_SPELLINGS


def parse_error_code(text: str) -> ErrorCode:
    """The code a peer meant: 1.6 or 2.0.1 spelling, anything else is GenericError."""
    return _SPELLINGS.get(text.strip(), ErrorCode.GENERIC_ERROR)


class OcppError(Exception):
    """A message to be answered with a CALLERROR, or a payload of ours that must not be sent.

    `description` is one plain sentence that may be shown to the peer; `details` names at most
    the field (`{"field": "meterValue[0].timestamp"}`). Neither holds a payload value or an
    internal name. Source: handbook 1.8.
    """

    def __init__(self, code: ErrorCode, description: str = "", details: dict[str, object] | None = None) -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description
        self.details: dict[str, object] = details or {}

    @property
    def field(self) -> str:
        """The path of the field at fault, or an empty text if it is the message as a whole."""
        return str(self.details.get("field", ""))

    def __str__(self) -> str:
        return f"{self.code.value}: {self.description}" if self.description else self.code.value
