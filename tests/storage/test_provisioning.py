"""Stations: registered, connected, booted, turned away, tolerated."""

import asyncio
from typing import Any

import msgspec
import pytest

from stationmaster.domain.facts import HandshakeRefused, OddityTolerated, StationSeen
from stationmaster.domain.identity_contests import IdentityContested, IdentitySettled
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.storage import AlreadyStored, BadCursor, Conflict, NotFound, Refused, Storage
from stationmaster.storage.queries.access import ApiKey, Organisation
from tests.storage.conftest import Clock, rows_of
from tests.storage.facts import at, booted, connected, disconnected, head, status


def refused(
    station_id: str = "CPX", reason: str = "unknown_station", seconds: float = 0, **more: Any
) -> HandshakeRefused:
    fields: dict[str, Any] = {
        "remote_address": "192.0.2.9",
        "path": f"/ocpp/{station_id}",
        "status": 404,
        "detail": "nobody knows it",
        "known": False,
    } | more
    return HandshakeRefused(**(head(station_id, seconds) | {"organisation_id": ""}), reason=reason, **fields)


async def test_a_station_is_registered_as_it_was_given(storage: Storage, clock: Clock) -> None:
    given = Station(
        id="CP1",
        site_id="site",
        name="Front door",
        operator_state="Pending",
        security_profile=2,
        password_hash=b"\x00\xff",
        strict=True,
        latitude=52.5,
        call_timeout_s=20,
    )
    stored = await storage.stations.create(given)
    assert stored == msgspec.structs.replace(given, created_at=clock.now, updated_at=clock.now)
    assert await storage.stations.get("CP1") == stored
    assert await storage.stations.get("cp1") is None


async def test_identities_that_differ_in_case_only_are_not_both_registered(storage: Storage) -> None:
    await storage.stations.create(Station(id="CP1"))
    for taken in ("CP1", "cp1"):
        with pytest.raises(Conflict, match=taken):
            await storage.stations.create(Station(id=taken))


async def test_a_station_of_an_unknown_organisation_is_refused(storage: Storage) -> None:
    with pytest.raises(Refused):
        await storage.stations.create(Station(id="CP1", organisation_id="nobody"))
    await storage.organisations.create(Organisation(id="nobody", name="Somebody"))
    await storage.stations.create(Station(id="CP1", organisation_id="nobody"))


async def test_a_station_is_changed_by_names(storage: Storage, clock: Clock) -> None:
    await storage.stations.create(Station(id="CP1"))
    clock.forward(5)
    changed = await storage.stations.update("CP1", {"operator_state": "Rejected", "strict": True, "note": None})
    assert (changed.operator_state, changed.strict, changed.updated_at) == ("Rejected", True, clock.now)
    with pytest.raises(NotFound):
        await storage.stations.update("CP2", {"name": "x"})
    for fixed in ("id", "organisation_id", "connected", "created_at", "nonsense"):
        with pytest.raises(ValueError, match=fixed):
            await storage.stations.update("CP1", {fixed: 1})


async def test_what_is_contested_is_found_and_begins_and_ends_once(storage: Storage) -> None:
    for name in ("CP1", "CP2"):
        await storage.stations.create(Station(id=name))
    begun = [IdentityContested(**head("CP1", second), remote_addresses=("a", "b")) for second in (1, 2)]
    assert await storage.record(begun) == [None, AlreadyStored()]
    (found,) = (await storage.stations.find(contested=True)).items
    assert (found.id, found.contested_since) == ("CP1", at(1))
    assert await storage.stations.lookup("CP1") == found
    ends = [IdentitySettled(**head(name, 3)) for name in ("CP1", "CP1", "CP2")]
    assert await storage.record(ends) == [None, AlreadyStored(), AlreadyStored()]
    assert (await storage.stations.find(contested=True)).items == []
    types = [event.type for event in (await storage.events.find()).items]
    assert types == ["station.identity_settled", "station.identity_contested"]


async def test_a_forgotten_station_leaves_its_history(storage: Storage) -> None:
    await storage.stations.create(Station(id="CP1"))
    await storage.record([connected(1, 1), status("Charging"), booted()])
    await storage.stations.delete("CP1")
    assert await storage.stations.get("CP1") is None
    assert await storage.connectors.of("CP1") == []
    assert len((await storage.events.find(station_id="CP1")).items) == 3
    with pytest.raises(NotFound):
        await storage.stations.delete("CP1")
    again = await storage.stations.create(Station(id="CP1"))
    assert (again.connected, again.connection_epoch) == (False, 0)


async def test_look_ups_of_one_moment_share_a_query(storage: Storage) -> None:
    for i in range(3):
        await storage.stations.create(Station(id=f"CP{i}"))
    wanted = ["CP0", "CP2", "CP9", "CP0"]
    found = await asyncio.gather(*map(storage.stations.lookup, wanted))
    assert [station and station.id for station in found] == ["CP0", "CP2", None, "CP0"]
    assert await storage.stations.lookup("CP1") is not None


async def test_a_connection_shows_and_ends(storage: Storage, database_url: str) -> None:
    await storage.stations.create(Station(id="CP1"))
    await storage.record([connected(11, 1, seconds=1, user_agent="agent")])
    station = await storage.stations.get("CP1")
    assert station is not None
    assert (station.connected, station.node_id, station.connection_epoch) == (True, "node-1", 1)
    assert (station.connected_at, station.last_seen_at, station.last_protocol) == (at(1), at(1), "ocpp1.6")
    await storage.record([disconnected(11, 1, seconds=9)])
    station = await storage.stations.get("CP1")
    assert station is not None
    assert (station.connected, station.disconnected_at) == (False, at(9))
    rows = await rows_of(database_url, "SELECT id, user_agent, disconnected_at, close_code FROM connection")
    assert rows == [(11, "agent", at(9), 1006)]


@pytest.mark.parametrize("together", [True, False])
async def test_a_late_close_of_the_old_connection_never_evicts_the_new_one(storage: Storage, together: bool) -> None:
    await storage.stations.create(Station(id="CP1"))
    facts = [connected(11, 1, seconds=1), connected(12, 2, seconds=2), disconnected(11, 1, seconds=3)]
    for part in [facts] if together else [[fact] for fact in facts]:
        await storage.record(part)
    station = await storage.stations.get("CP1")
    assert station is not None
    assert (station.connected, station.connection_epoch, station.connected_at) == (True, 2, at(2))


async def test_an_older_connection_never_overwrites_a_newer_one(storage: Storage) -> None:
    await storage.stations.create(Station(id="CP1"))
    await storage.record([connected(12, 2, seconds=2)])
    await storage.record([connected(11, 1, seconds=3)])
    station = await storage.stations.get("CP1")
    assert station is not None
    assert (station.connection_epoch, station.connected_at) == (2, at(2))


async def test_a_node_that_starts_forgets_the_connections_of_its_last_life(storage: Storage) -> None:
    for i, node_id in enumerate(("node-1", "node-2", "node-1")):
        await storage.stations.create(Station(id=f"CP{i}"))
        await storage.record([connected(i, 1, f"CP{i}", node_id=node_id)])
    assert await storage.stations.forget_connections("node-1") == 2
    assert [found.id for found in (await storage.stations.find(connected=True)).items] == ["CP1"]
    assert await storage.stations.count() == (3, 1)
    assert await storage.stations.count("other") == (0, 0)


async def last_seen_at(storage: Storage) -> Instant | None:
    station = await storage.stations.get("CP1")
    assert station is not None
    return station.last_seen_at


async def test_the_end_of_a_connection_tells_when_the_station_was_seen_last(storage: Storage) -> None:
    await storage.stations.create(Station(id="CP1"))
    await storage.record([connected(11, 1, seconds=1)])
    await storage.record([disconnected(11, 1, seconds=99, last_seen_at=at(40))])
    assert await last_seen_at(storage) == at(40)
    await storage.record([connected(12, 2, seconds=100)])
    await storage.record([disconnected(12, 2, seconds=120)])
    assert await last_seen_at(storage) == at(100), "nobody knows when: a node was lost"


async def test_last_seen_never_goes_back(storage: Storage) -> None:
    """Ends and notes of a connection may come when the next one has begun."""
    await storage.stations.create(Station(id="CP1"))
    await storage.record([connected(11, 1, seconds=1), connected(12, 2, seconds=50)])
    await storage.record([disconnected(11, 1, seconds=60, last_seen_at=at(55))])
    storage.note(StationSeen(**head("CP1", 40)))
    await storage.record([status("Available")])
    assert await last_seen_at(storage) == at(50)
    await storage.record([disconnected(12, 2, seconds=60, last_seen_at=at(45))])
    assert await last_seen_at(storage) == at(50)


async def test_last_seen_moves_without_a_connection_being_touched(storage: Storage) -> None:
    await storage.stations.create(Station(id="CP1"))
    await storage.record([connected(11, 3, seconds=1)])
    storage.note(StationSeen(**head("CP1", 50)))
    storage.note(StationSeen(**head("CP1", 60)))
    storage.note(StationSeen(**head("never-connected", 60)))
    await storage.record([status("Available")])
    station = await storage.stations.get("CP1")
    assert station is not None
    assert (station.last_seen_at, station.connected, station.connection_epoch) == (at(60), True, 3)


async def test_a_boot_is_kept(storage: Storage) -> None:
    await storage.stations.create(Station(id="CP1"))
    await storage.record([booted("Pending", seconds=1, serial_number="S1", firmware_version="1.0", iccid="i")])
    station = await storage.stations.get("CP1")
    assert station is not None
    assert (station.reported_state, station.accepted_before, station.serial_number) == ("Pending", False, "S1")
    await storage.record([booted("Accepted", seconds=2, serial_number="S2", firmware_version="1.1")])
    await storage.record([booted("Rejected", seconds=3, serial_number="S2", firmware_version="1.1")])
    station = await storage.stations.get("CP1")
    assert station is not None
    assert (station.reported_state, station.accepted_before, station.last_boot_at) == ("Rejected", True, at(3))
    assert (station.vendor, station.firmware_version, station.iccid) == ("Vendor", "1.1", None)
    assert station.serial_number == "S1"


async def test_boots_of_unknown_stations_harm_nobody(storage: Storage) -> None:
    assert await storage.record([booted(station_id="nobody"), booted(station_id="nobody")]) == [None, None]


async def test_stations_are_listed_with_filters_and_pages(storage: Storage) -> None:
    for i in range(6):
        await storage.stations.create(
            Station(
                id=f"CP{i}",
                site_id=f"site{i % 2}",
                operator_state="Pending" if i == 5 else "Accepted",
                name=f"100%_{i}",
            )
        )

    async def ids(**filters: Any) -> list[str]:
        return [found.id for found in (await storage.stations.find(**filters)).items]

    assert await ids() == [f"CP{i}" for i in range(6)]
    assert await ids(operator_state="Pending") == ["CP5"]
    assert await ids(site_id="site1") == ["CP1", "CP3", "CP5"]
    assert await ids(site_ids=["site0"], search="cp4") == ["CP4"]
    assert await ids(search="0%_3") == ["CP3"]
    assert await ids(search="%") == [f"CP{i}" for i in range(6)]
    assert await ids(search="\\") == []
    assert await ids(organisation_id="other") == []
    first = await storage.stations.find(limit=4)
    rest = await storage.stations.find(limit=4, cursor=first.next_cursor)
    assert [found.id for found in (*first.items, *rest.items)] == await ids()
    assert rest.next_cursor is None
    for bad in ("", "!!!", "e30", "MTIz", "x" * 999):
        with pytest.raises(BadCursor):
            await storage.stations.find(cursor=bad)


async def test_refusals_are_counted_by_identity_address_and_reason(storage: Storage) -> None:
    await storage.record([refused(seconds=1), refused(seconds=2), refused("CPY", seconds=3)])
    await storage.record(
        [refused(seconds=9, detail="still", user_agent="agent"), refused(reason="throttled", seconds=4)]
    )
    page = await storage.attempts.find()
    assert [(found.station_id, found.reason, found.count) for found in page.items] == [
        ("CPX", "unknown_station", 3),
        ("CPX", "throttled", 1),
        ("CPY", "unknown_station", 1),
    ]
    first = page.items[0]
    assert (first.first_at, first.last_at, first.detail, first.user_agent) == (at(1), at(9), "still", "agent")
    assert (first.organisation_id, first.known) == ("", False)
    assert len((await storage.attempts.find(station_id="CPX", since=at(5))).items) == 1
    assert len((await storage.attempts.find(["", "default"], known=False)).items) == 3
    assert len((await storage.attempts.find(known=True)).items) == 0
    half = await storage.attempts.find(limit=2)
    assert len((await storage.attempts.find(limit=2, cursor=half.next_cursor)).items) == 1
    await storage.attempts.forget("CPX")
    assert len((await storage.attempts.find()).items) == 1


async def test_refusals_of_endless_names_are_clipped(storage: Storage) -> None:
    await storage.record([refused("X" * 10_000, path="/" + "X" * 10_000)])
    found = (await storage.attempts.find()).items[0]
    assert len(found.station_id) == 255


async def test_oddities_are_counted_with_the_latest_example(storage: Storage) -> None:
    def odd(
        raw: str, path: str = "$.timestamp", action: str | None = "Heartbeat", seconds: float = 0
    ) -> OddityTolerated:
        return OddityTolerated(**head("CP1", seconds), kind="bad_timestamp", action=action, path=path, raw=raw)

    for fact in (odd("a", seconds=1), odd("b", seconds=2), odd("c", path="$.other"), odd("d", action=None)):
        storage.note(fact)
    await storage.record([status("Available")])
    storage.note(odd("z" * 5000, seconds=3))
    await storage.record([status("Available")])
    found = await storage.oddities.of("CP1")
    assert [(item.action, item.path, item.count) for item in found] == [
        ("Heartbeat", "$.timestamp", 3),
        ("", "$.timestamp", 1),
        ("Heartbeat", "$.other", 1),
    ]
    assert (found[0].raw, found[0].first_at, found[0].last_at) == ("z" * 1000, at(1), at(3))


async def test_keys_of_the_api_are_found_by_hash_and_revoked_once(storage: Storage, clock: Clock) -> None:
    given = ApiKey(id="k1", organisation_id="default", name="ci", role="admin", hash=b"\x01", site_ids=("a", "b"))
    stored = await storage.api_keys.create(given)
    assert await storage.api_keys.by_hash(b"\x01") == stored
    assert await storage.api_keys.by_hash(b"\x02") is None
    with pytest.raises(Conflict):
        await storage.api_keys.create(msgspec.structs.replace(given, id="k2"))
    clock.forward(1)
    revoked = await storage.api_keys.revoke("k1")
    clock.forward(1)
    assert (await storage.api_keys.revoke("k1")).revoked_at == revoked.revoked_at == clock.now - 1_000_000
    assert (await storage.api_keys.used("k1")).last_used_at == clock.now
    await storage.api_keys.create(ApiKey(id="k0", organisation_id="default", name="", role="viewer", hash=b"\x03"))
    assert [key.id for key in (await storage.api_keys.find()).items] == ["k0", "k1"]
    assert [key.id for key in (await storage.api_keys.find(role="admin", limit=1)).items] == ["k1"]
    with pytest.raises(NotFound):
        await storage.api_keys.revoke("nothing")


async def test_texts_that_no_database_takes_are_refused_in_changes_by_people(storage: Storage) -> None:
    with pytest.raises(Refused):
        await storage.stations.create(Station(id="CP1", name="lone \ud800"))
    assert await storage.stations.create(Station(id="CP1")) is not None
