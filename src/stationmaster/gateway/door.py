"""The way in: each row of handbook §1.2 in its order, until a station is refused or connected.

One task for each handshake. What it waits for is the directory; in between the world may change,
so what matters is asked again right before the answer is written, in the same step of the event
loop in which the newcomer takes its place in the hub.
"""

import asyncio
from contextlib import suppress
from typing import Final

import msgspec
import structlog

from stationmaster.actions.contract import StationRecord
from stationmaster.bus.messages_v1 import Newcomer, decode, encode
from stationmaster.bus.subjects import command_of
from stationmaster.domain.facts import HandshakeRefused, StationConnected
from stationmaster.domain.quirks import Quirks
from stationmaster.gateway.admission import (
    Admit,
    Refuse,
    connection_profile,
    decide,
    refuse,
    subprotocol_of,
    websocket_fault,
)
from stationmaster.gateway.compression import agree_on_compression
from stationmaster.gateway.connection import Connection
from stationmaster.gateway.context import ConnectionContext
from stationmaster.gateway.contract import Attempt, GateMemory
from stationmaster.gateway.hub import Hub
from stationmaster.gateway.identities import Identity, identity_of
from stationmaster.gateway.journal import clean
from stationmaster.gateway.limits import Limits, TokenBucket
from stationmaster.gateway.reasons import REASONS
from stationmaster.gateway.requests import BadRequest, HandshakeRequest
from stationmaster.gateway.settings import Listener
from stationmaster.gateway.socket import StationSocket
from stationmaster.gateway.wire import Wire
from stationmaster.session.events import OddityTolerated
from stationmaster.session.gate import ACCEPTED, Gate

__all__ = ["Door", "DoorKeeper"]

log = structlog.get_logger(__name__)

_FAILURES: Final = frozenset(
    {
        "tls_failed",
        "bad_identity",
        "unknown_station",
        "profile_mismatch",
        "password_missing",
        "password_unreadable",
        "user_mismatch",
        "password_wrong",
        "certificate_missing",
        "certificate_mismatch",
    }
)
"""Reasons that count against an identity and address."""

_REFUSALS_RECORDED_PER_S: Final = 20
_REFUSALS_RECORDED_AT_ONCE: Final = 500
_RETRY_AFTER_S: Final = 10
_CONTESTED_RETRY_S: Final = 60
"""Until somebody decides; a station whose own dead connection is in its way waits no longer than for its pings."""


class DoorKeeper:
    """What all doors of a node share."""

    def __init__(self, context: ConnectionContext) -> None:
        settings = context.settings
        self.context = context
        self.surroundings = context.surroundings
        self.hub = Hub(context.clock, context.surroundings.node_number)
        self.limits = Limits(settings.failures_per_minute, settings.takeovers_per_minute)
        self.shutting_down = False
        self.sockets: set[StationSocket] = set()
        """Every TCP connection, whatever it has come to."""
        self.deciding = 0
        self.connection_limit = context.settings.connection_limit
        self.refusals_recorded = TokenBucket(_REFUSALS_RECORDED_PER_S, _REFUSALS_RECORDED_AT_ONCE)


class Door:
    """The door of one listener."""

    def __init__(self, keeper: DoorKeeper, listener: Listener) -> None:
        self._keeper = keeper
        self._context = keeper.context
        self._listener = listener

    def new_socket(self) -> StationSocket:
        """A socket for a connection that TCP has just accepted."""
        settings = self._context.settings
        socket = StationSocket(
            self._context.loop,
            self._context.outbox,
            self._listener.request_limits,
            settings.handshake_timeout_s,
            self._knocked,
            self._keeper.sockets.discard,
        )
        self._keeper.sockets.add(socket)
        return socket

    def tls_failed(self, address: str, words: str) -> None:
        """Row 1. Who it was is not known: the identity comes with the request."""
        request = HandshakeRequest("", "", "", {}, address)
        self._context.spawn(self._note_refusal(request, "", refuse("tls_failed", words), None))

    # Inside.

    def _knocked(self, socket: StationSocket, request: HandshakeRequest | BadRequest) -> None:
        self._context.spawn(self._answer(socket, request))

    async def _answer(self, socket: StationSocket, request: HandshakeRequest | BadRequest) -> None:
        if isinstance(request, BadRequest):
            await self._answer_unreadable(socket, request)
            return
        identity = identity_of(request.target, self._listener.paths)
        record: StationRecord | None = None
        refused = websocket_fault(request, self._listener) or self._not_now(identity, request)
        if refused is None and identity is None:
            refused = refuse("bad_identity")
        if refused is None and identity is not None:
            self._keeper.deciding += 1
            try:
                record = await self._who(identity, request)
                refused = await self._let_in(socket, request, identity, record)
            except Exception as error:  # noqa: BLE001 - whatever failed, the station is told to come again
                self._context.log_fault("gateway.handshake_failed", error)
                refused = refuse("unavailable", retry_after_s=_RETRY_AFTER_S)
            finally:
                self._keeper.deciding -= 1
        if refused is not None:
            await self._turn_away(socket, request, identity, refused, record)

    async def _answer_unreadable(self, socket: StationSocket, request: BadRequest) -> None:
        """No proper request; whose it is can often be read all the same."""
        identity = identity_of(request.target, self._listener.paths)
        record: StationRecord | None = None
        if identity is not None:
            with suppress(Exception):  # it is told without whose it is
                record = await self._context.directory.lookup(identity.name)
        verdict = Refuse(request.status, "bad_request", request.detail)
        seen = HandshakeRequest("", request.target, "", {}, socket.remote_address)
        await self._turn_away(socket, seen, identity, verdict, record)

    def _not_now(self, identity: Identity | None, request: HandshakeRequest) -> Refuse | None:
        """Row 3."""
        keeper, name = self._keeper, identity.name if identity is not None else ""
        crowded = len(keeper.sockets) > keeper.connection_limit
        if crowded or keeper.deciding >= self._context.settings.handshakes_at_once:
            return refuse("overloaded", retry_after_s=_RETRY_AFTER_S)
        wait_s = keeper.limits.wait_s(name, request.remote_address, self._context.loop.time())
        if wait_s:
            return refuse("throttled", retry_after_s=wait_s)
        return self._no_longer(name)

    def _no_longer(self, name: str) -> Refuse | None:
        """What of row 3 may have come about while the directory was asked."""
        keeper = self._keeper
        if keeper.shutting_down:
            return refuse("shutting_down", retry_after_s=_RETRY_AFTER_S)
        wait_s = keeper.limits.takeover_wait_s(name, self._context.loop.time())
        if wait_s and keeper.hub.get(name) is not None:
            return refuse("contested", retry_after_s=wait_s)
        return None

    async def _holder_elsewhere(self, record: StationRecord) -> str | None:
        """From where a connection is in on another node, if the identity is contested.

        A node that died leaves records of connections that are not there: for seconds where others bury it, for
        good where there are none. So its sign of life counts too: no record may lock a station out.
        """
        if record.contested_since is None or not record.connected or record.node_id is None:
            return None
        if record.node_id == self._keeper.surroundings.node_id:
            return None
        return record.remote_address if await self._context.directory.is_alive(record.node_id) else None

    def _kept_out(self, record: StationRecord, address: str, elsewhere: str | None) -> Refuse | None:
        """While an identity is contested, nobody replaces who is in, but from the same address: that one is lost."""
        if record.contested_since is None:
            return None
        here = self._keeper.hub.get(record.id)
        holder = elsewhere if here is None else here.remote_address
        if holder is None or holder == address:
            return None
        words = f"Two devices use this identity. The one at {holder} stays in until somebody settles it."
        return refuse("contested", words, retry_after_s=_CONTESTED_RETRY_S)

    async def _who(self, identity: Identity, request: HandshakeRequest) -> StationRecord | None:
        """Row 4: the station, perhaps one that is admitted only now."""
        record = await self._context.directory.lookup(identity.name)
        if record is not None:
            return record
        if isinstance(subprotocol_of(request, self._listener), Refuse):  # what could not come in is not registered
            return None
        return await self._context.directory.unknown_seen(
            Attempt(
                identity=identity.name,
                remote_address=request.remote_address,
                path=clean(request.target),
                security_profile=connection_profile(request, self._listener),
                subprotocols=tuple(request.tokens("sec-websocket-protocol")),
                user_agent=request.user_agent,
                received_at=self._context.clock(),
            )
        )

    async def _let_in(
        self, socket: StationSocket, request: HandshakeRequest, identity: Identity, record: StationRecord | None
    ) -> Refuse | None:
        """Rows 4 to 10, and then in."""
        if record is None:
            words, spoken = REASONS["unknown_station"].detail, subprotocol_of(request, self._listener)
            return refuse(
                "unknown_station", f"{words} Besides: {spoken.detail}" if isinstance(spoken, Refuse) else words
            )
        keeper = self._keeper
        if request.certificate is not None and await keeper.surroundings.look_up_certificate(
            record, request.certificate
        ):
            record = await self._context.directory.lookup(record.id)
            if record is None:
                return refuse("unknown_station")
        quirks = keeper.surroundings.quirks_of(record)
        verdict = decide(
            request,
            identity,
            record,
            self._listener,
            keeper.surroundings.check_password,
            keeper.surroundings.check_certificate,
            quirks,
        )
        if isinstance(verdict, Refuse):
            return verdict
        memory = GateMemory()
        if (record.reported_state or record.operator_state) != ACCEPTED:
            memory = await self._context.directory.gate_memory(record)
        elsewhere = await self._holder_elsewhere(record)
        if socket.is_lost:
            return None
        refused = self._no_longer(record.id) or self._kept_out(record, request.remote_address, elsewhere)
        if refused is not None:
            return refused
        connection = self._connect(socket, request, record, verdict, memory, quirks)
        await self._record(connection, request, verdict)
        return None

    def _connect(
        self,
        socket: StationSocket,
        request: HandshakeRequest,
        record: StationRecord,
        admit: Admit,
        memory: GateMemory,
        quirks: Quirks,
    ) -> Connection:
        """Take the place and write the 101, in one step."""
        keeper, context = self._keeper, self._context
        gate = Gate(
            record.operator_state,
            record.reported_state,
            accepted_before=record.accepted_before,
            request_ids=memory.request_ids,
            job_sent_at=memory.job_sent_at,
            permits=memory.permits,
        )
        epoch = keeper.hub.new_epoch(record.connection_epoch)
        connection = Connection(
            context,
            socket,
            record,
            admit.admission,
            gate,
            keeper.hub.connection_id_of(epoch),
            epoch,
            self._ended,
        )
        connection.adopt(quirks)
        keeper.limits.succeeded(record.id, request.remote_address)
        replaced = keeper.hub.take(connection)
        if replaced is not None:
            self._replaced(replaced, connection)
        agreed = None
        if self._listener.compression and request.values("sec-websocket-extensions"):
            agreed = agree_on_compression(request.values("sec-websocket-extensions"))
        deflate, extension = agreed or (None, None)
        connection.open(asyncio.current_task())
        wire = Wire(context.settings.message_limit, deflate, context.settings.compress_from)
        socket.accept(request, admit.subprotocol, connection, wire, extension)
        return connection

    def _replaced(self, old: Connection, new: Connection) -> None:
        context = self._context
        if self._keeper.limits.took_over(new.station_id, context.loop.time()):
            addresses = (old.remote_address, new.remote_address)
            context.spawn(context.directory.identity_contested(new.record, addresses))
        self._make_way(old, new.remote_address)

    def _make_way(self, old: Connection, address: str) -> None:
        """Close a connection for a newer one, here or on another node, and tell if they are of two devices (S-02).

        A station that lost its connection comes from where it was, or from elsewhere and leaves a dead one behind.
        Only the node that closes the old one can know that a device lives there; records of connections cannot,
        since they outlive the node that held them.
        """

        def lives() -> None:
            addresses = (old.remote_address, address)
            self._context.spawn(self._context.directory.identity_moved(old.record, addresses))

        old.make_way(lives if address not in ("", old.remote_address) else None)

    async def _record(self, connection: Connection, request: HandshakeRequest, admit: Admit) -> None:
        """Make the connection known: from here on the station is online, can be commanded, and is answered.

        While the database is away, what can be answered without it is answered (RELIABILITY R-04).
        """
        keeper, context = self._keeper, self._context
        now = context.clock()
        for kind, raw in admit.oddities:
            context.journal.oddity(connection, OddityTolerated(kind, "", raw), now)

        async def command(message: bytes) -> bytes:
            return await keeper.surroundings.commands(connection, message)

        async def replaced(introduction: bytes) -> None:
            self._make_way(connection, _address_in(introduction))

        subject, responder = command_of(connection.station_id), None
        serving = keeper.surroundings.bus.serve(
            subject,
            command,
            epoch=connection.epoch,
            replaced=replaced,
            introduction=encode(Newcomer(remote_address=connection.remote_address)),
        )
        try:
            await serving.__aenter__()
            responder = serving
        except Exception as error:  # noqa: BLE001 - without the bus it is served all the same
            context.log_fault("gateway.subject_not_served", error, station_id=connection.station_id)
        fact = StationConnected(
            organisation_id=connection.organisation_id,
            station_id=connection.station_id,
            received_at=now,
            connection_id=connection.connection_id,
            node_id=keeper.surroundings.node_id,
            epoch=connection.epoch,
            remote_address=connection.remote_address,
            protocol=connection.protocol_name,
            security_profile=connection.security_profile,
            user_agent=request.user_agent,
        )
        recording = context.spawn(self._tell_directory(connection, fact, admit))
        await asyncio.wait({recording}, timeout=context.settings.record_wait_s)
        connection.opened(responder)
        await recording
        connection.recorded()

    async def _tell_directory(self, connection: Connection, fact: StationConnected, admit: Admit) -> None:
        """Record a connection, before what the station says: storage makes durable in the order in which it is told."""
        try:
            await self._context.directory.connected(fact, admit.admission)
        except Exception as error:  # noqa: BLE001 - the conversation matters more than its record
            self._context.log_fault("gateway.connection_not_recorded", error, station_id=connection.station_id)

    def _ended(self, connection: Connection, misbehaved: bool) -> None:
        self._keeper.hub.leave(connection)
        if misbehaved:
            now_s = self._context.loop.time()
            self._keeper.limits.misbehaved(connection.station_id, connection.remote_address, now_s)

    async def _turn_away(
        self,
        socket: StationSocket,
        request: HandshakeRequest,
        identity: Identity | None,
        verdict: Refuse,
        record: StationRecord | None,
    ) -> None:
        hint = verdict.detail + "\n" if verdict.status in (400, 408, 414, 426, 431) else ""
        socket.refuse(verdict.status, verdict.headers, hint)
        await self._note_refusal(request, identity.name if identity is not None else "", verdict, record)

    async def _note_refusal(
        self, request: HandshakeRequest, name: str, verdict: Refuse, record: StationRecord | None
    ) -> None:
        """Count it against whoever failed, and record it if there are not too many."""
        keeper, now_s = self._keeper, self._context.loop.time()
        if verdict.reason_code in _FAILURES:
            keeper.limits.failed(name, request.remote_address, now_s)
        if not keeper.refusals_recorded.take(now_s):
            return
        await self._context.directory.refused(
            HandshakeRefused(
                organisation_id=record.organisation_id if record is not None else "",
                station_id=name,
                received_at=self._context.clock(),
                remote_address=request.remote_address,
                path=clean(request.target)[:500],
                status=verdict.status,
                reason=verdict.reason_code,
                detail=verdict.detail,
                known=record is not None,
                subprotocols=", ".join(request.tokens("sec-websocket-protocol"))[:200] or None,
                user_agent=request.user_agent,
            )
        )


def _address_in(introduction: bytes) -> str:
    """Where a newcomer on another node comes from; "" if that is not known, and then nothing is to be said of it."""
    try:
        return decode(introduction, Newcomer).remote_address
    except msgspec.MsgspecError:
        return ""
