"""Watches the event loop: how late it is, and what it was doing when it stood still.

One blocking call delays every station. The loop leaves a sign of life every quarter of a second; how late that
comes is the lag. A thread looks whether the sign comes at all and, if not, writes down the stack
of the loop's thread: afterwards it would be gone.
"""

import asyncio
import sys
import threading
import time
import traceback
from types import FrameType

import structlog

from stationmaster.app.histogram import Histogram

__all__ = ["LoopWatchdog"]

log = structlog.get_logger(__name__)

BEAT_S = 0.25
LAG_BOUNDS_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class LoopWatchdog:
    """Watches the running loop from `start` to `stop`."""

    def __init__(self, stall_s: float) -> None:
        self.lag = Histogram(LAG_BOUNDS_S)
        self.stalls = 0
        self._stall_s = stall_s
        self._last_beat = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._beat_handle: asyncio.TimerHandle | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch the loop that runs this."""
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._last_beat = time.monotonic()
        self._beat_handle = self._loop.call_later(BEAT_S, self._beat)
        self._thread = threading.Thread(target=self._watch, name="loop-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._stopped.set()
        if self._beat_handle is not None:
            self._beat_handle.cancel()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        now = time.monotonic()
        self.lag.observe(max(0.0, now - self._last_beat - BEAT_S))
        self._last_beat = now
        if self._loop is not None:
            self._beat_handle = self._loop.call_later(BEAT_S, self._beat)

    def _watch(self) -> None:
        reported = 0.0
        while not self._stopped.wait(min(BEAT_S, self._stall_s / 2)):
            beat = self._last_beat
            stood_s = time.monotonic() - beat - BEAT_S
            if stood_s >= self._stall_s and beat != reported:
                reported = beat
                self.stalls += 1
                frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - the only way to see another thread's stack
                log.error("loop.stalled", seconds=round(stood_s, 2), stack=_told(frame))


def _told(frame: FrameType | None) -> str:
    return "" if frame is None else "".join(traceback.format_stack(frame, limit=20))
