"""The parts of a simulated station, each by itself: clock, cars, delivery."""

import asyncio
import random
from typing import Any

import pytest

from stationmaster.conformance.errors import CallRefused, CallUnanswered
from stationmaster.conformance.life.clock import Clock
from stationmaster.conformance.life.configuration import CONFIGURATION_KEYS, Configuration
from stationmaster.conformance.life.delivery import Delivery
from stationmaster.conformance.life.vehicles import Vehicle, draw_vehicle
from stationmaster.conformance.link import now

HOUR_US = 3_600_000_000


class World:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_740_832_496_000_000

    def __call__(self) -> int:
        return self.now


def test_a_fast_clock_catches_up_and_never_runs_ahead() -> None:
    world = World()
    clock = Clock(world.now - 20_000_000, 201.0, world)
    behind = []
    for _ in range(30):
        behind.append(world.now - clock.now())
        world.now += 10_000
    assert behind[:3] == [20_000_000, 18_000_000, 16_000_000]
    assert behind[10:] == [0] * 20


def test_how_long_a_fast_clock_makes_the_world_wait() -> None:
    world = World()
    clock = Clock(world.now - 10 * HOUR_US, 3600.0, world)
    assert clock.real_seconds_until(clock.now() + HOUR_US) == pytest.approx(1)
    assert clock.real_seconds_until(clock.now() - 1) == 0
    assert clock.real_seconds_until(world.now + HOUR_US) == pytest.approx(3600), "past catching up an hour is an hour"
    world.now += HOUR_US
    assert clock.real_seconds_until(world.now + HOUR_US) == pytest.approx(3600)


def test_a_clock_may_lag_for_ever() -> None:
    world = World()
    clock = Clock(world.now - HOUR_US, world=world)
    world.now += 5_000_000
    assert clock.now() == world.now - HOUR_US
    assert clock.real_seconds_until(clock.now() + 1_000_000) == 1
    with pytest.raises(ValueError, match="speed"):
        Clock(speed=0.5)


async def test_waiting_ends_with_the_event_or_with_the_time() -> None:
    clock, event = Clock(now() - HOUR_US, speed=1000.0), asyncio.Event()
    assert not await clock.wait(event, 10)
    event.set()
    assert await clock.wait(event, 10_000)


@pytest.mark.parametrize("direct_current", [False, True])
def test_cars_take_less_when_they_are_full_and_nothing_when_they_have_enough(direct_current: bool) -> None:
    for seed in range(30):
        vehicle = draw_vehicle(random.Random(seed), direct_current)
        most = vehicle.direct_current_w if direct_current else vehicle.onboard_charger_w
        power_w = []
        for _ in range(100_000):
            power_w.append(vehicle.accepts_w(direct_current))
            if power_w[-1] == 0:
                break
            vehicle.absorb(power_w[-1] * 10 / 3600)
        assert power_w[-1] == 0, "it ends"
        assert max(power_w) <= most
        assert 0 < power_w[-2] < most or vehicle.target < 0.92
        assert vehicle.state_of_charge == pytest.approx(vehicle.target, abs=0.02)


def test_a_battery_does_not_overflow() -> None:
    vehicle = Vehicle(50_000, 0.9, 1.0, 11_000, 100_000, 3)
    vehicle.absorb(1e9)
    assert vehicle.state_of_charge == 1.0


def test_every_key_takes_its_own_default() -> None:
    configuration = Configuration()
    for key in CONFIGURATION_KEYS:
        if key.access == "RW" and key.name != "CpoName":
            assert configuration.change(key.name, key.default) in ("Accepted", "RebootRequired"), key.name


class Line:
    """A line to a central system that answers as it is told to: an answer, an error, or nothing more."""

    def __init__(self, *outcomes: dict[str, Any] | Exception) -> None:
        self.outcomes = list(outcomes)
        self.said: list[tuple[str, dict[str, Any]]] = []

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.said.append((action, payload))
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


REFUSED = CallRefused("StartTransaction", "InternalError", "")
OFFLINE = CallUnanswered("StartTransaction", "not_delivered", "offline")
LATE = CallUnanswered("StartTransaction", "timeout", "no answer")


@pytest.mark.parametrize(
    ("outcomes", "confirmed", "transmissions"),
    [
        ([{"transactionId": 7}], {"transactionId": 7}, 1),
        ([REFUSED, {"transactionId": 7}], {"transactionId": 7}, 2),
        ([OFFLINE] * 9 + [{"transactionId": 7}], {"transactionId": 7}, 10),
        ([REFUSED, LATE, REFUSED], None, 3),
    ],
    ids=["at once", "again", "offline does not count", "given up"],
)
async def test_a_transaction_message_is_sent_until_it_is_confirmed_or_given_up(
    outcomes: list[dict[str, Any] | Exception], confirmed: dict[str, Any] | None, transmissions: int
) -> None:
    line, online = Line(*outcomes, {}), asyncio.Event()
    online.set()
    configuration = Configuration(TransactionMessageAttempts="3")
    delivery = Delivery(line.call, online, Clock(now() - HOUR_US, 100_000.0), configuration)
    answers: list[dict[str, Any] | None] = []
    delivery.add("StartTransaction", lambda: {"connectorId": 1}, answers.append)
    delivery.add("StopTransaction", lambda: {"transactionId": 7})
    task = asyncio.create_task(delivery.run())
    await delivery.empty.wait()
    task.cancel()
    assert answers == [confirmed]
    assert [action for action, _ in line.said] == ["StartTransaction"] * transmissions + ["StopTransaction"]
