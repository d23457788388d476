"""Desired configuration over real sockets: drift of a changed key is found, shown and mended after a reconnect."""

import asyncio
from typing import Any

from stationmaster.conformance.station import Request, ScriptedStation
from tests.walks.running import PASSWORD, Api, NodeProcess
from tests.walks.states import booted


class KeyStation(ScriptedStation):
    """A station with configuration keys, which it answers for by itself while `live` runs."""

    def __init__(self, url: str, identity: str) -> None:
        super().__init__(url, identity, password=PASSWORD)
        self.keys = {"GetConfigurationMaxKeys": "2", "HeartbeatInterval": "300", "MeterValueSampleInterval": "900"}
        self.at_boot: dict[str, str] = {}
        self.takes_at_boot: set[str] = set()
        self.lies: set[str] = set()
        self.done: list[tuple[str, Any]] = []

    async def live(self) -> None:
        """Answer what comes until it is cancelled."""
        while True:
            request = await self._requests.get()
            await self.reply(request, self._answer(request))
            self.done.append((request.action, request.payload))

    async def obeyed(self, action: str, times: int = 1) -> list[Any]:
        """What it was asked of one action, once it was asked so often."""
        async with asyncio.timeout(30):
            while True:
                found = [payload for each, payload in self.done if each == action]
                if len(found) >= times:
                    return found
                await asyncio.sleep(0.02)

    def _answer(self, request: Request) -> dict[str, Any]:
        payload = request.payload
        if request.action == "GetConfiguration":
            asked = payload["key"]
            assert len(asked) <= int(self.keys["GetConfigurationMaxKeys"])
            known = {each.lower(): each for each in self.keys}
            told = [known[key.lower()] for key in asked if key.lower() in known]
            keys = [{"key": key, "readonly": False, "value": self.keys[key]} for key in told]
            unknown = [key for key in asked if key.lower() not in known]
            return {"configurationKey": keys} | ({"unknownKey": unknown} if unknown else {})
        if request.action == "ChangeConfiguration":
            key, value = payload["key"], payload["value"]
            if key in self.takes_at_boot:
                self.at_boot[key] = value
                return {"status": "RebootRequired"}
            if key not in self.lies:
                self.keys[key] = value
            return {"status": "Accepted"}
        assert request.action == "Reset", request.action
        return {"status": "Accepted"}


async def lives(station: KeyStation, visit: Any) -> None:
    """One connection: it boots, answers for its keys, and `visit` happens meanwhile."""
    await station.connect()
    await booted(station)
    living = asyncio.create_task(station.live())
    try:
        await visit()
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
        await station.disconnect()
    assert station.violations == []


async def key_states(api: Api, identity: str) -> dict[str, str]:
    found = await api.get(f"/stations/{identity}/desired-configuration")
    return {each["key"]: each["state"] for each in found["keys"]}


async def shows(api: Api, identity: str, wanted: dict[str, str]) -> None:
    """The station's keys are shown in these states before long."""
    async with asyncio.timeout(30):
        while await key_states(api, identity) != wanted:  # noqa: ASYNC110 -- another process has no event
            await asyncio.sleep(0.05)


async def ends(api: Api, identity: str, result: str, *, times: int = 1) -> None:
    """The latest of so many applications comes to this end before long.

    A station's page shows its keys as they were told last; the list of drift and the events follow when the whole
    application has been compared, which is before it ends.
    """
    async with asyncio.timeout(30):
        while True:
            jobs = await api.everything("/jobs", station_id=identity, action="ApplyConfiguration")
            if len(jobs) >= times and jobs[0]["result"] == result:
                return
            await asyncio.sleep(0.05)


async def desired(api: Api, identity: str, mode: str, values: dict[str, str], **more: Any) -> str:
    """A template for just this station; its id."""
    entries = [{"key": key, "value": value} for key, value in values.items()]
    template = await api.post("/configuration-templates", {"name": identity, "entries": entries, **more})
    body = {"mode": mode, "template_ids": [template["id"]]}
    answer = await api.client.put(f"/stations/{identity}/desired-configuration", json=body)
    assert answer.status_code == 200, answer.text
    return str(template["id"])


async def test_drift_of_a_changed_key_is_found_shown_and_mended_after_a_reconnect(node: NodeProcess, api: Api) -> None:
    identity = await api.station()
    station = KeyStation(node.url, identity)
    template_id = await desired(api, identity, "on_connect", {"HeartbeatInterval": "600"})
    await lives(station, lambda: ends(api, identity, "in_step"))
    assert station.keys["HeartbeatInterval"] == "600"

    # Somebody changes the key at the station; it is seen when the station is read, and mended.
    station.keys["HeartbeatInterval"] = "30"
    station.done.clear()
    await lives(station, lambda: ends(api, identity, "in_step", times=2))
    assert len(await station.obeyed("GetConfiguration", 2)) == 2
    assert [each["value"] for each in await station.obeyed("ChangeConfiguration")] == ["600"]
    assert station.keys["HeartbeatInterval"] == "600"
    await shows(api, identity, {"HeartbeatInterval": "in_step"})

    # What is desired changes while the station is away: the drift is shown at once, and mended when it comes.
    changed = {"entries": [{"key": "HeartbeatInterval", "value": "900"}]}
    answer = await api.client.patch(f"/configuration-templates/{template_id}", json=changed)
    assert answer.status_code == 200, answer.text
    drift = await api.everything("/configuration-drift", station_id=identity)
    assert [(each["key"], each["state"], each["desired"], each["actual"]) for each in drift] == [
        ("HeartbeatInterval", "drifted", "900", "600")
    ]
    assert await api.everything("/past-events", station_id=identity, type="configuration.drifted")
    station.done.clear()
    await lives(station, lambda: ends(api, identity, "in_step", times=3))
    assert station.keys["HeartbeatInterval"] == "900"
    assert await api.everything("/configuration-drift", station_id=identity) == []
    assert await api.eventually("/past-events", station_id=identity, type="configuration.in_step")
    jobs = await api.everything("/jobs", station_id=identity, action="ApplyConfiguration")
    assert [each["result"] for each in jobs] == ["in_step"] * 3
    assert {each["requested_by"] for each in jobs} == {"desired_configuration"}


async def test_a_station_that_connects_without_a_boot_is_brought_into_step_too(node: NodeProcess, api: Api) -> None:
    identity = await api.station()
    station = KeyStation(node.url, identity)
    await lives(station, lambda: asyncio.sleep(0))
    await desired(api, identity, "on_connect", {"HeartbeatInterval": "600"})
    await station.connect()
    living = asyncio.create_task(station.live())
    await shows(api, identity, {"HeartbeatInterval": "in_step"})
    living.cancel()
    await station.disconnect()
    assert station.keys["HeartbeatInterval"] == "600"


async def test_a_station_that_accepts_and_does_nothing_has_drifted_and_is_not_asked_for_ever(
    node: NodeProcess, api: Api
) -> None:
    identity = await api.station()
    station = KeyStation(node.url, identity)
    station.lies.add("HeartbeatInterval")
    await desired(api, identity, "on_connect", {"HeartbeatInterval": "600"})
    await lives(station, lambda: ends(api, identity, "drifted"))
    drift = await api.eventually("/configuration-drift", station_id=identity, state="drifted")
    assert drift[0]["reason"] == "accepted_but_not_changed"
    assert (drift[0]["attempts"], drift[0]["actual"]) == (1, "300")
    assert drift[0]["next_attempt_at"] is not None
    station.done.clear()
    await lives(station, lambda: station.obeyed("GetConfiguration"))
    jobs = await api.everything("/jobs", station_id=identity, action="ChangeConfiguration")
    assert len(jobs) == 1, "it is read at the reconnect, and left alone"


async def test_a_value_that_needs_a_reboot_is_followed_through(node: NodeProcess, api: Api) -> None:
    identity = await api.station()
    station = KeyStation(node.url, identity)
    station.takes_at_boot.add("MeterValueSampleInterval")
    values = {"MeterValueSampleInterval": "60", "NoSuchKey": "1"}
    await desired(api, identity, "on_demand", values, reboot="when_idle")
    jobs: list[Any] = []

    async def apply() -> None:
        jobs.append(await api.post(f"/stations/{identity}/desired-configuration/apply"))
        assert await station.obeyed("Reset") == [{"type": "Soft"}]

    await lives(station, apply)
    assert await key_states(api, identity) == {
        "MeterValueSampleInterval": "reboot_pending",
        "NoSuchKey": "not_supported",
    }
    station.keys |= station.at_boot
    await lives(station, lambda: api.job(jobs[0], "done"))
    states = {"MeterValueSampleInterval": "in_step", "NoSuchKey": "not_supported"}
    assert await key_states(api, identity) == states
    assert (await api.get(f"/jobs/{jobs[0]['id']}"))["result"] == "drifted", "one key is not known to the station"
    assert len(await station.obeyed("Reset")) == 1


async def test_a_station_that_nobody_follows_hears_nothing(node: NodeProcess, api: Api) -> None:
    identity = await api.station()
    station = KeyStation(node.url, identity)
    await desired(api, identity, "show", {"HeartbeatInterval": "600"})
    await lives(station, lambda: asyncio.sleep(7))
    assert station.done == [], "five seconds after the boot too"
    assert await key_states(api, identity) == {"HeartbeatInterval": "unknown"}
