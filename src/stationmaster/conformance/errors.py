"""What can go wrong between a station and the central system it talks to. One tree, in words for a report."""

__all__ = [
    "BrokenRule",
    "CallRefused",
    "CallUnanswered",
    "ConformanceError",
    "ConnectionEnded",
    "HandshakeRefused",
    "InvalidAnswer",
    "NothingCame",
    "UnexpectedRequest",
]


class ConformanceError(Exception):
    """The central system did not do what the dialogue needs."""


class HandshakeRefused(ConformanceError):
    """The WebSocket was not opened: `status` is the HTTP status, or 0 when there was no HTTP answer."""

    def __init__(self, status: int, description: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"the handshake was refused ({status}): {description}" if status else description)
        self.status = status
        self.headers = headers or {}


class ConnectionEnded(ConformanceError):
    """The connection was closed while something was still to be said; `code` as in RFC 6455."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the connection was closed ({code}{': ' + reason if reason else ''})")
        self.code = code
        self.reason = reason


class CallRefused(ConformanceError):
    """A CALL was answered with a CALLERROR."""

    def __init__(self, action: str, code: str, description: str, details: object = None) -> None:
        super().__init__(f"{action} was answered with CALLERROR {code}: {description}")
        self.action = action
        self.code = code
        self.description = description
        self.details = details


class CallUnanswered(ConformanceError):
    """A CALL got no answer: `state` is "timeout" or "not_delivered"."""

    def __init__(self, action: str, state: str, description: str) -> None:
        super().__init__(f"{action} was not answered: {description}")
        self.action = action
        self.state = state


class InvalidAnswer(ConformanceError):
    """A CALL was answered with a CALLRESULT that breaks the schema; `payload` is its JSON as received."""

    def __init__(self, action: str, description: str, payload: bytes | None) -> None:
        super().__init__(f"the answer to {action} is not valid: {description}")
        self.action = action
        self.payload = payload


class NothingCame(ConformanceError):
    """A request that was waited for did not come in time."""


class UnexpectedRequest(ConformanceError):
    """The central system asked for something that the dialogue has no room for."""


class BrokenRule(ConformanceError):
    """A message of the central system breaks the protocol; the rest of the dialogue may have gone well."""
