"""Local lists over real sockets: handbook §5.4, synchronisation, chunks, recovery (§3.7)."""

import asyncio
from typing import Any

from stationmaster.conformance.station import ScriptedStation
from tests.walks.running import PASSWORD, Api, NodeProcess
from tests.walks.states import booted

ACCEPTED = {"status": "Accepted"}


async def connected(node: NodeProcess, api: Api) -> ScriptedStation:
    return ScriptedStation(node.url, await api.station(), password=PASSWORD)


async def choose(api: Api, station: ScriptedStation, *tags: str) -> Any:
    """Want just these tokens in the station's list."""
    path = f"/stations/{station.identity}/local-list"
    answer = await api.client.put(path, json={"mode": "selection", "selection": list(tags)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def synchronise(api: Api, station: ScriptedStation, **wish: Any) -> asyncio.Task[Any]:
    return asyncio.create_task(api.post(f"/stations/{station.identity}/local-list/synchronise", wish))


def tags_in(payload: dict[str, Any]) -> list[str]:
    return [entry["idTag"] for entry in payload.get("localAuthorizationList", [])]


async def test_042_the_version_is_asked_for_and_believed(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        for version, state in ((0, "unknown"), (-1, "not_supported")):
            _, job = await api.press(station, "GetLocalListVersion", {}, {"listVersion": version})
            assert job["response"] == {"listVersion": version}
            assert (await api.get(f"/stations/{station.identity}/local-list"))["state"] == state


async def test_043_a_whole_list_first_then_only_what_changed(node: NodeProcess, api: Api) -> None:
    one, two = await api.token(), await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        assert [entry["id_tag"] for entry in (await choose(api, station, one))["changes"]] == [one]
        task = synchronise(api, station)
        full = (await station.obey("SendLocalList", ACCEPTED)).payload
        assert (full["updateType"], tags_in(full)) == ("Full", [one])
        assert all("idTagInfo" in entry for entry in full["localAuthorizationList"])
        assert (await task)["local_list"]["state"] == "in_sync"

        await choose(api, station, one, two)
        task = synchronise(api, station)
        change = (await station.obey("SendLocalList", ACCEPTED)).payload
        assert (change["updateType"], tags_in(change)) == ("Differential", [two])
        assert change["listVersion"] > full["listVersion"]
        assert (await task)["local_list"]["version"] == change["listVersion"]

        assert (await synchronise(api, station))["jobs"] == [], "nothing to do, nothing sent"

        await choose(api, station, two)
        task = synchronise(api, station)
        deletion = (await station.obey("SendLocalList", ACCEPTED)).payload
        assert deletion["localAuthorizationList"] == [{"idTag": one}]
        await task


async def test_043_3_a_failed_list_keeps_the_old_version_and_is_tried_whole(node: NodeProcess, api: Api) -> None:
    one, two = await api.token(), await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        await choose(api, station, one)
        task = synchronise(api, station)
        await station.obey("SendLocalList", ACCEPTED)
        await task
        await choose(api, station, one, two)
        task = synchronise(api, station)
        assert (await station.obey("SendLocalList", {"status": "VersionMismatch"})).payload[
            "updateType"
        ] == "Differential"
        again = (await station.obey("SendLocalList", {"status": "Failed"})).payload
        assert again["updateType"] == "Full"
        done = await task
        assert (done["local_list"]["state"], done["local_list"]["version"]) == ("failed", 1)
        assert [job["result"] for job in done["jobs"]] == ["VersionMismatch", "Failed"]


async def test_043_1_no_support_is_remembered(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        await choose(api, station, tag)
        task = synchronise(api, station)
        await station.obey("SendLocalList", {"status": "NotSupported"})
        assert (await task)["local_list"]["state"] == "not_supported"


async def test_drift_is_found_and_mended_by_the_whole_list(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        await choose(api, station, tag)
        task = synchronise(api, station)
        await station.obey("SendLocalList", ACCEPTED)
        await task
        await api.press(station, "GetLocalListVersion", {}, {"listVersion": 7})
        drifted = await api.get(f"/stations/{station.identity}/local-list")
        assert (drifted["state"], drifted["station_version"]) == ("drift", 7)
        task = synchronise(api, station, ask_version=True)
        await station.obey("GetLocalListVersion", {"listVersion": 7})
        full = (await station.obey("SendLocalList", ACCEPTED)).payload
        assert (full["updateType"], full["listVersion"]) == ("Full", 8)
        assert (await task)["local_list"]["state"] == "in_sync"


async def test_a_long_list_goes_in_parts(node: NodeProcess, api: Api) -> None:
    tags = [await api.token() for _ in range(5)]
    async with await connected(node, api) as station:
        await booted(station)
        keys = [{"key": "SendLocalListMaxLength", "readonly": True, "value": "2"}]
        await api.press(station, "GetConfiguration", {}, {"configurationKey": keys})
        await choose(api, station, *tags)
        task = synchronise(api, station)
        parts = [(await station.obey("SendLocalList", ACCEPTED)).payload for _ in range(3)]
        assert [part["updateType"] for part in parts] == ["Full", "Differential", "Differential"]
        assert [len(tags_in(part)) for part in parts] == [2, 2, 1]
        assert [part["listVersion"] for part in parts] == [1, 2, 3]
        assert sorted(tag for part in parts for tag in tags_in(part)) == sorted(tags)
        assert (await task)["local_list"]["state"] == "in_sync"


async def test_043_5_just_the_chosen_token_by_hand(node: NodeProcess, api: Api) -> None:
    one, two = await api.token(), await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        path = f"/stations/{station.identity}/local-list"
        asked = asyncio.create_task(api.post(f"{path}/send-full", {"id_tags": [one]}))
        full = (await station.obey("SendLocalList", ACCEPTED)).payload
        await asked
        asked = asyncio.create_task(api.post(f"{path}/send", {"id_tags": [two]}))
        change = (await station.obey("SendLocalList", ACCEPTED)).payload
        await asked
        assert (change["updateType"], tags_in(change)) == ("Differential", [two])
        assert change["listVersion"] > full["listVersion"]
        asked = asyncio.create_task(api.post(f"{path}/send-deletions", {"id_tags": ["SOMEBODY"]}))
        deletion = (await station.obey("SendLocalList", ACCEPTED)).payload
        assert deletion["localAuthorizationList"] == [{"idTag": "SOMEBODY"}]
        await asked
        refused = await api.client.post(f"{path}/send", json={"id_tags": ["NOBODY"]})
        assert (refused.status_code, refused.json()["code"]) == (404, "token_unknown")
