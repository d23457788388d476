"""What can be chosen about the gateway. Every limit has a figure; the handbook's is the default where it gives one."""

import ssl
from dataclasses import dataclass, field

import msgspec

from stationmaster.gateway.identities import PathRules
from stationmaster.gateway.requests import RequestLimits

__all__ = ["GatewaySettings", "Listener"]


@dataclass(frozen=True, kw_only=True)
class Listener:
    """One port. With `tls` it is for security profiles 2 and 3, without for 0 and 1 (handbook §4.1).

    A context with `verify_mode` CERT_OPTIONAL serves profiles 2 and 3 on one port, CERT_REQUIRED only 3.
    """

    host: str = "127.0.0.1"
    port: int = 9000
    tls: ssl.SSLContext | None = None
    paths: PathRules = field(default_factory=PathRules)
    subprotocols: tuple[str, ...] = ("ocpp1.6",)
    accept_missing_subprotocol: bool = False
    """Take a station that names no version for an OCPP 1.6 station (a quirk; the handbook wants 400)."""
    repair_connection_header: bool = False
    """Accept a handshake whose `Connection` header lacks `Upgrade` but is complete otherwise (a quirk)."""
    refuse_browsers: bool = True
    """Refuse handshakes that only a web page makes (`Cookie`, `Sec-Fetch-Mode`, or a browser's `Origin`)."""
    compression: bool = True
    """Agree to permessage-deflate when the station offers it (§1.12)."""
    backlog: int = 4096
    request_limits: RequestLimits = field(default_factory=RequestLimits)

    @property
    def secure(self) -> bool:
        """Whether this port speaks TLS."""
        return self.tls is not None


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """The choices that hold for every port."""

    message_limit: int = 1_048_576
    """The longest message, in bytes; one more closes with 1009 (§1.9)."""
    handshake_timeout_s: float = 10.0
    handshakes_at_once: int = 5000
    """More requests than this being decided at the same time get 503."""
    connection_limit: int = 0
    """More open sockets than this get 503; 0 takes what the limit of open files allows."""
    failures_per_minute: int = 30
    """More refused logins than this of one identity from one address get 429 for the rest of the minute (§4.2)."""
    takeovers_per_minute: int = 5
    """More replacements than this within a minute raise an alarm and throttle the identity (§1.11)."""
    ping_interval_s: float = 60.0
    """How often a station is pinged, unless it has its own figure; 0 never. Silent for two intervals, it is gone."""
    seen_interval_s: float = 60.0
    """How often it is noted when a station was heard that is not pinged."""
    close_timeout_s: float = 5.0
    write_timeout_s: float = 30.0
    """A station that does not read what it is sent for so long is disconnected."""
    least_bytes_per_s: float = 256.0
    """A frame that comes, or is read, more slowly than this in the long run counts as silence; GPRS is faster."""
    answer_timeout_s: float = 5.0
    """A CALL that is not answered so long after its receipt is answered with InternalError (§1.7); one that has waited
    for others gets a moment all the same. What was given to the database is stored, and found when the station says it
    again."""
    record_wait_s: float = 1.0
    """CALLs of a new connection wait for its record so long, then for the bus alone: storage keeps the order."""
    calls_waiting: int = 64
    """So many unanswered CALLs of one station, and reading from it pauses until half of them are answered."""
    frames_per_s: float = 2000.0
    """Frames one station may send per second in the long run, before reading from it pauses; 0 no limit."""
    frames_burst: int = 10_000
    call_timeout_s: float = 30.0
    queue_limit: int = 100
    queue_expiry_s: float = 300.0
    log_messages: bool = True
    """Note every frame for the message log."""
    resolution_s: float = 1.0
    """How often the shared timer looks at what is due."""
    compress_from: int = 1024
    """Messages of ours that are shorter go uncompressed, also where compression was agreed."""
