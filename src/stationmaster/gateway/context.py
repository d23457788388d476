"""What all connections of a node share: settings, clock, directory, handler, timer, and a place for their tasks."""

import asyncio
import time
import uuid
from collections.abc import Coroutine
from typing import Any, Final

import structlog

from stationmaster.gateway.contract import Surroundings
from stationmaster.gateway.journal import Journal
from stationmaster.gateway.limits import TokenBucket
from stationmaster.gateway.settings import GatewaySettings
from stationmaster.gateway.socket import Outbox
from stationmaster.gateway.sweep import Sweep
from stationmaster.gateway.told_secrets import ToldSecrets
from stationmaster.instants import Instant
from stationmaster.session.calendar import Calendar

__all__ = ["ConnectionContext", "steady"]

log = structlog.get_logger(__name__)

_FAULTS_LOGGED_PER_S = 5
_FAULTS_LOGGED_AT_ONCE = 20
_CLOCK_WAS_SET_US: Final = 10_000
"""The calendar and the clock that only runs are slewed alike; where they part further than this, one was set."""


def steady() -> Instant:
    """The time of a clock that nobody sets: for what is to happen later, and for how long things took."""
    return time.monotonic_ns() // 1000


class ConnectionContext:
    """Shared by every connection of a gateway; made once the event loop runs."""

    def __init__(self, settings: GatewaySettings, surroundings: Surroundings) -> None:
        sweep = Sweep(settings.resolution_s, self._follow_clock)
        self.loop = asyncio.get_running_loop()
        self.outbox = Outbox(self.loop)
        self.settings = settings
        self.surroundings = surroundings
        self.clock = surroundings.clock
        self.calendar = Calendar(self.clock() - steady())
        """What sessions add to `steady()`; behind by a tick when the clock has been set."""
        self.directory = surroundings.directory
        self.handler = surroundings.handler
        self.protocol = surroundings.protocol
        self.sweep = sweep
        self.journal = Journal(
            surroundings.directory, log_messages=settings.log_messages, secret_keys=surroundings.secret_keys
        )
        self.told_secrets = ToldSecrets()
        self.answer_timeout_ticks = sweep.ticks(settings.answer_timeout_s)
        self.seen_ticks = sweep.ticks(settings.seen_interval_s)
        self.write_timeout_ticks = sweep.ticks(settings.write_timeout_s)
        self.ticks_per_byte = 1 / (settings.least_bytes_per_s * settings.resolution_s)
        """How much patience a byte earns."""
        self.tasks: set[asyncio.Task[None]] = set()
        self._faults = TokenBucket(_FAULTS_LOGGED_PER_S, _FAULTS_LOGGED_AT_ONCE)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` as a task that is kept until it is done; an exception of it is logged."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def new_message_id(self) -> str:
        """An id that was never used before (handbook §1.5)."""
        return str(uuid.uuid4())

    def _follow_clock(self, _tick: int) -> None:
        before = steady()
        ahead_us = self.clock() - before
        if steady() - before < _CLOCK_WAS_SET_US <= abs(ahead_us - self.calendar.ahead_us):
            self.calendar.ahead_us = ahead_us

    def log_fault(self, event: str, cause: BaseException, **words: Any) -> str:
        """Log a failure of ours, unless there are too many; returns a reference that the log has, too."""
        reference = uuid.uuid4().hex[:12]
        if self._faults.take(self.loop.time()):
            log.error(event, exc_info=cause, reference=reference, **words)
        return reference

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("gateway.task_failed", exc_info=error)
