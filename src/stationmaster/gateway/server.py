"""The gateway of a node: its listeners, and everything that belongs to them, from start to drain.

`app` makes it, gives it what it needs from above (`contract.py`), and calls `start`, `drain`, `stop`.
"""

import asyncio
import hashlib
import resource
from collections.abc import Collection, Sequence
from typing import Final

import structlog

from stationmaster.actions.contract import StationConnection
from stationmaster.gateway.connection import Connection
from stationmaster.gateway.context import ConnectionContext
from stationmaster.gateway.contract import Surroundings
from stationmaster.gateway.door import Door, DoorKeeper
from stationmaster.gateway.settings import GatewaySettings, Listener
from stationmaster.gateway.tls import TlsServer

__all__ = ["Gateway", "PortUnavailable"]

log = structlog.get_logger(__name__)

GOING_AWAY: Final = 1001
_FILES_FOR_OTHERS: Final = 256
_MOST_FILES: Final = 1_048_576
_SLICES: Final = 20
_LAST_WORDS_S: Final = 2.0


class PortUnavailable(Exception):
    """A port cannot be listened on: which listener's, by its place, and why."""

    def __init__(self, place: int, error: OSError) -> None:
        super().__init__(str(error))
        self.place = place
        self.error = error


class Gateway:
    """Accepts stations and holds their conversations.

    Made while its event loop runs, and belongs to it. Listening on port 0 takes any free port; `ports` tells which.
    """

    def __init__(self, listeners: Sequence[Listener], settings: GatewaySettings, surroundings: Surroundings) -> None:
        self._listeners = tuple(listeners)
        self._context = ConnectionContext(settings, surroundings)
        self._keeper = DoorKeeper(self._context)
        self._hub = self._keeper.hub
        self._servers: list[asyncio.Server | TlsServer] = []

    async def start(self) -> None:
        """Listen on every port. Raises PortUnavailable if one cannot be had; then none is listened on."""
        if self._keeper.connection_limit <= 0:
            self._keeper.connection_limit = max(1, _raise_file_limit() - _FILES_FOR_OTHERS)
        for place, listener in enumerate(self._listeners):
            try:
                self._servers.append(await self._listen(listener))
            except OSError as error:
                self._close_servers()
                raise PortUnavailable(place, error) from error
        self._context.sweep.start()

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that are listened on, in the order of the listeners."""
        return tuple(server.sockets[0].getsockname()[1] for server in self._servers)

    def connection(self, station_id: str) -> StationConnection | None:
        """The open conversation with a station, if this node has it."""
        return self._hub.get(station_id)

    def connected_stations(self) -> list[str]:
        """The identities of the stations that are connected to this node."""
        return [connection.station_id for connection in self._hub]

    def close_with_certificates(self, fingerprints: Collection[str], code: int, reason: str) -> None:
        """End the conversations of stations that came in with one of these certificates (SHA-256 of the DER, hex)."""
        for connection in list(self._hub):
            certificate = connection.admission.certificate
            if certificate is not None and hashlib.sha256(certificate).hexdigest() in fingerprints:
                connection.close(code, reason)

    @property
    def handshakes_in_progress(self) -> int:
        """How many handshakes are being decided."""
        return self._keeper.deciding

    async def drain(
        self, within_s: float = 8.0, code: int = GOING_AWAY, reason: str = "the node is shutting down"
    ) -> None:
        """Send all stations away in slices, letting what is being answered finish; newcomers get 503.

        Returns when every connection has ended and its end is recorded, or when the time is over: then what
        is left is cut off.
        """
        keeper, loop = self._keeper, self._context.loop
        keeper.shutting_down = True
        deadline = loop.time() + within_s
        connections = list(self._hub)
        size = max(1, -(-len(connections) // _SLICES))
        goodbyes: list[asyncio.Task[None]] = []
        for start in range(0, len(connections), size):
            goodbyes += [
                self._context.spawn(_send_away(connection, code, reason, deadline))
                for connection in connections[start : start + size]
            ]
            if len(connections) > _SLICES:
                await asyncio.sleep(within_s / (4 * _SLICES))
        if goodbyes:
            await asyncio.wait(goodbyes, timeout=max(0.0, deadline - loop.time()))
        for connection in self._hub:
            connection.close(code, reason)
        await self._finish(max(_LAST_WORDS_S, deadline - loop.time()))

    async def stop(self) -> None:
        """Close the ports and end what is left. Call `drain` first to part in good order."""
        self._keeper.shutting_down = True
        self._close_servers()
        for connection in self._hub:
            connection.close(GOING_AWAY, "the node has stopped")
        await self._finish(_LAST_WORDS_S)
        self._context.sweep.stop()
        leftover = tuple(self._context.tasks)
        for task in leftover:
            task.cancel()
        await asyncio.gather(*leftover, return_exceptions=True)
        for socket in tuple(self._keeper.sockets):
            socket.abort()

    # Inside.

    async def _listen(self, listener: Listener) -> asyncio.Server | TlsServer:
        door = Door(self._keeper, listener)
        if listener.tls is None:
            return await self._context.loop.create_server(
                door.new_socket, listener.host, listener.port, backlog=listener.backlog
            )
        server = TlsServer(self._context, listener.tls, door.new_socket, door.tls_failed)
        await server.listen(listener.host, listener.port, listener.backlog)
        return server

    def _close_servers(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def _finish(self, within_s: float) -> None:
        """Let tasks that record the ends of connections come to theirs."""
        tasks = self._context.tasks - {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=within_s)


def _raise_file_limit() -> int:
    """Each station is an open file, and the usual limit is made for programs with few: take all that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(soft, allowed)


async def _send_away(connection: Connection, code: int, reason: str, deadline: float) -> None:
    left_s = deadline - asyncio.get_running_loop().time()
    await connection.settled(max(0.0, left_s))
    connection.close(code, reason)
