"""A plan is written by its owner only, and what a planner asks of many stations at once."""

from stationmaster.storage import Storage
from tests.storage.conftest import Clock
from tests.storage.facts import booted, connected, ended, started

SITE = ("default", "site-1")


async def test_who_is_the_owner_no_more_writes_nothing(storage: Storage, clock: Clock) -> None:
    plans = storage.site_plans
    first = await plans.take(*SITE, "node-1", clock() + 1)
    clock.forward(10)
    second = await plans.take(*SITE, "node-2", clock() + 1)
    assert first is not None
    assert second is not None
    assert not await plans.keep(*SITE, first[0], "by the first")
    assert await plans.keep(*SITE, second[0], "by the second")
    assert not await plans.keep("default", "site-2", second[0], "of another site")
    assert await plans.snapshot_of(*SITE) == ("by the second", clock(), "node-2")


async def test_stations_are_looked_at_many_at_once(storage: Storage) -> None:
    names = ["CP1", "CP2", 'CP"3']
    for number, name in enumerate(names, 1):
        await storage.record([connected(number, number, name), booted(station_id=name)])
    starts = [started(await storage.draw_transaction_id(), name, connector=2) for name in names]
    stored = await storage.record(starts)
    await storage.record([ended(stored[1].ocpp_id, 0, "CP2")])
    assert await storage.site_plans.connected(["CP1", 'CP"3', "CP4"]) == {"CP1", 'CP"3'}
    assert await storage.site_plans.connected(["CP2"]) == {"CP2"}
    running = await storage.site_plans.running([*names, "CP4"])
    assert sorted((row[0], row[1]) for row in running) == [('CP"3', 2), ("CP1", 2)]
    assert await storage.site_plans.running(["CP2"]) == []
    assert await storage.charging_profiles.mirrors_of(names) == {}
