"""The watchdog: a loop that stands still is told with what it was doing."""

import asyncio
import time

from structlog.testing import capture_logs

from stationmaster.app.watchdog import LoopWatchdog


def block_the_loop() -> None:
    time.sleep(1.0)


async def test_a_loop_that_stands_still_is_logged_once_with_its_stack() -> None:
    watchdog = LoopWatchdog(stall_s=0.2)
    with capture_logs() as lines:
        watchdog.start()
        await asyncio.sleep(0.3)
        block_the_loop()
        await asyncio.sleep(0.3)
        watchdog.stop()
    stalls = [line for line in lines if line["event"] == "loop.stalled"]
    assert len(stalls) == watchdog.stalls == 1
    assert "block_the_loop" in stalls[0]["stack"]
    assert watchdog.lag.total > 0.5


async def test_a_loop_that_runs_is_not_mentioned() -> None:
    watchdog = LoopWatchdog(stall_s=5)
    with capture_logs() as lines:
        watchdog.start()
        await asyncio.sleep(0.6)
        watchdog.stop()
    assert lines == []
    assert sum(watchdog.lag.counts) >= 1
