"""What can go wrong when somebody asks something of us: one tree, each with a stable code and words.

The rule that shapes this file: a service raises one of these and nothing else on purpose, and
there is one place per border where it becomes an HTTP status (api) or a CALLERROR (gateway).
`code` is for programs and never changes; the message is for people and says what to do.
"""

from typing import Any

__all__ = [
    "Conflict",
    "DomainError",
    "FieldError",
    "Forbidden",
    "Invalid",
    "NotFound",
    "Offline",
    "TooLarge",
    "Unavailable",
]


class FieldError(dict[str, str]):
    """One field at fault: `{"field": path, "code": stable word, "detail": words for people}`."""

    def __init__(self, field: str, code: str, detail: str) -> None:
        super().__init__(field=field, code=code, detail=detail)


class DomainError(Exception):
    """Something that was asked cannot be done. `details` is JSON for programs; `fields` names what to mend."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        fields: tuple[FieldError, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details: dict[str, Any] = details or {}
        self.fields = fields


class NotFound(DomainError):
    """There is no such thing, or none that the asker may see. HTTP 404."""


class Invalid(DomainError):
    """The wish itself is malformed: a field has no allowed value, a payload breaks the schema. HTTP 422."""


class Conflict(DomainError):
    """The wish is well-formed and the present state forbids it. HTTP 409."""


class Offline(Conflict):
    """The station is not connected to any node, so it cannot be asked. HTTP 409."""


class Forbidden(DomainError):
    """The asker may not do this. HTTP 403."""


class Unauthenticated(DomainError):
    """Nobody knows who asks. HTTP 401."""


class Throttled(DomainError):
    """The asker has to wait: `details["retry_after_s"]` says how long. HTTP 429."""


class TooLarge(DomainError):
    """What was brought is larger than what is taken. HTTP 413."""


class Unavailable(DomainError):
    """We cannot do it now through no fault of the asker: a database or broker is away. HTTP 503."""
