"""The group-commit writer: one batch under way, everything that arrives meanwhile is the next.

A batch is one database transaction with one bulk statement per kind of fact. It starts as soon as the one
before is durable; if that one served several callers, when as much time has passed as it took: who has just been
answered has more to say, and what a batch costs by itself is shared. `record` and `write` return when their batch is
durable. A batch that fails for what is in it is tried again in halves until only the bad call gets the error; when
the database itself fails, every caller is told at once. Notes ride along and are waited for by nobody.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog

from stationmaster.domain.facts import Fact
from stationmaster.instants import Instant
from stationmaster.storage.batch import Call, batch_program
from stationmaster.storage.committed import Committed
from stationmaster.storage.driver import Driver
from stationmaster.storage.errors import Conflict, StorageError, Unavailable
from stationmaster.storage.notes import Notes
from stationmaster.storage.numbers import RowIds
from stationmaster.storage.programs import Batch, Owners, Program

__all__ = ["Writer", "WriterFigures"]

_LOG = structlog.get_logger(__name__)

_MAX_WAITING: Final = 20_000
"""Facts that may wait for a commit before `record` itself waits."""
_MAX_BATCH: Final = 2_000
"""Facts in a batch: what one failing batch or one long commit can hold up."""
_LONGEST_PAUSE_S: Final = 0.01
"""What a commit waits for company at most. Many stations hear at once that they are stored, and soon speak again."""
_NOTES_WAIT_S: Final = 0.2
"""How long notes wait when nothing else is written."""
_RETRY_NOTES_S: Final = 1.0


class WriterFigures:
    """Counts since the start, for the metrics page, and whether the database takes writes.

    `waiting`: facts of calls that wait for a commit. `unavailable_since`: when the database was
    first found unable to write; None while it can. `last_outage`: from when to when that was so last.
    `messages`, `events`: rows added to these tables.
    """

    __slots__ = (
        "_notes",
        "batches",
        "events",
        "facts",
        "failed_batches",
        "last_outage",
        "messages",
        "unavailable_since",
        "waiting",
    )

    def __init__(self, notes: Notes) -> None:
        """All zero."""
        self._notes = notes
        self.batches = 0
        self.facts = 0
        self.messages = 0
        self.events = 0
        self.failed_batches = 0
        self.waiting = 0
        self.unavailable_since: Instant | None = None
        self.last_outage: tuple[Instant, Instant] | None = None

    @property
    def waiting_notes(self) -> int:
        """Notes that wait for a commit."""
        return len(self._notes)

    @property
    def dropped_notes(self) -> int:
        """Notes that were given up."""
        return self._notes.dropped


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
        self._not_before_s = 0.0
        self._idle = False
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self.figures = WriterFigures(self._notes)

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
        for room in self._room:
            if not room.done():
                room.set_result(None)

    def submit(self, call: Call) -> Awaitable[Any]:
        """Have a call written; its outcome when it is durable."""
        figures = self.figures
        if figures.waiting >= self._max_waiting or self._closing:
            return self._submit_when_there_is_room(call)
        future = call.future = asyncio.get_running_loop().create_future()
        self._calls.append(call)
        figures.waiting += call.size
        self._wake.set()
        return future

    async def _submit_when_there_is_room(self, call: Call) -> Any:
        while self.figures.waiting >= self._max_waiting and not self._closing:
            room = asyncio.get_running_loop().create_future()
            self._room.append(room)
            await room
        if self._closing:
            raise Unavailable("the storage is closed")
        return await self.submit(call)

    def note(self, fact: Fact) -> None:
        """Have a fact written with some later commit."""
        self._notes.add(fact)
        if self._idle:
            self._idle = False
            self._flush_notes_in(_NOTES_WAIT_S)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._closing or self._calls or self._notes:
            if not self._calls and not self._closing:
                await self._wait()
            pause_s = self._not_before_s - loop.time()
            if pause_s > 0 and not self._closing:
                await asyncio.sleep(pause_s)
            began_s = loop.time()
            calls, notes = self._take_calls(), self._notes.take(self._max_batch)
            if not calls and not notes:
                continue
            written = await self._commit(calls, notes)
            if len(calls) > 1:
                ended_s = loop.time()
                self._not_before_s = ended_s + min(ended_s - began_s, _LONGEST_PAUSE_S)
            if not written:
                if self._closing:
                    return
                self._flush_notes_in(_RETRY_NOTES_S)
            elif self._notes:
                self._flush_notes_in(_NOTES_WAIT_S)

    async def _wait(self) -> None:
        """Sleep until there is a call, notes have waited long enough, or the end has come."""
        self._idle = self._notes_timer is None
        self._wake.clear()
        await self._wake.wait()
        self._idle = False
        if self._notes_timer is not None:
            self._notes_timer.cancel()
            self._notes_timer = None

    def _flush_notes_in(self, delay_s: float) -> None:
        if self._notes_timer is None:
            self._notes_timer = asyncio.get_running_loop().call_later(delay_s, self._wake.set)

    def _take_calls(self) -> list[Call]:
        calls: list[Call] = []
        size = self.figures.waiting
        if size <= self._max_batch:
            calls += self._calls
            self._calls.clear()
        else:
            size = 0
            while self._calls and size < self._max_batch:
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
            self._fail(calls, notes, error)
            return False
        except StorageError as error:
            self.figures.failed_batches += 1
            return await self._divide(calls, notes, error)
        self._owners.learn(batch.learned)
        figures = self.figures
        if figures.unavailable_since is not None:
            _LOG.info("the database takes writes again", since=figures.unavailable_since)
            figures.last_outage = (figures.unavailable_since, self._clock())
            figures.unavailable_since = None
        figures.batches += 1
        figures.facts += len(notes) + sum([call.size for call in calls])
        figures.messages += batch.messages
        figures.events += batch.events
        for call, outcome in zip(calls, outcomes, strict=True):
            call.succeed(outcome)
        if committed:
            self._tell(committed)
        return True

    def _fail(self, calls: Sequence[Call], notes: list[Fact], error: Unavailable) -> None:
        figures = self.figures
        figures.failed_batches += 1
        if figures.unavailable_since is None:
            figures.unavailable_since = self._clock()
            _LOG.error("the database cannot be written to", error=str(error))
        for call in calls:
            call.fail(error)
        self._notes.put_back(notes)

    async def _divide(self, calls: list[Call], notes: list[Fact], error: StorageError) -> bool:
        if len(calls) + len(notes) == 1:
            if calls and isinstance(error, Conflict) and calls[0].facts and not calls[0].repeated:
                # Another node stored the same at the same moment: seen again, it is known.
                calls[0].repeated = True
                return await self._commit(calls, [])
            if calls:
                calls[0].fail(error)
            else:
                self._notes.dropped += 1
                _LOG.error("note refused", fact=type(notes[0]).__name__, error=str(error))
            return True
        written = True
        for part_calls, part_notes in _parts(calls, notes):
            written = await self._commit(part_calls, part_notes) and written
        return written


def _parts(calls: list[Call], notes: list[Fact]) -> list[tuple[list[Call], list[Fact]]]:
    """What to try apart: programs are the most likely to fail, on purpose even; then notes; then by halves."""
    programs = [call for call in calls if call.make is not None]
    if programs and len(programs) < len(calls) + len(notes):
        others = [call for call in calls if call.make is None]
        return [(others, notes), *(([call], []) for call in programs)]
    if calls and notes:
        return [(calls, []), ([], notes)]
    half, half_notes = len(calls) // 2, len(notes) // 2
    return [(calls[:half], notes[:half_notes]), (calls[half:], notes[half_notes:])]
