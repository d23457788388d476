"""Attackers at the door: guessing and scanning (S-03, D-06)."""

import asyncio
from collections import Counter

from stationmaster.gateway.limits import FAILURES_PER_ADDRESS, Limits
from tests.gateway.conftest import PASSWORD, StartWorld, basic, until
from tests.gateway.raw import RawStation, upgrade

ATTACKERS = 50
GUESSES = 10_000


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
