"""The shared timer."""

import asyncio

import structlog

from stationmaster.gateway.sweep import Sweep
from tests.gateway.conftest import until


class Fake:
    """Something to watch."""

    def __init__(self, sweep: Sweep, again: int = 0) -> None:
        self.due_tick = 0
        self.again = again
        self.seen: list[int] = []
        self.looks = 0
        self._sweep = sweep

    def due(self, tick: int) -> int:
        self.seen.append(tick)
        return tick + self.again if self.again else 0

    def look(self, tick: int) -> None:
        self.looks += 1


class Broken(Fake):
    def due(self, tick: int) -> int:
        raise RuntimeError("due")

    def look(self, tick: int) -> None:
        raise RuntimeError("look")


async def test_each_is_looked_at_when_it_is_due() -> None:
    sweep = Sweep(0.005)
    once, often = Fake(sweep), Fake(sweep, again=3)
    sweep.watch(once, 4)
    sweep.watch(often, 4)
    sweep.start()
    await until(lambda: len(often.seen) >= 4)
    sweep.stop()
    assert len(once.seen) == 1
    assert {later - earlier for earlier, later in zip(often.seen, often.seen[1:], strict=False)} == {3}
    tick = sweep.tick
    await asyncio.sleep(0.02)
    assert sweep.tick == tick


async def test_the_forgotten_are_left_alone() -> None:
    sweep = Sweep(0.005)
    watched = Fake(sweep, again=1)
    sweep.watch(watched, 1)
    sweep.attend(watched)
    sweep.forget(watched)
    sweep.start()
    await asyncio.sleep(0.03)
    sweep.stop()
    assert watched.seen == []
    assert watched.looks == 0
    assert sweep._slots == {}


async def test_newcomers_are_spread_over_the_interval() -> None:
    sweep = Sweep(1)
    watched = [Fake(sweep) for _ in range(60)]
    for each in watched:
        sweep.watch(each, 60)
    assert sorted(each.due_tick for each in watched) == list(range(2, 62))


async def test_one_that_breaks_does_not_stop_the_others() -> None:
    sweep = Sweep(0.005)
    broken, sound = Broken(sweep), Fake(sweep, again=1)
    for each in (broken, sound):
        sweep.watch(each, 1)
        sweep.attend(each)
    with structlog.testing.capture_logs() as logs:
        sweep.start()
        await until(lambda: len(sound.seen) >= 3)
        sweep.stop()
    assert {entry["event"] for entry in logs} == {"sweep.due_failed", "sweep.look_failed"}
    assert sound.looks >= 3


def test_durations_are_at_least_one_tick_and_zero_is_never() -> None:
    sweep = Sweep(0.5)
    assert [sweep.ticks(duration_s) for duration_s in (0, 0.1, 1, 60)] == [0, 1, 2, 120]
