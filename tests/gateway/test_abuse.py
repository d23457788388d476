"""Attackers at the door: guessing, scanning, and claiming to be somebody who is in already (S-02, S-03, D-06)."""

import asyncio
from collections import Counter

from stationmaster.gateway.limits import FAILURES_PER_ADDRESS, MOST_SWAPS, SWAPS_S, Limits
from tests.gateway.conftest import PASSWORD, StartWorld, World, basic, until
from tests.gateway.raw import RawStation, upgrade

ATTACKERS = 50
GUESSES = 10_000


async def from_address(world: World, address: str) -> RawStation:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port, local_addr=(address, 0))
    station = RawStation(reader, writer)
    world.stations.append(station)
    return station


async def test_ten_thousand_guesses_neither_get_in_nor_keep_the_real_station_out(start_world: StartWorld) -> None:
    world = await start_world(failures_per_minute=30)
    world.directory.add("CP1", security_profile=1, password_hash=PASSWORD)
    found: Counter[int] = Counter()

    async def attack(address: str) -> None:
        for number in range(GUESSES // ATTACKERS):
            reader, writer = await asyncio.open_connection("127.0.0.1", world.port, local_addr=(address, 0))
            attempt = RawStation(reader, writer)
            guess = b"guess number %09d of %d" % (number, GUESSES)
            found[(await attempt.request(upgrade("/ocpp/CP1", Authorization=basic("CP1", guess)))).status] += 1
            attempt.drop()

    attacks = [asyncio.create_task(attack(f"127.0.1.{number}")) for number in range(1, ATTACKERS + 1)]
    for _ in range(3):
        real = await world.station("CP1", Authorization=basic("CP1"))
        assert (await real.call([2, "1", "Heartbeat", {}]))[0] == 3
        real.drop()
        await until(lambda: world.gateway.connected_stations() == [])
    await asyncio.gather(*attacks)
    assert set(found) == {401, 429}
    assert found[401] <= ATTACKERS * 31
    assert sum(found.values()) == GUESSES
    await world.station("CP1", Authorization=basic("CP1"))


def test_who_tries_many_identities_waits_but_a_station_that_was_in_does_not() -> None:
    limits = Limits(30, 5)
    limits.succeeded("REAL", "192.0.2.1")
    for number in range(FAILURES_PER_ADDRESS + 1):
        limits.failed(f"CP{number}", "192.0.2.1", 0.0)
    assert limits.wait_s("ANY", "192.0.2.1", 1.0) == 59
    assert limits.wait_s("REAL", "192.0.2.1", 1.0) == 0
    assert limits.wait_s("ANY", "192.0.2.2", 1.0) == 0
    assert limits.wait_s("ANY", "192.0.2.1", 61.0) == 0


async def test_a_second_device_is_told_of_and_flapping_keeps_who_is_in(world: World) -> None:
    world.directory.add("CP1")
    addresses = ["127.0.2.1", "127.0.2.2"]
    for number in range(MOST_SWAPS + 2):
        station = await from_address(world, addresses[number % 2])
        await station.open()
    await until(lambda: ("contested", "CP1") in world.directory.told)
    assert ("moved", "127.0.2.1 -> 127.0.2.2") in world.directory.told
    holder = world.stations[-1]
    challenger = await from_address(world, addresses[(MOST_SWAPS + 2) % 2])
    response = await challenger.request(upgrade())
    assert response.status == 429
    assert int(response.headers["retry-after"]) > 60
    assert (await holder.call([2, "1", "Heartbeat", {}]))[0] == 3
    again = await from_address(world, addresses[(MOST_SWAPS + 1) % 2])
    await again.open()  # from where it was: its connection was lost


def test_flapping_is_forgotten_when_it_has_stopped() -> None:
    limits = Limits(30, 5)
    for number in range(MOST_SWAPS + 1):
        limits.swapped("CP1", float(number))
    assert limits.swap_wait_s("CP1", 5.0) == round(SWAPS_S - 5)
    assert limits.swap_wait_s("CP1", SWAPS_S + MOST_SWAPS) == 0
