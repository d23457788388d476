"""What the actions see of a station's socket, and what a handler gives back.

The gateway implements `StationConnection` and calls a `CallHandler` for each CALL, one at a time for
each station. The rule that shapes this file: the answer goes out before what it causes, so what
follows from an answer is handed back beside it as `after`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from stationmaster.domain.quirks import Quirks
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.session.events import CallAnswered, CallFailed, CallReceived
from stationmaster.session.gate import Gate

__all__ = ["Answer", "CallHandler", "StationConnection", "StationRecord"]

StationRecord = Station
"""What is stored about a station, as it was when it connected."""


class Answer(msgspec.Struct, frozen=True):
    """The response to a CALL, and what is to happen once it has been written.

    `response` is the typed response message. `after` runs in a task of its own, so it may call the
    station and wait for it; it is not run if the connection ended before the answer was written.
    """

    response: Any
    after: Callable[[], Awaitable[None]] | None = None


class StationConnection(Protocol):
    """One station's open conversation."""

    memory: Any
    """What the actions keep in mind of this conversation, None at first; dropped with the connection."""
    told_secrets: tuple[str, ...]
    """Secrets that this station was sent from this node: hidden wherever they come back (§3.3.3)."""

    @property
    def station_id(self) -> str:
        """The identity, decoded."""

    @property
    def organisation_id(self) -> str:
        """Whose station it is."""

    @property
    def record(self) -> StationRecord:
        """The station as it was stored when it connected."""

    @property
    def protocol_name(self) -> str:
        """The subprotocol in use, such as `ocpp1.6`."""

    @property
    def security_profile(self) -> int:
        """The profile by which it connected, 0 to 3."""

    @property
    def remote_address(self) -> str:
        """Where it connects from."""

    @property
    def connection_id(self) -> int:
        """The number of this connection; none has been used before."""

    @property
    def epoch(self) -> int:
        """Grows with each connection of the station: commands of an older epoch are void."""

    @property
    def strict(self) -> bool:
        """Whether deviations are refused instead of tolerated (handbook §1.9)."""

    @property
    def gate(self) -> Gate:
        """The registration gate of this conversation."""

    @property
    def is_open(self) -> bool:
        """False from the moment the conversation ends."""

    async def call(
        self,
        action: str,
        payload: Any,
        *,
        key: str,
        timeout_s: float | None = None,
        expires_at: Instant | None = None,
        priority: bool = False,
        on_sent: Callable[[Instant], None] | None = None,
    ) -> CallAnswered | CallFailed:
        """Ask the station and wait for the outcome; never raises for what the station does or fails to do.

        `payload` is what `Protocol.check_outgoing` made; `key` names the call, so that it can be taken back;
        `on_sent` is told when it goes out. Raises `ValueError` for a key that is in use. Cancelling the wait
        takes the call back if it has not been sent.
        """

    def adopt(self, quirks: Quirks) -> None:
        """Go on with a station of which more is known than at the handshake."""

    def cancel(self, key: str) -> None:
        """Take a call back that has not been sent yet; otherwise nothing happens."""

    def close(self, code: int, reason: str) -> None:
        """End the conversation, in words for the station's log."""


CallHandler = Callable[[StationConnection, CallReceived], Awaitable[Answer]]
"""Answers one CALL. An `OcppError` becomes a CALLERROR, any other exception an InternalError."""
