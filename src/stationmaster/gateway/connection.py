"""One station's conversation on one socket: it carries out what the session says.

The tasks of a station, all of them: a task while its handshake is decided and recorded; a worker
while there are CALLs to handle, one at a time, in order; a task for each `after` of an answer; a task that
records the end. An idle station has none. The reader (`text_received`) never waits for a handler, and no
handler waits for the reader: answers to the station never depend on answers from it.

An end comes once (`_end`), whoever caused it; what the socket says after that concerns nobody.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from enum import IntFlag
from functools import lru_cache
from typing import Any, Final

import structlog

from stationmaster.actions.contract import Answer, StationRecord
from stationmaster.domain.facts import StationDisconnected, StationSeen
from stationmaster.gateway.contract import Admission
from stationmaster.gateway.context import ConnectionContext
from stationmaster.gateway.settings import GatewaySettings
from stationmaster.gateway.socket import StationSocket
from stationmaster.instants import Instant
from stationmaster.ocpp.errors import ErrorCode, OcppError
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
    Send,
)
from stationmaster.session.gate import ACCEPTED, Gate
from stationmaster.session.session import Session
from stationmaster.session.settings import SessionSettings, Side

__all__ = ["POLICY_VIOLATION", "Connection"]

log = structlog.get_logger(__name__)

POLICY_VIOLATION: Final = 1008
_INTERNAL_ERROR: Final = 1011
_MICROSECONDS: Final = 1_000_000
_NO_SIGN_OF_LIFE: Final = "no sign of life"


class _Pause(IntFlag):
    """Why reading from a station is paused."""

    CALLS_WAITING = 1
    NOT_READING = 2
    TOO_FAST = 4


class Connection:
    """A connected station. Implements `actions.contract.StationConnection`."""

    __slots__ = (
        "_admission",
        "_alive_tick",
        "_answers",
        "_budget",
        "_budget_tick",
        "_calls",
        "_context",
        "_ended",
        "_gate_memory_loaded",
        "_next_ping_tick",
        "_on_end",
        "_opened",
        "_opening",
        "_overdue",
        "_pauses",
        "_ping_ticks",
        "_responder",
        "_session",
        "_since_tick",
        "_socket",
        "_stalled_tick",
        "_timer",
        "_worker",
        "connection_id",
        "due_tick",
        "epoch",
        "memory",
        "protocol_name",
        "record",
        "remote_address",
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
        """`on_end(connection, misbehaved)` is told once; `misbehaved`: the session closed it for a flood of nonsense."""
        settings = context.settings
        self.record = record
        self.connection_id = connection_id
        self.epoch = epoch
        self.protocol_name = context.protocol.name
        self.remote_address = socket.remote_address
        self.memory: Any = None
        self.due_tick = 0
        self._context = context
        self._socket = socket
        self._admission = admission
        self._on_end = on_end
        self._session = Session(
            context.protocol, Side.CSMS, _session_settings(settings, record.strict, record.call_timeout_s), gate
        )
        self._gate_memory_loaded = gate.state != ACCEPTED
        self._calls: list[CallReceived] = []
        self._answers: dict[
            str, tuple[asyncio.Future[CallAnswered | CallFailed], Callable[[Instant], None] | None]
        ] = {}
        self._worker: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._opened = False
        self._ended = False
        self._responder: AbstractAsyncContextManager[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._overdue = False
        self._since_tick = 0
        self._stalled_tick = 0
        self._pauses = _Pause(0)
        self._budget = settings.frames_burst
        self._budget_tick = self._alive_tick = context.sweep.tick
        interval_s = settings.ping_interval_s if record.ping_interval_s is None else record.ping_interval_s
        self._ping_ticks = context.sweep.ticks(interval_s)
        self._next_ping_tick = 0

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
        return self._admission.security_profile

    @property
    def strict(self) -> bool:
        """Whether deviations are refused."""
        return self.record.strict

    @property
    def gate(self) -> Gate:
        """The registration gate."""
        gate = self._session.gate
        assert gate is not None
        return gate

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
        try:
            self._carry_out(
                self._session.call(
                    key,
                    action,
                    payload,
                    self._context.clock(),
                    message_id=self._context.new_message_id(),
                    timeout_s=timeout_s,
                    priority=priority,
                    expires_at=expires_at,
                )
            )
            return await future
        finally:
            del self._answers[key]
            if not future.done() or future.cancelled():
                self.cancel(key)

    def cancel(self, key: str) -> None:
        """See `StationConnection.cancel`."""
        self._carry_out(self._session.cancel(key, self._context.clock()))

    def close(self, code: int, reason: str) -> None:
        """See `StationConnection.close`."""
        self._end(code, reason, close_socket=True)

    # What the hub and the door do.

    @property
    def admission(self) -> Admission:
        """How the station came in."""
        return self._admission

    @property
    def is_busy(self) -> bool:
        """Whether CALLs of the station are being handled."""
        return self._worker is not None

    def open(self, work: asyncio.Task[None]) -> None:
        """The socket is accepted; `work` is the task that records the connection."""
        self._opening = work
        if self._ping_ticks:
            self._context.sweep.watch(self, self._ping_ticks)

    def opened(self, responder: AbstractAsyncContextManager[None] | None) -> None:
        """The connection is recorded and, with an entered `responder`, can be commanded: CALLs may be handled now."""
        self._opening = None
        self._opened = True
        self._responder = responder
        self._start_worker()

    # What the socket tells.

    def text_received(self, text: str) -> None:
        """A message: see `socket.Conversation`."""
        self._carry_out(self._session.receive(text, self._context.clock()))

    def binary_received(self) -> None:
        """See `socket.Conversation`."""
        self._carry_out(self._session.receive_binary(self._context.clock()))

    def heard(self, frames: int) -> None:
        """A sign of life. A station that talks faster than it may for long is left unread until the next second."""
        self._alive_tick = self._context.sweep.tick
        self._budget -= frames
        if self._budget < 0 and not self._refill():
            self._pause(_Pause.TOO_FAST)

    def write_paused(self) -> None:
        """The station does not read: it is not read from either, and not for ever (RELIABILITY of slow readers)."""
        self._stalled_tick = self._context.sweep.tick
        self._pause(_Pause.NOT_READING)

    def write_resumed(self) -> None:
        """See `socket.Conversation`."""
        self._stalled_tick = 0
        self._resume(_Pause.NOT_READING)

    def disconnected(self, code: int, reason: str) -> None:
        """The station, or the network, ended it."""
        self._end(code, reason, close_socket=False)

    # What the sweep tells.

    def due(self, tick: int) -> int:
        """Ping, and see whether the station has been silent for two intervals (§1.10)."""
        if self._ended:
            return 0
        if self._pauses:  # what it says is not read just now
            self._alive_tick = tick
        silent_until = self._alive_tick + 2 * self._ping_ticks
        if tick >= silent_until:
            self._end(_INTERNAL_ERROR, _NO_SIGN_OF_LIFE, close_socket=True)
            return 0
        if tick >= self._next_ping_tick:
            if self._alive_tick > tick - self._ping_ticks:
                self._note_seen()
            self._next_ping_tick = tick + self._ping_ticks
            self._socket.send_ping()
        return min(self._next_ping_tick, silent_until)

    def look(self, tick: int) -> None:
        """Refill the budget of frames; end what takes too long."""
        if self._pauses & _Pause.TOO_FAST and self._refill():
            self._resume(_Pause.TOO_FAST)
        if self._stalled_tick and not self._ended and tick - self._stalled_tick >= self._context.write_timeout_ticks:
            self._end(POLICY_VIOLATION, "the station does not read", close_socket=True)
            self._socket.abort()
        worker = self._worker
        if worker is not None and tick - self._since_tick >= self._context.answer_timeout_ticks and not self._overdue:
            self._overdue = True
            worker.cancel()
        if worker is None and (not self._pauses or self._ended):
            self._context.sweep.ignore(self)

    # Inside: effects.

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            kind = type(effect)
            if kind is Send:
                self._socket.send_text(effect.text)  # type: ignore[union-attr]
            elif kind is FrameSeen:
                self._context.journal.frame(self, effect)  # type: ignore[arg-type]
            elif kind is CallReceived:
                self._take(effect)  # type: ignore[arg-type]
            else:
                self._carry_out_rarer(effect)
        if self._answers and not self._ended:
            self._set_timer()

    def _carry_out_rarer(self, effect: Effect) -> None:
        match effect:
            case OddityTolerated():
                self._context.journal.oddity(self, effect, self._context.clock())
            case CallAnswered() | CallFailed():
                waiting = self._answers.get(effect.key)
                if waiting is not None and not waiting[0].done():
                    waiting[0].set_result(effect)
            case CallSent():
                waiting = self._answers.get(effect.key)
                if waiting is not None and waiting[1] is not None:
                    waiting[1](effect.at)
            case CallAnsweredLate():
                self._context.directory.answered_late(self, effect)
            case Close():
                self._end(effect.code, effect.reason, close_socket=True, misbehaved=effect.code == POLICY_VIOLATION)

    def _set_timer(self) -> None:
        deadline = self._session.next_deadline()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            delay_s = max(0.0, (deadline - self._context.clock()) / _MICROSECONDS)
            self._timer = self._context.loop.call_later(delay_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._carry_out(self._session.tick(self._context.clock()))

    # Inside: CALLs of the station.

    def _take(self, call: CallReceived) -> None:
        self._calls.append(call)
        if len(self._calls) >= self._context.settings.calls_waiting:
            self._pause(_Pause.CALLS_WAITING)
        self._start_worker()

    def _start_worker(self) -> None:
        if self._worker is None and self._calls and self._opened:
            self._since_tick = self._context.sweep.tick
            self._context.sweep.attend(self)
            self._worker = self._context.loop.create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._calls and not self._ended:
                call = self._calls.pop(0)
                self._since_tick = self._context.sweep.tick
                self._overdue = False
                if self._pauses and len(self._calls) <= self._context.settings.calls_waiting // 2:
                    self._resume(_Pause.CALLS_WAITING)
                await self._handle(call)
        finally:
            self._worker = None
            if not self._pauses:
                self._context.sweep.ignore(self)

    async def _handle(self, call: CallReceived) -> None:
        """Answer one CALL, whatever its handler does."""
        message_id, now = call.message_id, self._context.clock
        try:
            answer = await self._context.handler(self, call)
        except OcppError as error:
            self._carry_out(self._session.refuse(message_id, error, now()))
            return
        except asyncio.CancelledError:
            if not self._overdue:
                raise
            self._overdue = False
            task = asyncio.current_task()
            assert task is not None
            task.uncancel()
            self._refuse(call, "gateway.handler_too_slow")
            return
        except Exception:
            self._refuse(call, "gateway.handler_failed")
            return
        try:
            effects = self._session.answer(message_id, answer.response, now())
        except Exception:
            self._refuse(call, "gateway.answer_breaks_the_protocol")
            return
        self._carry_out(effects)
        self._answered(call, answer)

    def _refuse(self, call: CallReceived, event: str) -> None:
        """Our own failure: the station gets an InternalError with a reference, the log has the rest."""
        reference = self._context.log_fault(event, station_id=self.station_id, action=call.action)
        error = OcppError(ErrorCode.INTERNAL_ERROR, f"internal error, reference {reference}")
        self._carry_out(self._session.refuse(call.message_id, error, self._context.clock()))

    def _answered(self, call: CallReceived, answer: Answer) -> None:
        if answer.after is not None and not self._ended:
            self._context.spawn(_run(answer.after))
        if call.action == "BootNotification" and not self._gate_memory_loaded and self.gate.state != ACCEPTED:
            self._gate_memory_loaded = True
            self._context.spawn(self._load_gate_memory())

    async def _load_gate_memory(self) -> None:
        memory = await self._context.directory.gate_memory(self.record)
        gate = self.gate
        gate.request_ids |= memory.request_ids
        gate.job_sent_at = {**memory.job_sent_at, **gate.job_sent_at}

    # Inside: pauses and the end.

    def _refill(self) -> bool:
        """Top up the budget of frames for the time that has passed; whether there is some now."""
        settings, tick = self._context.settings, self._context.sweep.tick
        passed_s = (tick - self._budget_tick) * settings.resolution_s
        self._budget_tick = tick
        if settings.frames_per_s <= 0:
            self._budget = settings.frames_burst
        else:
            self._budget = min(settings.frames_burst, self._budget + round(passed_s * settings.frames_per_s))
        return self._budget >= 0

    def _pause(self, reason: _Pause) -> None:
        self._pauses |= reason
        self._socket.pause_reading()
        self._context.sweep.attend(self)

    def _resume(self, reason: _Pause) -> None:
        if self._pauses & reason:
            self._pauses &= ~reason
            if not self._pauses:
                self._socket.resume_reading()

    def _note_seen(self) -> None:
        self._context.directory.note(
            StationSeen(
                organisation_id=self.organisation_id, station_id=self.station_id, received_at=self._context.clock()
            )
        )

    def _end(self, code: int, reason: str, *, close_socket: bool, misbehaved: bool = False) -> None:
        if self._ended:
            return
        self._ended = True
        now = self._context.clock()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._calls.clear()
        self._carry_out(self._session.closed(now))
        self._context.sweep.forget(self)
        if self._worker is not None:
            self._context.sweep.attend(self)
        if close_socket:
            self._socket.close(code, reason, self._context.settings.close_timeout_s)
        self._on_end(self, misbehaved)
        self._context.spawn(self._farewell(code, reason, now))

    async def _farewell(self, code: int, reason: str, now: Instant) -> None:
        if self._opening is not None:
            await asyncio.wait({self._opening})
        if self._responder is not None:
            await self._responder.__aexit__(None, None, None)
        await self._context.directory.disconnected(
            StationDisconnected(
                organisation_id=self.organisation_id,
                station_id=self.station_id,
                received_at=now,
                connection_id=self.connection_id,
                epoch=self.epoch,
                close_code=code,
                reason=reason,
            )
        )


async def _run(after: Callable[[], Any]) -> None:
    await after()


@lru_cache(maxsize=64)
def _session_settings(settings: GatewaySettings, strict: bool, call_timeout_s: float | None) -> SessionSettings:
    return SessionSettings(
        strict=strict,
        call_timeout_s=call_timeout_s or settings.call_timeout_s,
        queue_limit=settings.queue_limit,
        queue_expiry_s=settings.queue_expiry_s,
    )
