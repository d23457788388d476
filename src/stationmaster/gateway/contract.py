"""What the gateway needs from the rest of the node. `app` brings it along.

Everything here is asked while a station waits at the door or after it has gone; nothing of it is
on the way of a message but `note` and the call handler (`actions.contract.CallHandler`).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import msgspec

from stationmaster.actions.contract import CallHandler, StationConnection, StationRecord
from stationmaster.bus.contract import Bus
from stationmaster.domain.facts import (
    HandshakeRefused,
    MessageLogged,
    OddityTolerated,
    StationConnected,
    StationDisconnected,
    StationSeen,
)
from stationmaster.domain.quirks import NO_QUIRKS, Quirks
from stationmaster.instants import Instant
from stationmaster.ocpp import protocol
from stationmaster.session.events import CallAnsweredLate, PermitUsed
from stationmaster.session.gate import Permit

__all__ = [
    "Admission",
    "Attempt",
    "CertificateCheck",
    "CertificateLookUp",
    "CommandHandler",
    "GateMemory",
    "PasswordCheck",
    "PasswordMatch",
    "StationDirectory",
    "Surroundings",
]


class PasswordMatch(StrEnum):
    """Which of a station's passwords was presented (handbook §4.5 rotation)."""

    CURRENT = "current"
    PENDING = "pending"


PasswordCheck = Callable[[StationRecord, bytes], PasswordMatch | None]
"""Compares the presented bytes, in both writings of handbook §4.5, in constant time; None: neither."""

CertificateCheck = Callable[[StationRecord, bytes], str | None]
"""Holds a validated client certificate (DER) against the station (§4.4); returns what is wrong, in words, or None."""

CertificateLookUp = Callable[[StationRecord, bytes], Awaitable[bool]]
"""Learns elsewhere what `CertificateCheck` will want to know, within seconds; true if that took a while."""

CommandHandler = Callable[[StationConnection, bytes], Awaitable[bytes]]
"""Carries out a command that came over the bus for a station that is connected here."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A connection attempt of an identity that nobody registered."""

    identity: str
    remote_address: str
    path: str
    security_profile: int
    """What the connection itself amounts to (§4.1): 0 plain, 1 with credentials, 2 TLS, 3 TLS with a certificate."""
    subprotocols: tuple[str, ...]
    user_agent: str | None
    received_at: Instant


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """How a station came in: what decides whether a pending profile or password is now the current one."""

    security_profile: int
    password: PasswordMatch | None
    """None when no password was needed."""
    certificate: bytes | None = None
    """The client certificate (DER) that let it in, for profile 3."""


class GateMemory(msgspec.Struct, frozen=True):
    """What the registration gate must know of jobs before this connection (§1.13)."""

    request_ids: frozenset[int] = frozenset()
    """Of our SignedUpdateFirmware and GetLog jobs."""
    job_sent_at: dict[str, Instant] = {}
    """When UpdateFirmware and GetDiagnostics were last sent."""
    permits: dict[Permit, Instant] = {}
    """Until when the station may send what it was triggered to send.

    One for a connector may be told although its message came before this connection, if it came to another node or
    before this one was started. So that message may come once more, within its 120 s.
    """


class StationDirectory(Protocol):
    """Who the stations are, and who is told about their connections."""

    async def lookup(self, identity: str) -> StationRecord | None:
        """The registered station; None if nobody registered it. Batched and cached below."""

    async def unknown_seen(self, attempt: Attempt) -> StationRecord | None:
        """List an unknown identity as seen; a record if the policy admits it, which registers it."""

    async def gate_memory(self, record: StationRecord) -> GateMemory:
        """Asked only for stations that are not accepted."""

    async def connected(self, fact: StationConnected, admission: Admission) -> None:
        """Record the connection, and commit the pending profile or password it came in with (§4.5, §4.6)."""

    async def disconnected(self, fact: StationDisconnected) -> None:
        """Record the end of a connection; `connected` has been called for it before."""

    async def refused(self, fact: HandshakeRefused) -> None:
        """Record a refused handshake. Called for a limited number of them per second."""

    async def identity_contested(self, record: StationRecord, addresses: tuple[str, ...]) -> None:
        """Raise an alarm: connections of one identity keep replacing each other (§1.11)."""

    async def identity_moved(self, record: StationRecord, addresses: tuple[str, str]) -> None:
        """A connection was replaced from another address while its device lived (S-02); too often is a contest."""

    async def is_alive(self, node_id: str) -> bool:
        """Whether a node can hold the connections that the records give it. Asked only while they are contested."""

    def log(self, fact: MessageLogged) -> None:
        """Keep a frame in the message log; must not wait."""

    def note(self, fact: OddityTolerated | StationSeen) -> None:
        """Take something along to the next commit. Must return at once."""

    def answered_late(self, connection: StationConnection, event: CallAnsweredLate) -> None:
        """A command that had timed out was answered after all: what is known of the station may be stale (§1.7)."""

    def permit_used(self, station_id: str, event: PermitUsed) -> None:
        """A station has sent what it might send once: `gate_memory` does not tell of that permit any more."""


def _no_secret_keys(_organisation_id: str) -> frozenset[str]:
    return frozenset()


def _no_quirks(_record: StationRecord) -> Quirks:
    return NO_QUIRKS


async def _nothing_to_learn(_record: StationRecord, _certificate: bytes) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """All that `app` brings along. `check_certificate` is asked only by listeners with TLS."""

    protocol: protocol.Protocol
    clock: Callable[[], Instant]
    directory: StationDirectory
    handler: CallHandler
    commands: CommandHandler
    check_password: PasswordCheck
    check_certificate: CertificateCheck
    look_up_certificate: CertificateLookUp = _nothing_to_learn
    bus: Bus
    node_id: str
    quirks_of: Callable[[StationRecord], Quirks] = _no_quirks
    """What is known to be odd about a station, by its record; asked once per connection."""
    secret_keys: Callable[[str], frozenset[str]] = _no_secret_keys
    """The configuration keys, in small letters, whose values an organisation hides, beside those that always are."""
    node_number: int = 0
    """0 to 1023, different for each node of a cluster: part of every connection id."""
