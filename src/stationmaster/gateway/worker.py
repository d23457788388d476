"""The worker of one station: it handles CALLs one at a time, in order, and exists only while the station is talking.

After its last CALL it rests a moment, since a new task for each CALL costs more than a short answer; a station that
has fallen silent has none.

Whatever a handler does, the station gets one answer: an `OcppError` becomes a CALLERROR; any other
failure, and a handler that takes too long, an InternalError with a reference to the log.
"""

import asyncio
from typing import Final, Protocol

from stationmaster.actions.contract import Answer, StationConnection
from stationmaster.gateway.context import ConnectionContext, steady
from stationmaster.ocpp.errors import ErrorCode, OcppError
from stationmaster.session.events import CallReceived, Effect
from stationmaster.session.session import Session

__all__ = ["Worker", "WorkerOwner"]


_CALLS_IN_A_ROW: Final = 16
_REST_TICKS: Final = 2
"""How long a worker waits for more."""
_LEAST_TICKS: Final = 2
"""What is left to a CALL that has used up its time in the queue: one whole tick at least. To refuse it unheard would
keep to the ceiling (§1.7), and lose what is stored at once: a station gives up a transaction message after some errors.
"""


class WorkerOwner(StationConnection, Protocol):
    """The connection, as its worker sees it."""

    def carry_out(self, effects: list[Effect]) -> None:
        """Do what the session says."""

    def answered(self, call: CallReceived, answer: Answer) -> None:
        """An answer has been written."""

    def relieved(self) -> None:
        """Half of the CALLs that are too many have been handled."""

    def worker_done(self) -> None:
        """No CALL is left, and none has come for a while."""


class Worker:
    """The CALLs of one station that are not answered yet, and the task that answers them."""

    __slots__ = (
        "_calls",
        "_context",
        "_crowded",
        "_finished",
        "_overdue",
        "_owner",
        "_received_ticks",
        "_rest",
        "_session",
        "_since_tick",
        "_task",
    )

    def __init__(self, context: ConnectionContext, owner: WorkerOwner, session: Session) -> None:
        self._context = context
        self._owner = owner
        self._session = session
        self._calls: list[CallReceived] = []
        self._received_ticks: list[int] = []  # of each in `_calls`
        self._crowded = False
        self._task: asyncio.Task[None] | None = None
        self._rest: asyncio.Future[bool] | None = None
        self._finished: asyncio.Future[None] | None = None
        self._since_tick = 0
        self._overdue = False

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def is_at_work(self) -> bool:
        """Whether a CALL is being handled, or is about to be."""
        return self._task is not None and self._rest is None

    def add(self, call: CallReceived) -> bool:
        """Queue a CALL behind those that wait; whether they are too many now. The owner is told when that is over."""
        self._calls.append(call)
        self._received_ticks.append(self._context.sweep.tick)
        if len(self._calls) >= self._context.settings.calls_waiting:
            self._crowded = True
        return self._crowded

    def start(self) -> None:
        """Begin to handle them."""
        if self._task is None:
            self._since_tick = self._context.sweep.tick
            self._task = self._context.loop.create_task(self._work())
        elif self._rest is not None:
            self._wake(more=True)

    async def finished(self, within_s: float) -> None:
        """Wait until all are handled, but not for ever."""
        if self.is_at_work:
            if self._finished is None:
                self._finished = self._context.loop.create_future()
            await asyncio.wait({self._finished}, timeout=within_s)

    def dismiss(self) -> None:
        """The connection has ended: what has not been begun will be sent again by the station."""
        self._calls.clear()
        self._received_ticks.clear()
        if self._rest is not None:
            self._wake(more=False)

    def look(self, tick: int) -> None:
        """Cut a handler off that takes too long; end a rest that has lasted."""
        passed = tick - self._since_tick
        if self._rest is not None:
            if passed >= _REST_TICKS:
                self._wake(more=False)
        elif self._task is not None and passed >= self._context.answer_timeout_ticks and not self._overdue:
            self._overdue = True
            self._task.cancel()

    # Inside.

    def _wake(self, *, more: bool) -> None:
        rest, self._rest = self._rest, None
        self._since_tick = self._context.sweep.tick
        if rest is not None and not rest.done():
            rest.set_result(more)

    async def _work(self) -> None:
        try:
            more = True
            while more or self._calls:  # one may have come in the moment when it was let go
                handled = 0
                while self._calls:
                    handled += 1
                    if handled % _CALLS_IN_A_ROW == 0:  # handlers that never wait must not keep others waiting
                        await asyncio.sleep(0)
                        continue
                    call = self._next()
                    try:
                        answer = await self._context.handler(self._owner, call)
                    except BaseException as error:  # noqa: BLE001 - it is judged, and raised again where it must be
                        self._failed(call, error)
                    else:
                        self._succeeded(call, answer)
                if not self._owner.is_open:
                    break
                self._rest = rest = self._context.loop.create_future()
                self._since_tick = self._context.sweep.tick
                if self._finished is not None:
                    self._tell_finished()
                more = await rest
        finally:
            self._rest = None
            self._tell_finished()
            self._owner.worker_done()

    def _next(self) -> CallReceived:
        call = self._calls.pop(0)
        received_tick, tick = self._received_ticks.pop(0), self._context.sweep.tick
        self._since_tick = received_tick  # the time in the queue counts
        if received_tick != tick:
            self._since_tick = min(tick, max(received_tick, tick + _LEAST_TICKS - self._context.answer_timeout_ticks))
        self._overdue = False
        if self._crowded and len(self._calls) <= self._context.settings.calls_waiting // 2:
            self._crowded = False
            self._owner.relieved()
        return call

    def _tell_finished(self) -> None:
        finished, self._finished = self._finished, None
        if finished is not None and not finished.done():
            finished.set_result(None)

    def _succeeded(self, call: CallReceived, answer: Answer) -> None:
        try:
            effects = self._session.answer(call.message_id, answer.response, steady())
        except Exception as error:  # noqa: BLE001 - an answer may be wrong in any way; the conversation goes on
            self._fail(call, "gateway.answer_breaks_the_protocol", error)
            return
        self._owner.carry_out(effects)
        self._owner.answered(call, answer)

    def _failed(self, call: CallReceived, error: BaseException) -> None:
        """A handler did not end well; raises what is meant for this task and not for the station."""
        task = asyncio.current_task()
        if isinstance(error, OcppError):
            self._owner.carry_out(self._session.refuse(call.message_id, error, steady()))
        elif isinstance(error, asyncio.CancelledError) and self._overdue and task is not None:
            task.uncancel()
            self._fail(call, "gateway.handler_too_slow", error)
        elif isinstance(error, Exception):
            self._fail(call, "gateway.handler_failed", error)
        else:
            raise error

    def _fail(self, call: CallReceived, event: str, cause: BaseException) -> None:
        """Our own failure: the station gets a reference, the log has the rest."""
        reference = self._context.log_fault(event, cause, station_id=self._owner.station_id, action=call.action)
        answer = OcppError(ErrorCode.INTERNAL_ERROR, f"internal error, reference {reference}")
        self._owner.carry_out(self._session.refuse(call.message_id, answer, steady()))
