"""Two nodes on one database and one broker.

A command finds the node that holds the station, events reach everybody, the newest connection
wins, and what was asked while the broker was away is never done late (RELIABILITY R-06).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stationmaster.app.node import Node, running_node
from stationmaster.conformance.station import ScriptedStation
from stationmaster.domain.facts import StationConnected
from stationmaster.domain.identity_contests import MOST_MOVES, IdentityContested
from stationmaster.jobs.claims import beat
from tests.api.conftest import PASSWORD, Client, client_of, eventually, new_id, settings_of
from tests.api.devices import ELSEWHERE, HOME, Devices
from tests.api.test_events import stream
from tests.bus.conftest import Link
from tests.postgres import PostgresServer
from tests.walks.running import NodeProcess
from tests.walks.states import timestamp

pytestmark = [pytest.mark.nats, pytest.mark.postgres]

HOUR_US = 3_600_000_000
PEPPER = "the same on both nodes"
ACCEPTED = {"status": "Accepted"}


@dataclass
class Cluster:
    """Two nodes; the broker is behind a link of its own for each."""

    one: Node
    two: Node
    at_one: Client
    at_two: Client
    link_one: Link

    async def station(self, node: Node, station_id: str) -> ScriptedStation:
        """A station that connects to a node."""
        station = ScriptedStation(node.ocpp_url("127.0.0.1"), station_id, password=PASSWORD, patience_s=10)
        await station.connect()
        answer = await station.call("BootNotification", {"chargePointVendor": "Tests", "chargePointModel": "One"})
        assert answer["status"] == "Accepted"
        return station


@pytest.fixture
def shared_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    name = postgres_server.create(postgres_template)
    yield postgres_server.url_of(name)
    postgres_server.drop(name)


@asynccontextmanager
async def node_of(folder: Path, url: str, broker: str, node_id: str) -> AsyncIterator[Node]:
    settings = settings_of(
        folder / node_id,
        url,
        node__id=node_id,
        bus__url=broker,
        security__pepper=PEPPER,
    )
    async with running_node(settings) as node:
        yield node


@pytest.fixture
async def cluster(tmp_path: Path, shared_url: str, nats_url: str, link: Link) -> AsyncIterator[Cluster]:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(node_of(tmp_path, shared_url, link.url, "one"))
        two = await stack.enter_async_context(node_of(tmp_path, shared_url, nats_url, "two"))
        assert one.first_key is not None
        assert two.first_key is None
        at_one = await stack.enter_async_context(client_of(one, one.first_key))
        at_two = await stack.enter_async_context(client_of(two, one.first_key))
        yield Cluster(one, two, at_one, at_two, link)


async def test_a_command_reaches_the_station_on_the_other_node(cluster: Cluster) -> None:
    station_id = await cluster.at_one.station()
    station = await cluster.station(cluster.one, station_id)
    asked = asyncio.create_task(cluster.at_two.post(f"/stations/{station_id}/commands/ClearCache", {}, 200))
    await station.obey("ClearCache", {"status": "Accepted"})
    job = await asked
    assert (job["state"], job["response"]) == ("done", {"status": "Accepted"})
    assert await cluster.at_one.get(f"/jobs/{job['id']}") == job
    seen = await cluster.at_two.get(f"/stations/{station_id}")
    assert (seen["connected"], seen["node_id"]) == (True, "one")
    await station.disconnect()

    async def gone() -> bool:
        return not (await cluster.at_two.get(f"/stations/{station_id}"))["connected"]

    await eventually(gone)
    await cluster.at_two.problem("POST", f"/stations/{station_id}/commands/ClearCache", 409, "station_offline", json={})


async def test_a_payload_that_breaks_the_schema_is_refused_at_any_node(cluster: Cluster) -> None:
    station_id = await cluster.at_one.station()
    station = await cluster.station(cluster.one, station_id)
    problem = await cluster.at_two.problem(
        "POST", f"/stations/{station_id}/commands/Reset", 422, "payload_invalid", json={"type": "Warm"}
    )
    assert problem["errors"][0]["field"] == "type"
    await station.disconnect()


async def test_events_of_one_node_reach_the_clients_of_the_other_once(cluster: Cluster) -> None:
    station_id = await cluster.at_one.station()
    async with stream(cluster.at_two, station_id=station_id) as events:
        station = await cluster.station(cluster.one, station_id)
        await station.disconnect()
        told = [await events.until("station.connected"), await events.until("station.disconnected")]
    assert [each["station_id"] for each in told] == [station_id] * 2
    past = [each["id"] for each in (await cluster.at_one.get("/past-events", station_id=station_id))["items"]]
    assert {each["id"] for each in told} <= set(past)


async def test_the_newest_connection_wins_across_nodes(cluster: Cluster) -> None:
    station_id = await cluster.at_one.station()
    old = await cluster.station(cluster.one, station_id)
    new = await cluster.station(cluster.two, station_id)
    assert (await old.closed()).code == 1008
    for api in (cluster.at_one, cluster.at_two):
        asked = asyncio.create_task(api.post(f"/stations/{station_id}/commands/ClearCache", {}, 200))
        await new.obey("ClearCache", {"status": "Accepted"})
        assert (await asked)["state"] == "done"
    seen = await cluster.at_one.get(f"/stations/{station_id}")
    assert (seen["connected"], seen["node_id"]) == (True, "two"), "the end of the old connection changes nothing"
    await new.disconnect()


@pytest.fixture
async def mortal_node(tmp_path: Path, cluster: Cluster, shared_url: str, nats_url: str) -> AsyncIterator[NodeProcess]:
    """A third node of the cluster, in a process of its own: a test may kill it."""
    folder = tmp_path / "mortal"
    folder.mkdir()
    node = NodeProcess(folder, shared_url, NODE_ID="mortal", BUS_URL=nats_url, SECURITY_PEPPER=PEPPER)
    await asyncio.to_thread(node.start)
    yield node
    await asyncio.to_thread(node.kill)


async def command(api: Client, station_id: str, action: str, expected: int = 202, **query: Any) -> Any:
    """A command that nobody waits for; its job."""
    return await api.post(f"/stations/{station_id}/commands/{action}", {}, expected, wait=0, **query)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_what_was_on_its_way_at_a_node_that_died_ends_soon_where_its_station_came_in(
    cluster: Cluster, mortal_node: NodeProcess
) -> None:
    """The station is faster than whoever buries its node, so that nobody finds it among the stations of the dead."""
    station_id, api = await cluster.at_two.station(), cluster.at_two
    async with ScriptedStation(mortal_node.url, station_id, password=PASSWORD) as old:
        await old.call("BootNotification", {"chargePointVendor": "Tests", "chargePointModel": "One"})
        under_way = await command(api, station_id, "ClearCache")
        await old.expect("ClearCache")
        behind = await command(api, station_id, "GetLocalListVersion")

        async def sent() -> bool:
            return bool((await api.get(f"/jobs/{under_way['id']}"))["state"] == "sent")

        await eventually(sent)
        await asyncio.to_thread(mortal_node.kill)
    await asyncio.sleep(1)  # A station needs a moment, too; what is asked in this moment may go out where it comes in.
    kept = [await command(api, station_id, action, persistent=True) for action in ("ClearCache", "GetConfiguration")]
    new = await cluster.station(cluster.two, station_id)
    seen = await api.get(f"/stations/{station_id}")
    assert (seen["connected"], seen["node_id"]) == (True, "two")
    await new.obey("ClearCache", ACCEPTED)
    await new.obey("GetConfiguration", {})

    async def ended() -> list[Any] | None:
        jobs = [await api.get(f"/jobs/{job['id']}") for job in (under_way, behind)]
        return jobs if all(job["finished_at"] is not None for job in jobs) else None

    jobs = await eventually(ended)
    assert [(job["state"], job["error"]["code"]) for job in jobs] == [
        ("not_delivered", "outcome_unknown"),
        ("not_delivered", "not_sent"),
    ]
    assert [(await api.get(f"/jobs/{job['id']}"))["state"] for job in kept] == ["done", "done"]
    await new.silence(1)
    await new.disconnect()


async def test_an_answer_that_comes_to_a_node_after_the_job_was_ended_elsewhere_changes_nothing(
    cluster: Cluster,
) -> None:
    """A node that is cut off does not hear that its station went elsewhere, and may still hear the station."""
    station_id, api = await cluster.at_two.station(), cluster.at_two
    old = await cluster.station(cluster.one, station_id)
    job = await command(api, station_id, "ClearCache")
    request = await old.expect("ClearCache")
    await cluster.link_one.cut()

    async def away() -> bool:
        return not cluster.one.bus.connected

    await eventually(away)
    new = await cluster.station(cluster.two, station_id)

    async def ended() -> Any:
        found = await api.get(f"/jobs/{job['id']}")
        return found if found["finished_at"] is not None else None

    now = cluster.two.services.context.clock
    await cluster.two.services.sweeper.sweep(now() + HOUR_US)
    first = await eventually(ended)
    assert (first["state"], first["error"]["code"]) == ("not_delivered", "outcome_unknown")
    await old.reply(request, ACCEPTED)
    await old.call("Heartbeat", {})
    await cluster.one.services.commands.close()
    assert await ended() == first
    await new.disconnect()


async def moves_of(api: Client, station_id: str) -> list[str]:
    """What was told of replacements from elsewhere, the oldest first."""
    found = await api.get("/security-events", station_id=station_id)
    return [each["technical_info"] for each in reversed(found["items"])]


async def test_two_devices_at_two_nodes_contest_one_identity(cluster: Cluster) -> None:
    """They replace each other over the bus; each node tells what it closed, and both count all of it."""
    station_id = await cluster.at_one.station()
    nodes = ((cluster.one, HOME), (cluster.two, ELSEWHERE))
    async with Devices.there() as devices:
        holder = await devices.come_in(cluster.one, station_id, HOME)
        for number in range(1, MOST_MOVES + 2):
            newest = await devices.come_in(nodes[number % 2][0], station_id, nodes[number % 2][1])
            assert await holder.closed() == (1008, "replaced")

            async def told(number: int = number) -> bool:
                return len(await moves_of(cluster.at_two, station_id)) == number

            await eventually(told)
            holder = newest
        seen = await cluster.at_two.get(f"/stations/{station_id}")
        assert (seen["contested_since"] is not None, seen["node_id"]) == (True, "one")
        assert f"from {HOME} was replaced by one from {ELSEWHERE}" in (await moves_of(cluster.at_one, station_id))[0]
        for node in (cluster.one, cluster.two):
            _, answer = await devices.knock(node, station_id, ELSEWHERE)
            assert answer.status == 429
        assert (await holder.call([2, "2", "Heartbeat", {}]))[0] == 3
        await cluster.at_two.post(f"/stations/{station_id}/settle-identity", {"disconnect": True}, 200)
        assert await holder.closed() == (1008, "disconnected by an operator")
        await devices.come_in(cluster.two, station_id, ELSEWHERE)


async def test_a_station_on_the_other_node_is_disconnected_and_what_is_not_known_is_not_told(cluster: Cluster) -> None:
    station_id = await cluster.at_one.station()
    path = f"/stations/{station_id}/disconnect"
    station = await cluster.station(cluster.one, station_id)
    await cluster.at_two.post(path, expected=204)
    ended = await station.closed()
    assert (ended.code, ended.reason) == (1008, "disconnected by an operator")

    async def gone() -> bool:
        return not (await cluster.at_two.get(f"/stations/{station_id}"))["connected"]

    await eventually(gone)
    await cluster.at_two.problem("POST", path, 409, "station_offline")
    await station.connect()
    await station.call("Heartbeat", {})
    await cluster.link_one.cut()

    async def away() -> bool:
        return not cluster.one.bus.connected

    await eventually(away)
    problem = await cluster.at_two.problem("POST", path, 503, "node_unreachable")
    assert "Nobody knows" in problem["detail"]
    assert "currentTime" in await station.call("Heartbeat", {}), "it is still there"
    await cluster.at_one.post(path, expected=204)
    assert (await station.closed()).code == 1008, "what a node holds itself it closes without the broker"


async def test_a_dead_connection_at_another_node_is_replaced_in_silence(cluster: Cluster) -> None:
    station_id = await cluster.at_one.station()
    async with Devices.there() as devices:
        dead = await devices.come_in(cluster.one, station_id, HOME)
        alive = await devices.come_in(cluster.two, station_id, ELSEWHERE)

        async def given_up() -> bool:
            return await dead.reader.read() == b""

        with suppress(ConnectionError):  # it never answered, so it is cut off at last
            await eventually(given_up)
        assert (await alive.call([2, "2", "Heartbeat", {}]))[0] == 3
        assert await moves_of(cluster.at_one, station_id) == []


async def test_a_station_that_comes_elsewhere_since_its_node_died_has_not_moved(cluster: Cluster) -> None:
    """The records still say that it is connected; a contest does not keep it out either."""
    station_id = await cluster.at_one.station()
    station = await cluster.at_one.node.storage.stations.get(station_id)
    assert station is not None
    now = cluster.one.services.context.clock()
    whose: dict[str, Any] = {"organisation_id": station.organisation_id, "station_id": station_id, "received_at": now}
    left_over = StationConnected(
        **whose,
        connection_id=1,
        node_id="three",
        epoch=1,
        remote_address=HOME,
        protocol="ocpp1.6",
        security_profile=1,
    )
    contested = IdentityContested(**whose, remote_addresses=(ELSEWHERE, HOME))
    await cluster.one.storage.record([left_over, contested])
    assert (await cluster.at_two.get(f"/stations/{station_id}"))["connected"]
    async with Devices.there() as devices:
        await cluster.one.storage.write(beat, "three", now + HOUR_US)
        _, answer = await devices.knock(cluster.two, station_id, ELSEWHERE)
        assert answer.status == 429, "its node lives"
        await cluster.one.storage.write(beat, "three", now - HOUR_US)
        await devices.come_in(cluster.two, station_id, ELSEWHERE)
        assert await moves_of(cluster.at_one, station_id) == []


async def test_a_changed_token_counts_on_the_other_node_at_once(cluster: Cluster) -> None:
    tag = new_id("TAG")
    token = await cluster.at_two.post("/tokens", {"id_tag": tag})
    station = await cluster.station(cluster.one, await cluster.at_one.station())

    async def status() -> str:
        return str((await station.call("Authorize", {"idTag": tag}))["idTagInfo"]["status"])

    assert await status() == "Accepted"
    await cluster.at_two.patch(f"/tokens/{token['id']}", {"status": "Blocked"})

    async def blocked() -> bool:
        return await status() == "Blocked"

    await eventually(blocked)
    await station.disconnect()


async def test_without_the_broker_each_node_serves_its_own_and_nothing_comes_late(cluster: Cluster) -> None:
    here, there = await cluster.at_one.station(), await cluster.at_one.station()
    mine = await cluster.station(cluster.one, here)
    other = await cluster.station(cluster.two, there)
    await cluster.link_one.cut()

    async def away() -> bool:
        return not cluster.one.bus.connected

    await eventually(away)
    asked = asyncio.create_task(cluster.at_one.post(f"/stations/{here}/commands/ClearCache", {}, 200))
    await mine.obey("ClearCache", {"status": "Accepted"})
    assert (await asked)["state"] == "done", "what it holds itself it commands"
    problem = await cluster.at_one.problem(
        "POST", f"/stations/{there}/commands/RemoteStopTransaction", 503, "node_unreachable", json={"transactionId": 1}
    )
    assert "not sent" in problem["detail"]
    not_ready = await cluster.at_one.http.get("/readyz")
    assert (not_ready.status_code, set(not_ready.json()["details"])) == (503, {"bus"})
    async with stream(cluster.at_one, station_id=here) as events:
        await mine.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
        assert (await events.next())["type"] == "connector.status", "its own events go on"
    await cluster.link_one.mend()

    async def back() -> bool:
        return cluster.one.bus.connected

    await eventually(back)
    await other.silence(1.5)
    asked = asyncio.create_task(cluster.at_one.post(f"/stations/{there}/commands/ClearCache", {}, 200))
    await other.obey("ClearCache", {"status": "Accepted"})
    assert (await asked)["state"] == "done"
    await mine.disconnect()
    await other.disconnect()


async def test_a_job_that_ended_at_one_node_stays_ended_when_its_station_returns_to_the_other(cluster: Cluster) -> None:
    station_id, tag = await cluster.at_one.station(), new_id("TAG")
    await cluster.at_one.post("/tokens", {"id_tag": tag})
    at_one = await cluster.station(cluster.one, station_id)
    asked = asyncio.create_task(
        cluster.at_one.post(f"/stations/{station_id}/commands/RemoteStartTransaction", {"idTag": tag}, 200)
    )
    await at_one.obey("RemoteStartTransaction", {"status": "Accepted"})
    job = await asked
    assert job["state"] == "waiting"
    at_two = await cluster.station(cluster.two, station_id)
    await begin(at_two, tag, meter_wh=0)

    async def done() -> bool:
        return bool((await cluster.at_two.get(f"/jobs/{job['id']}"))["state"] == "done")

    await eventually(done)
    ended = await cluster.at_two.get(f"/jobs/{job['id']}")
    back = await cluster.station(cluster.one, station_id)
    await begin(back, tag, meter_wh=9)
    transactions = (await cluster.at_one.get("/transactions", station_id=station_id))["items"]
    assert sorted(each["remote_start_job_id"] or "" for each in transactions) == ["", job["id"]]
    assert await cluster.at_one.get(f"/jobs/{job['id']}") == ended
    await back.disconnect()


async def begin(station: ScriptedStation, tag: str, meter_wh: int) -> None:
    """A transaction begins."""
    start = {"connectorId": 1, "idTag": tag, "meterStart": meter_wh, "timestamp": timestamp()}
    assert (await station.call("StartTransaction", start))["idTagInfo"]["status"] == "Accepted"


async def test_a_profile_that_follows_the_clocks_is_sent_anew_once_by_whichever_node(cluster: Cluster) -> None:
    await cluster.at_one.post("/sites", {"id": "home", "name": "Home", "time_zone": "Asia/Kolkata"})
    station_id = await cluster.at_one.station(site_id="home")
    station = await cluster.station(cluster.one, station_id)
    schedule = {"unit": "A", "periods": [{"start_period_s": 0, "limit": 6}], "duration_s": 86_400}
    profile = {"purpose": "tx_default", "kind": "recurring", "recurrency": "daily", "schedule": schedule}
    kept = await cluster.at_one.post("/charging-profiles", {"name": "each day", "profile": profile})
    path = f"/stations/{station_id}/charging-profiles"
    wish = {"connector_id": 1, "library_id": kept["id"], "send_anyway": True}
    # Asked at one node, while the other has the station: what it follows goes with the command.
    asked = asyncio.create_task(cluster.at_two.post(path, wish, 200))
    await station.obey("SetChargingProfile", {"status": "Accepted"})
    assert (await asked)["job"]["result"] == "Accepted"
    await cluster.at_two.patch("/sites/home", {"time_zone": "Asia/Tokyo"})

    async def look() -> None:
        services = [node.services for node in (cluster.one, cluster.two)]
        await asyncio.gather(*(each.local_time.advance(each.context.clock()) for each in services))

    looking = asyncio.create_task(look())
    await station.obey("SetChargingProfile", {"status": "Accepted"})
    await looking
    await look()
    for api in (cluster.at_one, cluster.at_two):

        async def followed(api: Client = api) -> bool:
            return [each["local_time_zone"] for each in (await api.get(path))["items"]] == ["Asia/Tokyo"]

        await eventually(followed)
    assert len((await cluster.at_two.get("/jobs", requested_by="local_time"))["items"]) == 1
    await station.disconnect()
