"""Which transactions the policy finds: superseded ones, those whose connector is free, and those that fell silent."""

import msgspec
import pytest

from stationmaster.domain.facts import ConnectorStatusChanged, TransactionStarted
from stationmaster.domain.locations import Location
from stationmaster.domain.tidying import HOUR_US, TidyingPolicy, TransactionTidied
from stationmaster.storage import Storage

NOW = 1_790_000_000_000_000
POLICY = TidyingPolicy(superseded_hours=24, idle_hours=24, silent_hours=336)


async def begin(
    storage: Storage, station_id: str, hours_ago: float, evse_id: int = 1, *, heard_hours_ago: float | None = None
) -> int:
    at = NOW - round(hours_ago * HOUR_US)
    heard_at = at if heard_hours_ago is None else NOW - round(heard_hours_ago * HOUR_US)
    fact = TransactionStarted(
        organisation_id="default",
        station_id=station_id,
        received_at=heard_at,
        id=await storage.draw_transaction_id(),
        protocol="ocpp1.6",
        location=Location(station_id, evse_id, 1),
        id_tag="TAG",
        token_id=None,
        parent_id_tag=None,
        meter_start_wh=100,
        started_at=at,
        started_at_text=str(at),
        authorization_status="Accepted",
    )
    await storage.record([fact])
    return fact.id


async def is_available(storage: Storage, station_id: str, hours_ago: float) -> None:
    at = NOW - round(hours_ago * HOUR_US)
    status = ConnectorStatusChanged(
        organisation_id="default",
        station_id=station_id,
        received_at=at,
        location=Location(station_id, 1, 1),
        status="Available",
        error_code="NoError",
        reported_at=at,
    )
    await storage.record([status])


async def found(storage: Storage, policy: TidyingPolicy = POLICY) -> dict[int, str]:
    return {each.id: each.reason for each in await storage.tidying.stale(policy, NOW)}


async def test_a_transaction_that_runs_is_left_alone(storage: Storage) -> None:
    await begin(storage, "CP1", 30)
    assert await found(storage) == {}


async def test_each_reason_has_its_time(storage: Storage) -> None:
    old = await begin(storage, "CP1", 30)
    await begin(storage, "CP1", 1)
    idle = await begin(storage, "CP2", 30)
    await is_available(storage, "CP2", 25)
    silent = await begin(storage, "CP3", 400)
    assert await found(storage) == {old: "superseded", idle: "connector_free", silent: "silent"}
    assert await found(storage, TidyingPolicy(superseded_hours=0, idle_hours=0, silent_hours=0)) == {}
    assert await found(storage, msgspec.structs.replace(POLICY, superseded_hours=48, idle_hours=48)) == {
        silent: "silent"
    }


async def test_a_connector_that_became_free_a_moment_ago_says_nothing_yet(storage: Storage) -> None:
    await begin(storage, "CP1", 30)
    await is_available(storage, "CP1", 2)
    assert await found(storage) == {}


@pytest.mark.parametrize("what", ["closed", "reopened"])
async def test_what_is_tidied_twice_is_tidied_once(storage: Storage, what: str) -> None:
    number = await begin(storage, "CP1", 30)
    tidied = TransactionTidied(
        organisation_id="default",
        station_id="CP1",
        received_at=NOW,
        id=number,
        ocpp_id="any",
        what="closed",
        reason="silent",
        stopped_at=NOW,
    )
    assert await storage.record([tidied]) == [True]
    if what == "closed":
        assert await storage.record([tidied]) == [False]
        return
    reopened = msgspec.structs.replace(tidied, what="reopened")
    assert await storage.record([reopened]) == [True]
    assert await storage.record([reopened]) == [False]
    transaction = await storage.transactions.get(number)
    assert transaction is not None
    assert (transaction.state, transaction.stopped_at) == ("open", None)


async def test_one_that_another_followed_does_not_run_again(storage: Storage) -> None:
    old = await begin(storage, "CP1", 30)
    newer = await begin(storage, "CP1", 1)
    await begin(storage, "CP1", 2, evse_id=2)
    fact = TransactionTidied(
        organisation_id="default", station_id="CP1", received_at=NOW, id=old, ocpp_id="any", what="closed", reason="x"
    )
    assert await storage.record([fact]) == [True]
    assert await storage.record([msgspec.structs.replace(fact, what="reopened")]) == [True]
    reopened = await storage.transactions.get(old)
    assert reopened is not None
    assert reopened.state == "superseded"
    assert newer in {each.id for each in await storage.transactions.open_of_station("CP1")}
    assert old not in {each.id for each in await storage.transactions.open_of_station("CP1")}
    assert await found(storage) == {old: "superseded"}


async def test_one_that_only_an_older_one_came_after_runs_again(storage: Storage) -> None:
    """The station was offline while the older one ran: that was heard of late."""
    running = await begin(storage, "CP1", 30)
    fact = TransactionTidied(
        organisation_id="default",
        station_id="CP1",
        received_at=NOW,
        id=running,
        ocpp_id="any",
        what="closed",
        reason="silent",
    )
    assert await storage.record([fact]) == [True]
    await begin(storage, "CP1", 40, heard_hours_ago=1)
    assert await storage.record([msgspec.structs.replace(fact, what="reopened")]) == [True]
    reopened = await storage.transactions.get(running)
    assert reopened is not None
    assert reopened.state == "open"


async def test_one_that_came_late_itself_does_not_run_again_beside_the_newer(storage: Storage) -> None:
    newer = await begin(storage, "CP1", 30)
    late = await begin(storage, "CP1", 40, heard_hours_ago=1)
    fact = TransactionTidied(
        organisation_id="default",
        station_id="CP1",
        received_at=NOW,
        id=late,
        ocpp_id="any",
        what="closed",
        reason="superseded",
    )
    assert await storage.record([fact]) == [True]
    assert await storage.record([msgspec.structs.replace(fact, what="reopened")]) == [True]
    assert [each.id for each in await storage.transactions.open_of_station("CP1")] == [newer]
