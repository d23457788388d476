"""A listener with TLS, and why TLS fails if it does (handbook §1.2, row 1).

The rule that shapes this file: we accept connections ourselves. A server of asyncio that does TLS tells nobody of
handshakes that fail: neither whoever counts connections, nor the operator who asks why a station does not come in.
"""

import asyncio
import socket as sockets
import ssl
from collections.abc import Callable
from typing import Final

from stationmaster.gateway.context import ConnectionContext
from stationmaster.gateway.reasons import REASONS
from stationmaster.gateway.socket import StationSocket

__all__ = ["TlsServer", "words_of"]

_ACCEPTED_AT_ONCE: Final = 100
_REST_S: Final = 1.0
"""How long nobody is accepted when the system has no more files or memory for connections."""
_NO_TLS: Final = frozenset({"HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG"})
_TOO_OLD: Final = frozenset({"UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW", "TLSV1_ALERT_PROTOCOL_VERSION"})
_OUR_CERTIFICATE: Final = ("UNKNOWN_CA", "CERTIFICATE_UNKNOWN", "BAD_CERTIFICATE", "CERTIFICATE_EXPIRED")
"""Alerts of a station that does not accept the certificate we show."""


class TlsServer:
    """A port with TLS.

    `new_socket` makes what stands at a connection; `failed(address, words)` is told when a handshake ends in an
    error. A peer that leaves without a word, as the probes of load balancers do, is no failure.
    """

    def __init__(
        self,
        context: ConnectionContext,
        tls: ssl.SSLContext,
        new_socket: Callable[[], StationSocket],
        failed: Callable[[str, str], None],
    ) -> None:
        self._context = context
        self._tls = tls
        self._new_socket = new_socket
        self._failed = failed
        self._resting: set[asyncio.TimerHandle] = set()
        self.sockets: tuple[sockets.socket, ...] = ()
        """Those that listen, as those of `asyncio.Server`."""

    async def listen(self, host: str, port: int, backlog: int) -> None:
        """Take the port on every address of the host. Raises OSError."""
        loop = self._context.loop
        found = await loop.getaddrinfo(host or None, port, type=sockets.SOCK_STREAM, flags=sockets.AI_PASSIVE)
        try:
            for family, kind, protocol, _, address in dict.fromkeys(found):
                listening = sockets.socket(family, kind, protocol)
                self.sockets += (listening,)
                listening.setblocking(False)
                listening.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
                if family == sockets.AF_INET6:
                    listening.setsockopt(sockets.IPPROTO_IPV6, sockets.IPV6_V6ONLY, 1)
                listening.bind(address)
                listening.listen(backlog)
        except OSError:
            self.close()
            raise
        for listening in self.sockets:
            loop.add_reader(listening, self._ready, listening)

    def close(self) -> None:
        """Accept nobody any more."""
        for timer in self._resting:
            timer.cancel()
        for listening in self.sockets:
            self._context.loop.remove_reader(listening)
            listening.close()
        self.sockets = ()

    # Inside.

    def _ready(self, listening: sockets.socket) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                raw, peer = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._context.log_fault("gateway.not_accepted", error)
                self._rest(listening)
                return
            raw.setblocking(False)
            self._context.spawn(self._open(raw, str(peer[0])))

    def _rest(self, listening: sockets.socket) -> None:
        loop = self._context.loop
        loop.remove_reader(listening)

        def go_on() -> None:
            self._resting.discard(timer)
            loop.add_reader(listening, self._ready, listening)

        timer = loop.call_later(_REST_S, go_on)
        self._resting.add(timer)

    async def _open(self, raw: sockets.socket, address: str) -> None:
        socket = self._new_socket()
        opened = False
        try:
            await self._context.loop.connect_accepted_socket(
                lambda: socket,
                raw,
                ssl=self._tls,
                ssl_handshake_timeout=self._context.settings.handshake_timeout_s,
            )
            opened = True
        except OSError as error:
            words = words_of(error)
            if words is not None:
                self._failed(address, words)
        finally:
            if not opened:
                raw.close()
                socket.connection_lost(None)


def words_of(error: OSError) -> str | None:
    """What an operator is told of a failed handshake; None where there is nothing to tell."""
    if not isinstance(error, ssl.SSLError):
        # A peer that was too slow is cut off by us; one that goes is its own affair.
        return "The TLS handshake took too long." if isinstance(error, ConnectionAbortedError | TimeoutError) else None
    if isinstance(error, ssl.SSLEOFError):
        return None
    reason = error.reason or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The client certificate is not accepted: {error.verify_message}."
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return "The station sent no client certificate, and this port insists on one."
    if reason == "NO_SHARED_CIPHER":
        return "The station offers none of the cipher suites that are allowed here."
    if reason in _TOO_OLD:
        return "The station offers only versions of TLS that are older than 1.2."
    if reason in _NO_TLS:
        return "This port speaks TLS, and the station does not: it must connect with wss://."
    if reason.endswith(_OUR_CERTIFICATE):
        return f"The station does not accept our certificate ({reason}): does it have our root, and the right name?"
    return f"{REASONS['tls_failed'].detail} ({reason or error})"
