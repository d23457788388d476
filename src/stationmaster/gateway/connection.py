"""One station's conversation on one socket: it carries out what the session says.

The tasks of a station, all of them: one while its handshake is decided and recorded; the worker
while there are CALLs to handle; one for each `after` of an answer; one that records the end. An idle station
has none. The reader (`text_received`) never waits for a handler, and no handler waits for the
reader: answers to the station never depend on answers from it.

An end comes once (`_end`), whoever caused it; what the socket says after that concerns nobody.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from math import ceil
from typing import Any, Final

from stationmaster.actions.contract import Answer, StationRecord
from stationmaster.domain.facts import StationDisconnected, StationSeen
from stationmaster.domain.quirks import NO_QUIRKS, Quirks
from stationmaster.gateway.context import ConnectionContext, steady
from stationmaster.gateway.contract import Admission
from stationmaster.gateway.flow import Flow, Pause
from stationmaster.gateway.journal import clean
from stationmaster.gateway.last_words import LastWords
from stationmaster.gateway.settings import GatewaySettings
from stationmaster.gateway.socket import StationSocket
from stationmaster.gateway.worker import Worker
from stationmaster.instants import Instant
from stationmaster.ocpp.frames import encode_call
from stationmaster.session.events import (
    CallAnswered,
    CallAnsweredLate,
    CallFailed,
    CallReceived,
    CallSent,
    Close,
    Effect,
    FrameSeen,
    OddityTolerated,
    PermitUsed,
    Send,
)
from stationmaster.session.gate import ACCEPTED, Gate
from stationmaster.session.masking import SECRETIVE_ACTIONS
from stationmaster.session.outgoing import OUTCOME_UNKNOWN
from stationmaster.session.session import Session
from stationmaster.session.settings import SessionSettings, Side

__all__ = ["POLICY_VIOLATION", "Connection"]

POLICY_VIOLATION: Final = 1008
REPLACED: Final = "replaced"
_INTERNAL_ERROR: Final = 1011
_MICROSECONDS: Final = 1_000_000

_Waiting = tuple[asyncio.Future[CallAnswered | CallFailed], Callable[[Instant], None] | None]


class Connection:
    """A connected station. Implements `actions.contract.StationConnection`.

    `on_end(connection, misbehaved)` is told once; `misbehaved`: the session closed it for a flood of
    nonsense.
    """

    __slots__ = (
        "_alive_tick",
        "_answers",
        "_context",
        "_ended",
        "_flow",
        "_gate_memory_loaded",
        "_next_ping_tick",
        "_on_end",
        "_opened",
        "_opening",
        "_ping_ticks",
        "_responder",
        "_session",
        "_socket",
        "_timer",
        "_worker",
        "admission",
        "connection_id",
        "due_tick",
        "epoch",
        "gate",
        "memory",
        "protocol_name",
        "quirks",
        "record",
        "remote_address",
        "told_secrets",
    )

    def __init__(
        self,
        context: ConnectionContext,
        socket: StationSocket,
        record: StationRecord,
        admission: Admission,
        gate: Gate,
        connection_id: int,
        epoch: int,
        on_end: Callable[["Connection", bool], None],
    ) -> None:
        settings = context.settings
        self.record = record
        self.admission = admission
        self.gate = gate
        self.connection_id = connection_id
        self.epoch = epoch
        self.protocol_name = context.protocol.name
        self.remote_address = socket.remote_address
        self.memory: Any = None
        self.told_secrets = context.told_secrets.of(record.id)
        self.due_tick = 0
        self._context = context
        self._socket = socket
        self._on_end = on_end
        self.quirks = NO_QUIRKS
        session_settings = _session_settings(settings, NO_QUIRKS, record.strict, record.call_timeout_s)
        self._session = Session(context.protocol, Side.CSMS, session_settings, gate, context.calendar)
        self._gate_memory_loaded = gate.state != ACCEPTED
        self._flow = Flow(context, socket)
        self._answers: dict[str, _Waiting] = {}
        self._worker: Worker | None = None
        self._opening: asyncio.Task[None] | None = None
        self._opened = False
        self._ended = False
        self._responder: AbstractAsyncContextManager[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        interval_s = settings.ping_interval_s if record.ping_interval_s is None else record.ping_interval_s
        self._ping_ticks = context.sweep.ticks(interval_s)
        self._next_ping_tick = 0
        self._alive_tick: float = context.sweep.tick

    # What actions see.

    @property
    def station_id(self) -> str:
        """The identity, decoded."""
        return self.record.id

    @property
    def organisation_id(self) -> str:
        """Whose station it is."""
        return self.record.organisation_id

    @property
    def security_profile(self) -> int:
        """The profile by which it connected."""
        return self.admission.security_profile

    @property
    def strict(self) -> bool:
        """Whether deviations are refused."""
        return self.record.strict if self.quirks.strict is None else self.quirks.strict

    @property
    def is_open(self) -> bool:
        """False from the moment the conversation ends."""
        return not self._ended

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
        """See `StationConnection.call`."""
        if key in self._answers:
            raise ValueError(f"the key {key!r} is already in use")
        future: asyncio.Future[CallAnswered | CallFailed] = self._context.loop.create_future()
        self._answers[key] = (future, on_sent)
        now = steady()
        try:
            if action in SECRETIVE_ACTIONS:
                self._remember_secrets(action, payload)
            self.carry_out(
                self._session.call(
                    key,
                    action,
                    payload,
                    now,
                    message_id=self._context.new_message_id(),
                    timeout_s=timeout_s,
                    priority=priority,
                    expires_at=None if expires_at is None else now + expires_at - self._context.clock(),
                )
            )
            return await future
        finally:
            del self._answers[key]
            if not future.done() or future.cancelled():
                self.cancel(key)

    def cancel(self, key: str) -> None:
        """See `StationConnection.cancel`."""
        self.carry_out(self._session.cancel(key, steady()))

    def close(self, code: int, reason: str) -> None:
        """See `StationConnection.close`."""
        self._end(code, reason, close_socket=True)

    def adopt(self, quirks: Quirks) -> None:
        """See `StationConnection.adopt`."""
        if quirks != self.quirks:
            self.quirks = quirks
            record = self.record
            self._session.adopt(_session_settings(self._context.settings, quirks, record.strict, record.call_timeout_s))

    # What the hub and the door do.

    async def settled(self, within_s: float) -> None:
        """Wait until no CALL of the station is being handled, but not for ever."""
        if self._worker is not None:
            await self._worker.finished(within_s)

    def make_way(self, lives: Callable[[], None] | None) -> None:
        """End since a newer connection has the place; `lives` is told once if the device is heard of after that."""
        if self._ended:
            return
        # What was left unread was said before, and proves nothing.
        unread = self._flow.is_paused
        self._end(POLICY_VIOLATION, REPLACED, close_socket=True)
        if lives is not None and not unread:
            self._socket.hand_over(LastWords(lives))

    def open(self, work: asyncio.Task[Any] | None) -> None:
        """The socket is about to be accepted; `work` is the task that records the connection."""
        self._opening = work
        self._context.sweep.watch(self, self._ping_ticks or self._context.seen_ticks)

    def opened(self, responder: AbstractAsyncContextManager[None] | None) -> None:
        """With an entered `responder`, it can be commanded; CALLs may be handled now."""
        self._opened = True
        self._responder = responder
        if self._worker is not None:
            self._worker.start()

    def recorded(self) -> None:
        """The connection is recorded: its end may be."""
        self._opening = None

    # What the socket tells (see `socket.Conversation`).

    def text_received(self, text: str) -> None:
        """A message."""
        try:
            self.carry_out(self._session.receive(text, steady()))
        except Exception as error:  # noqa: BLE001 - whatever a station says, nobody else may notice
            self._at_fault(error)

    def binary_received(self, data: bytes) -> None:
        """What OCPP does not have."""
        self.carry_out(self._session.receive_binary(data, steady()))

    def broken_received(self, data: bytes, reason: str) -> None:
        """No message, but the message log has it."""
        self.carry_out(self._session.receive_broken(data, reason, steady()))

    def heard(self, frames: int) -> None:
        """Signs of life."""
        self._alive_tick = self._context.sweep.tick
        if self._flow.spend(frames):
            self._context.sweep.attend(self)

    def partly_heard(self, size: int) -> None:
        """Part of a frame, between whose bytes no ping can be answered: each earns a moment, and drops too little."""
        earned = size * self._context.ticks_per_byte
        self._alive_tick = min(self._context.sweep.tick, self._alive_tick + earned)

    def write_paused(self) -> None:
        """The station does not read."""
        self._flow.stalled()
        self._context.sweep.attend(self)

    def write_resumed(self) -> None:
        """The station reads again."""
        self._flow.unstalled()

    def disconnected(self, code: int, reason: str) -> None:
        """The station, or the network, ended it."""
        self._end(code, clean(reason), close_socket=False)

    # What the sweep tells (see `sweep.Watched`).

    def due(self, tick: int) -> int:
        """Note that the station was heard, ping, and see whether it has been silent for two intervals (§1.10)."""
        if self._ended:
            return 0
        if self._flow.is_paused:  # what it says is not read just now
            self._alive_tick = tick
        interval_ticks = self._ping_ticks or self._context.seen_ticks
        silent_until = ceil(self._alive_tick) + 2 * interval_ticks
        pinged = self._ping_ticks > 0 and not self.quirks.ignore_pings
        if tick >= silent_until and pinged:
            self._end(_INTERNAL_ERROR, "no sign of life", close_socket=True)
            return 0
        if tick >= self._next_ping_tick:
            if self._alive_tick >= tick - interval_ticks:
                self._note_seen()
            self._next_ping_tick = tick + interval_ticks
            if pinged:
                self._socket.send_ping()
        return min(self._next_ping_tick, silent_until) if pinged else self._next_ping_tick

    def look(self, tick: int) -> None:
        """See to what takes too long."""
        worker = self._worker
        if worker is not None:
            worker.look(tick)
        if not self._ended and self._flow.look(tick):
            self._end(POLICY_VIOLATION, "the station does not read", close_socket=True)
            self._socket.abort()
        self._look_away()

    # What the worker tells (see `worker.WorkerOwner`).

    def carry_out(self, effects: list[Effect]) -> None:
        """Do what the session says, in its order."""
        for effect in effects:
            # A class is compared faster than a pattern, and each message has these three.
            if isinstance(effect, CallReceived):
                self._take(effect)
            elif isinstance(effect, Send):
                self._socket.send_text(effect.text)
            elif isinstance(effect, FrameSeen):
                try:
                    self._context.journal.frame(self.record, self.connection_id, effect, self.told_secrets)
                except Exception as error:  # noqa: BLE001 - our fault, and not worth a connection
                    self._context.log_fault("gateway.frame_not_logged", error, station_id=self.station_id)
            else:
                self._carry_out_one(effect)
        if self._answers and not self._ended:
            self._set_timer()

    def relieved(self) -> None:
        """Its queue has room again."""
        self._flow.resume(Pause.CALLS_WAITING)

    def answered(self, call: CallReceived, answer: Answer) -> None:
        """What is caused by an answer comes after it."""
        if answer.after is not None and not self._ended:
            self._context.spawn(_run(answer.after))
        if call.action == "BootNotification" and not self._gate_memory_loaded and self.gate.state != ACCEPTED:
            self._gate_memory_loaded = True
            self._context.spawn(self._load_gate_memory())

    def worker_done(self) -> None:
        """All CALLs are answered, and no more have come."""
        self._worker = None
        self._look_away()

    # Inside.

    def _remember_secrets(self, action: str, payload: Any) -> None:
        secrets = self._context.journal.secrets_in(self.record, action, encode_call("", action, payload))
        if secrets:
            self.told_secrets = self._context.told_secrets.add(self.station_id, secrets)

    def _take(self, call: CallReceived) -> None:
        worker = self._worker
        if worker is None:
            worker = self._worker = Worker(self._context, self, self._session)
            self._context.sweep.attend(self)
        if worker.add(call):
            self._flow.pause(Pause.CALLS_WAITING)
        if self._opened:
            worker.start()

    def _carry_out_one(self, effect: Effect) -> None:
        match effect:
            case CallAnswered() | CallFailed() | CallSent():
                self._tell_caller(effect)
            case OddityTolerated():
                self._context.journal.oddity(self, effect, self._context.clock())
            case CallAnsweredLate():
                self._context.directory.answered_late(self, effect)
            case PermitUsed():
                self._context.directory.permit_used(self.station_id, effect)
            case Close():
                misbehaved = effect.code == POLICY_VIOLATION
                self._end(effect.code, effect.reason, close_socket=True, misbehaved=misbehaved)

    def _tell_caller(self, effect: CallAnswered | CallFailed | CallSent) -> None:
        """A caller may have left, or been answered in the same breath."""
        future, on_sent = self._answers.get(effect.key, (None, None))
        if isinstance(effect, CallSent):
            if on_sent is not None:
                on_sent(effect.at)
        elif future is not None and not future.done():
            future.set_result(effect)

    def _look_away(self) -> None:
        if self._worker is None and (self._ended or not self._flow.is_paused):
            self._context.sweep.ignore(self)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._session.next_deadline()
        if deadline is not None:
            delay_s = max(0.0, (deadline - steady()) / _MICROSECONDS)
            self._timer = self._context.loop.call_later(delay_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.carry_out(self._session.tick(steady()))

    async def _load_gate_memory(self) -> None:
        memory = await self._context.directory.gate_memory(self.record)
        self.gate.told(memory.request_ids, memory.job_sent_at, memory.permits)

    def _note_seen(self) -> None:
        at = self._last_seen(self._context.clock())
        seen = StationSeen(organisation_id=self.organisation_id, station_id=self.station_id, received_at=at)
        self._context.directory.note(seen)

    def _last_seen(self, now: Instant) -> Instant:
        """When the last frame arrived, to a tick."""
        sweep = self._context.sweep
        return now - sweep.duration_us(sweep.tick - self._alive_tick)

    def _at_fault(self, error: Exception) -> None:
        """Our own failure: the conversation cannot be trusted any more, and a new one begins with a clean slate."""
        self._context.log_fault("gateway.session_failed", error, station_id=self.station_id)
        self._end(_INTERNAL_ERROR, "internal error", close_socket=True)

    def _end(self, code: int, reason: str, *, close_socket: bool, misbehaved: bool = False) -> None:
        if self._ended:
            return
        self._ended = True
        now = self._context.clock()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._worker is not None:
            self._worker.dismiss()
            if not self._worker.is_at_work:
                self._worker = None
        self.carry_out(self._session.closed(steady()))
        for key, (future, _) in self._answers.items():
            if not future.done():  # nobody else would ever tell its caller
                future.set_result(CallFailed(key, "", "not_delivered", "outcome_unknown", OUTCOME_UNKNOWN))
        self._context.sweep.forget(self)
        if self._worker is not None:
            self._context.sweep.attend(self)
        if close_socket:
            self._socket.close(code, reason, self._context.settings.close_timeout_s)
        self._on_end(self, misbehaved)
        self._context.spawn(self._farewell(code, reason, now, self._last_seen(now)))

    async def _farewell(self, code: int, reason: str, now: Instant, last_seen_at: Instant) -> None:
        """Record the end, after the beginning."""
        if self._opening is not None:
            await asyncio.wait({self._opening})
        if self._responder is not None:
            await self._responder.__aexit__(None, None, None)
        fact = StationDisconnected(
            organisation_id=self.organisation_id,
            station_id=self.station_id,
            received_at=now,
            connection_id=self.connection_id,
            epoch=self.epoch,
            close_code=code,
            reason=reason,
            last_seen_at=last_seen_at,
        )
        await self._context.directory.disconnected(fact)


async def _run(after: Callable[[], Any]) -> None:
    await after()


@lru_cache(maxsize=64)
def _session_settings(
    settings: GatewaySettings, quirks: Quirks, strict: bool, call_timeout_s: float | None
) -> SessionSettings:
    return SessionSettings(
        strict=strict if quirks.strict is None else quirks.strict,
        repair_missing_values=quirks.repair_missing_values,
        reused_ids=quirks.reused_ids,
        banned_oddities=frozenset(quirks.disabled_tolerances),
        call_timeout_s=call_timeout_s or settings.call_timeout_s,
        queue_limit=settings.queue_limit,
        queue_expiry_s=settings.queue_expiry_s,
    )
