"""The group-commit writer: one batch under way, everything that arrives meanwhile is the next.

A batch is one database transaction with one bulk statement per kind of fact. It starts as
soon as the one before is durable; nothing waits for company on purpose. `record` and `write`
return when their batch is durable. A batch that fails for what is in it is tried again in
halves until only the bad call gets the error; when the database itself fails, every caller
is told at once. Notes ride along and are waited for by nobody.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from stationmaster.domain.facts import Fact
from stationmaster.instants import Instant
from stationmaster.storage.batch import Call, batch_program
from stationmaster.storage.committed import Committed
from stationmaster.storage.driver import Driver
from stationmaster.storage.errors import StorageError, Unavailable
from stationmaster.storage.notes import Notes
from stationmaster.storage.numbers import RowIds
from stationmaster.storage.programs import Batch, Owners, Program

__all__ = ["Writer", "WriterFigures"]

_LOG = structlog.get_logger(__name__)

_MAX_WAITING: Final = 20_000
"""Facts that may wait for a commit before `record` itself waits."""
_MAX_BATCH: Final = 2_000
"""Facts in a batch: what one failing batch or one long commit can hold up."""
_NOTES_WAIT_S: Final = 0.2
"""How long notes wait when nothing else is written."""
_RETRY_NOTES_S: Final = 1.0


class WriterFigures:
    """Counts since the start, for the metrics page."""

    __slots__ = ("batches", "dropped_notes", "facts", "failed_batches", "waiting")

    def __init__(self) -> None:
        """All zero."""
        self.batches = 0
        self.facts = 0
        self.failed_batches = 0
        self.dropped_notes = 0
        self.waiting = 0


class Writer:
    """Gathers what is to be written and commits it batch by batch."""

    def __init__(
        self,
        driver: Driver,
        row_ids: RowIds,
        clock: Callable[[], Instant],
        tell: Callable[[Sequence[Committed]], None],
        *,
        max_waiting: int = _MAX_WAITING,
        max_batch: int = _MAX_BATCH,
    ) -> None:
        """`tell` is called with what each batch made durable."""
        self._driver = driver
        self._row_ids = row_ids
        self._clock = clock
        self._tell = tell
        self._max_waiting = max_waiting
        self._max_batch = max_batch
        self._calls: deque[Call] = deque()
        self._notes = Notes()
        self._owners = Owners()
        self._room: deque[asyncio.Future[None]] = deque()
        self._wake = asyncio.Event()
        self._notes_timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self.figures = WriterFigures()

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._work(), name="storage-writer")

    async def close(self) -> None:
        """Write everything that waits, notes included, and stop."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        if self._notes_timer is not None:
            self._notes_timer.cancel()
        for call in self._calls:
            call.fail(Unavailable("the storage is closed"))
        self._calls.clear()

    async def submit(self, call: Call) -> Any:
        """Have a call written; returns its outcome when it is durable."""
        figures = self.figures
        while figures.waiting >= self._max_waiting and not self._closing:
            room = asyncio.get_running_loop().create_future()
            self._room.append(room)
            await room
        if self._closing:
            raise Unavailable("the storage is closed")
        call.future = asyncio.get_running_loop().create_future()
        self._calls.append(call)
        figures.waiting += call.size
        self._wake.set()
        return await call.future

    def note(self, fact: Fact) -> None:
        """Have a fact written with some later commit."""
        self._notes.add(fact)
        self.figures.dropped_notes = self._notes.dropped
        if self._notes_timer is None and not self._calls and not self._closing:
            self._flush_notes_in(_NOTES_WAIT_S)

    def _flush_notes_in(self, delay_s: float) -> None:
        self._notes_timer = asyncio.get_running_loop().call_later(delay_s, self._wake.set)

    async def _work(self) -> None:
        while True:
            if not self._calls and not (self._closing and self._notes):
                if self._closing:
                    return
                await self._wake.wait()
            self._wake.clear()
            if self._notes_timer is not None:
                self._notes_timer.cancel()
                self._notes_timer = None
            calls, notes = self._take_calls(), self._notes.take(self._max_batch)
            if not calls and not notes:
                continue
            if not await self._commit(calls, notes) and not self._calls:
                if self._closing:
                    return
                self._flush_notes_in(_RETRY_NOTES_S)
                continue
            if self._notes and self._notes_timer is None and not self._calls:
                self._flush_notes_in(_NOTES_WAIT_S)

    def _take_calls(self) -> list[Call]:
        calls: list[Call] = []
        size = 0
        while self._calls and (size < self._max_batch):
            call = self._calls.popleft()
            calls.append(call)
            size += call.size
        self.figures.waiting -= size
        for _ in range(min(len(self._room), self._max_waiting - self.figures.waiting)):
            room = self._room.popleft()
            if not room.done():
                room.set_result(None)
        return calls

    async def _commit(self, calls: list[Call], notes: list[Fact]) -> bool:
        """Write calls and notes; False when the database cannot be written to."""
        batch: Batch

        def make() -> Program[tuple[list[Any], list[Committed]]]:
            nonlocal batch
            batch = Batch(self._row_ids, self._clock(), self._owners)
            return batch_program(batch, calls, notes)

        try:
            outcomes, committed = await self._driver.run(make)
        except Unavailable as error:
            self._fail(calls, error)
            self._notes.put_back(notes)
            return False
        except StorageError as error:
            self.figures.failed_batches += 1
            return await self._divide(calls, notes, error)
        self._owners.learn(batch.learned)
        self.figures.batches += 1
        self.figures.facts += len(notes)
        for call, outcome in zip(calls, outcomes, strict=True):
            self.figures.facts += call.size
            call.succeed(outcome)
        if committed:
            self._tell(committed)
        return True

    def _fail(self, calls: Sequence[Call], error: StorageError) -> None:
        self.figures.failed_batches += 1
        for call in calls:
            call.fail(error)

    async def _divide(self, calls: list[Call], notes: list[Fact], error: StorageError) -> bool:
        if len(calls) + len(notes) == 1:
            if calls:
                calls[0].fail(error)
            else:
                self._notes.dropped += 1
                _LOG.error("note refused", fact=type(notes[0]).__name__, error=str(error))
            return True
        if calls and notes:
            parts = [(calls, []), ([], notes)]
        else:
            half, half_notes = len(calls) // 2, len(notes) // 2
            parts = [(calls[:half], notes[:half_notes]), (calls[half:], notes[half_notes:])]
        written = True
        for part_calls, part_notes in parts:
            written = await self._commit(part_calls, part_notes) and written
        return written
