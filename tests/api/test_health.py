"""Whether the node lives and works, and its figures."""

import asyncio
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stationmaster.app.node import running_node
from tests.api.conftest import Client, client_of, connected, settings_of


async def test_a_node_that_works_says_so_to_everybody(api: Client) -> None:
    async with client_of(api.node, None) as nobody:
        assert (await nobody.http.get("/healthz")).json() == {"status": "ok"}
        assert (await nobody.http.get("/readyz")).json() == {"status": "ready"}


async def figures(client: Client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = await client.http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_figures_move_with_what_happens(api: Client) -> None:
    before = await figures(api)
    async with connected(api) as station:
        await station.call("Heartbeat", {})
        asked = asyncio.create_task(api.post(f"/stations/{station.identity}/commands/ClearCache", {}, 200))
        await station.obey("ClearCache", {"status": "Accepted"})
        await asked
        during = await figures(api)

    def moved(name: str, **labels: str) -> float:
        key = (f"stationmaster_{name}", tuple(sorted(labels.items())))
        return during[key] - before.get(key, 0)

    assert moved("stations_connected") == 1
    assert moved("answer_seconds_count", by="csms", action="Heartbeat") == 1
    assert moved("answer_seconds_count", by="csms", action="BootNotification") == 1
    assert moved("answer_seconds_count", by="station", action="ClearCache") == 1
    assert moved("messages_total", direction="in", kind="call") == 2
    assert moved("messages_total", direction="out", kind="call") == 1
    assert moved("commits_total") >= 2
    assert moved("facts_committed_total") >= 2
    assert during["stationmaster_bus_connected", ()] == 1
    assert during["stationmaster_loop_lag_seconds_count", ()] > 0
    assert ("process_resident_memory_bytes", ()) in during


async def test_no_figure_names_a_station_a_tag_or_an_address(api: Client) -> None:
    async with connected(api) as station:
        await station.call("Authorize", {"idTag": "SECRET-TAG"})
        await station.ask('[2,"1","Invented-Action",{}]')
        station.violations.clear()  # what was said raw is not expected to be answered
        page = (await api.http.get("/metrics")).text
    assert station.identity not in page
    assert "SECRET-TAG" not in page
    assert "Invented-Action" not in page
    assert "127.0.0.1" not in page


async def test_figures_may_be_kept_for_those_with_a_key(tmp_path: Path, sqlite_template: Path) -> None:
    url = f"sqlite:///{(tmp_path / 'x.sqlite')}"
    settings = settings_of(tmp_path, url, http__open_metrics=False, database__migrate=True)
    async with (
        running_node(settings) as node,
        client_of(node, node.first_key) as admin,
        client_of(node, None) as nobody,
    ):
        assert (await nobody.http.get("/metrics")).status_code == 401
        assert (await admin.http.get("/metrics")).status_code == 200


async def test_a_node_whose_database_cannot_be_written_is_not_ready(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, f"sqlite:///{tmp_path / 'x.sqlite'}", database__migrate=True)
    async with running_node(settings) as node, client_of(node, node.first_key) as client:
        assert (await client.http.get("/readyz")).status_code == 200
        await node.storage.close()
        async with asyncio.timeout(10):
            while (answer := await client.http.get("/readyz")).status_code == 200:  # noqa: ASYNC110 - it asks again after a second
                await asyncio.sleep(0.1)
        assert answer.status_code == 503
        problem = answer.json()
        assert problem["code"] == "not_ready"
        assert problem["detail"].startswith("database: ")
        assert set(problem["details"]) == {"database"}
        assert (await client.http.get("/healthz")).status_code == 200, "it lives all the same"
        await client.problem("GET", "/stations", 503, "storage_unavailable")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_probes_take_no_body_and_no_nonsense(api: Client, path: str) -> None:
    assert (await api.http.post(path)).status_code == 405
