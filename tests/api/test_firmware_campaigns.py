"""Campaigns through the API: a few stations at a time, a stop when too many fail, pauses, and every end."""

import asyncio
from contextlib import AsyncExitStack
from itertools import pairwise
from typing import Any

import pytest
from trustme import KeyType

from stationmaster.app.node import clock
from stationmaster.conformance.station import ScriptedStation
from stationmaster.instants import parse_instant
from stationmaster.ocpp.errors import ErrorCode
from tests.api.conftest import Client, NodeThread, connected, eventually
from tests.api.test_files import image
from tests.api.test_firmware import reboot, says, signed


class Roll:
    """A campaign, and the stations of it."""

    def __init__(self, api: Client, thread: NodeThread, stations: list[ScriptedStation], firmware: Any) -> None:
        self.api, self.thread, self.stations, self.firmware = api, thread, stations, firmware
        self.id = ""

    async def begin(self, **said: Any) -> Any:
        body = {"name": "roll", "firmware_id": self.firmware["id"], **said}
        made = await self.api.post("/firmware-campaigns", body)
        self.id = made["id"]
        return made

    async def now(self) -> Any:
        return await self.api.get(f"/firmware-campaigns/{self.id}")

    async def step(self, word: str) -> Any:
        return await self.api.post(f"/firmware-campaigns/{self.id}/{word}", {}, 200)

    async def advance(self) -> None:
        """What the clock does every few seconds, done now."""
        campaigns = self.thread.node.services.firmware_campaigns
        await asyncio.to_thread(self.thread.do, campaigns.advance(clock()))

    async def reaches(self, state: str, **progress: int) -> Any:
        async def look() -> Any:
            now = await self.now()
            reached = now["state"] == state and progress.items() <= now["progress"].items()
            return now if reached else None

        try:
            return await eventually(look)
        except TimeoutError:
            stations = await self.api.get(f"/firmware-campaigns/{self.id}/stations")
            raise AssertionError(f"{state} {progress} was not reached: {await self.now()} {stations}") from None

    async def asked(self, count: int) -> list[ScriptedStation]:
        """The stations that are asked to update, once there are so many; each agrees."""
        waiting = {asyncio.create_task(station.obey("UpdateFirmware", {})): station for station in self.stations}
        asked: list[ScriptedStation] = []
        try:
            async with asyncio.timeout(15):
                while len(asked) < count:
                    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    for each in done:
                        each.result()
                        asked.append(waiting.pop(each))
        finally:
            for each in waiting:
                each.cancel()
        self.stations = [station for station in self.stations if station not in asked]
        return asked

    async def stations_in(self, state: str) -> list[str]:
        items = (await self.api.get(f"/firmware-campaigns/{self.id}/stations", state=state))["items"]
        return [each["station_id"] for each in items]


async def roll(stack: AsyncExitStack, api: Client, thread: NodeThread, count: int) -> Roll:
    stations = [await stack.enter_async_context(connected(api)) for _ in range(count)]
    return Roll(api, thread, stations, await image(api))


async def test_a_campaign_updates_a_few_stations_at_a_time_to_the_end(api: Client, node_thread: NodeThread) -> None:
    async with AsyncExitStack() as stack:
        campaign = await roll(stack, api, node_thread, 3)
        made = await campaign.begin(batch_size=2)
        assert (made["state"], made["progress"]["pending"]) == ("scheduled", 3)
        first, second = await campaign.asked(2)
        await campaign.reaches("running", updating=2, pending=1)
        await campaign.advance()
        await campaign.stations[0].silence(0.2)
        await says(first, "Downloading", "Downloaded", "Installing")
        await reboot(first)
        await says(first, "Installed")
        (third,) = await campaign.asked(1)
        for station in (second, third):
            await says(station, "Installed")
        done = await campaign.reaches("completed", done=3, failed=0)
        assert done["finished_at"]
        items = (await api.get(f"/firmware-campaigns/{campaign.id}/stations"))["items"]
        assert {each["detail"] for each in items} == {"Installed"}
        jobs = [await api.get(f"/jobs/{each['job_id']}") for each in items]
        assert {job["requested_by"] for job in jobs} == {"campaign:roll"}
        told = (await api.get("/past-events", type="firmware_campaign.changed", limit=100))["items"]
        news = [each["data"] for each in reversed(told) if each["data"]["campaign_id"] == campaign.id]
        assert (news[0]["state"], news[0]["progress"]["pending"]) == ("scheduled", 3)
        assert (news[-1]["state"], news[-1]["progress"]["done"]) == ("completed", 3)
        assert all(one != other for one, other in pairwise(news)), "only changes are told"
        assert len(news) >= 4
        await api.problem("POST", f"/firmware-campaigns/{campaign.id}/pause", 409, "campaign_state")


async def test_a_campaign_stops_when_too_many_fail_and_goes_on_if_told_to(api: Client, node_thread: NodeThread) -> None:
    async with AsyncExitStack() as stack:
        campaign = await roll(stack, api, node_thread, 4)
        await campaign.begin(batch_size=2, failure_limit_percent=40, failure_minimum=2)
        first, second = await campaign.asked(2)
        await says(first, "DownloadFailed")
        await campaign.advance()
        # One of one has failed, yet one is too few to judge by: another may begin.
        (third,) = await campaign.asked(1)
        await says(second, "InstallationFailed")
        stopped = await campaign.reaches("stopped", failed=2, updating=1, pending=1)
        assert stopped["reason"].startswith("2 of 2 updates failed")
        await campaign.advance()
        await campaign.stations[0].silence(0.2)
        # What is under way is followed to its end.
        await says(third, "Installed")
        await campaign.reaches("stopped", done=1)
        await campaign.step("resume")
        (fourth,) = await campaign.asked(1)
        await says(fourth, "Installed")
        await campaign.reaches("completed", done=2, failed=2)


async def test_a_paused_campaign_begins_nothing_and_a_cancelled_one_never_does(
    api: Client, node_thread: NodeThread
) -> None:
    async with AsyncExitStack() as stack:
        campaign = await roll(stack, api, node_thread, 3)
        await campaign.begin(batch_size=1)
        (first,) = await campaign.asked(1)
        assert (await campaign.step("pause"))["state"] == "paused"
        await says(first, "Installed")
        await campaign.advance()
        await campaign.reaches("paused", done=1, pending=2)
        await campaign.stations[0].silence(0.2)
        await campaign.step("resume")
        (second,) = await campaign.asked(1)
        cancelled = await campaign.step("cancel")
        assert (cancelled["state"], cancelled["progress"]["cancelled"]) == ("cancelled", 1)
        await says(second, "Installed")
        await campaign.reaches("cancelled", done=2, cancelled=1)
        await campaign.advance()
        await campaign.stations[0].silence(0.2)
        await api.problem("POST", f"/firmware-campaigns/{campaign.id}/resume", 409, "campaign_state")


async def test_stations_that_are_away_keep_their_turn(api: Client, node_thread: NodeThread) -> None:
    async with AsyncExitStack() as stack:
        campaign = await roll(stack, api, node_thread, 1)
        away = await api.station()
        await campaign.begin(station_ids=[away, campaign.stations[0].identity], batch_size=1)
        (present,) = await campaign.asked(1)
        await says(present, "Installed")
        await campaign.reaches("running", done=1, pending=1)
        back = await stack.enter_async_context(connected(api, away))
        campaign.stations = [back]
        await campaign.asked(1)
        # It comes back with the new version and never says that it installed it.
        await reboot(back)
        done = await campaign.reaches("completed", done=2)
        assert done["progress"]["failed"] == 0


async def test_a_station_that_has_the_version_already_is_passed_over(api: Client, node_thread: NodeThread) -> None:
    async with AsyncExitStack() as stack:
        campaign = await roll(stack, api, node_thread, 1)
        await reboot(campaign.stations[0], "2.0")
        await campaign.begin()
        await campaign.advance()
        await campaign.reaches("completed", skipped=1)
        await campaign.stations[0].silence(0.1)


async def test_a_station_that_takes_signed_firmware_only_gets_it(api: Client, node_thread: NodeThread) -> None:
    async with AsyncExitStack() as stack:
        campaign = await roll(stack, api, node_thread, 1)
        await api.patch(f"/firmware/{campaign.firmware['id']}", signed(KeyType.ECDSA))
        (station,) = campaign.stations
        await campaign.begin()
        await station.refuse(await station.expect("UpdateFirmware"), ErrorCode.NOT_SUPPORTED)
        request = await station.obey("SignedUpdateFirmware", {"status": "Accepted"})
        tells = {"action": "SignedFirmwareStatusNotification", "requestId": request.payload["requestId"]}
        await says(station, "Downloading", "Installed", **tells)
        await campaign.reaches("completed", done=1)


async def test_a_campaign_waits_for_its_time(api: Client, node_thread: NodeThread) -> None:
    async with AsyncExitStack() as stack:
        campaign = await roll(stack, api, node_thread, 1)
        await campaign.begin(starts_at="2035-01-01T00:00:00Z")
        await campaign.advance()
        assert (await campaign.now())["state"] == "scheduled"
        await campaign.stations[0].silence(0.1)
        await api.problem("DELETE", f"/firmware/{campaign.firmware['id']}", 409, "firmware_in_use")
        await campaign.step("cancel")
        await api.delete(f"/firmware/{campaign.firmware['id']}")


async def test_a_campaign_that_is_over_passes_over_those_that_never_came(api: Client, node_thread: NodeThread) -> None:
    async with AsyncExitStack() as stack:
        campaign = await roll(stack, api, node_thread, 1)
        away = await api.station()
        await campaign.begin(station_ids=[away, campaign.stations[0].identity], ends_at="2035-01-01T00:00:00Z")
        (present,) = await campaign.asked(1)
        await says(present, "Installed")
        await campaign.reaches("running", done=1, pending=1)
        after = node_thread.node.services.firmware_campaigns.advance(parse_instant("2035-01-01T00:00:00Z"))
        await asyncio.to_thread(node_thread.do, after)
        await campaign.reaches("completed", done=1, skipped=1)
        assert await campaign.stations_in("skipped") == [away]


async def test_after_a_restart_a_claim_without_a_job_is_taken_back(api: Client, node_thread: NodeThread) -> None:
    async with AsyncExitStack() as stack:
        campaign = await roll(stack, api, node_thread, 1)
        await campaign.begin(starts_at="2035-01-01T00:00:00Z")
        storage = node_thread.node.storage

        async def die_after_the_claim() -> None:
            (update,) = (await storage.firmware_campaigns.updates(campaign.id)).items
            claim = {"state": "updating", "job_id": "never-sent", "started_at": clock() - 120_000_000}
            assert await storage.firmware_campaigns.move_update(update, "pending", claim)
            assert not await storage.firmware_campaigns.move_update(update, "pending", claim)
            await storage.firmware_campaigns.move(campaign.id, ["scheduled"], {"state": "running", "started_at": 1})

        await asyncio.to_thread(node_thread.do, die_after_the_claim())
        (station,) = await campaign.asked(1)
        await says(station, "Installed")
        await campaign.reaches("completed", done=1)


async def test_silence_counts_as_failure_until_the_station_speaks(api: Client, node_thread: NodeThread) -> None:
    async with AsyncExitStack() as stack:
        campaign = await roll(stack, api, node_thread, 1)
        await campaign.begin(update_timeout_s=60, failure_limit_percent=100)
        (station,) = await campaign.asked(1)
        await campaign.reaches("running", updating=1)
        late = node_thread.node.services.firmware_campaigns.advance(clock() + 3600 * 1_000_000)
        await asyncio.to_thread(node_thread.do, late)
        given_up = await campaign.reaches("completed", failed=1)
        assert given_up["progress"]["done"] == 0
        assert await campaign.stations_in("failed") == [station.identity]
        await says(station, "Installed")
        await campaign.advance()
        await campaign.reaches("completed", failed=0, done=1)


@pytest.mark.parametrize(
    "said, status, code",
    [
        ({"station_ids": ["NOBODY"]}, 422, "field_invalid"),
        ({"station_ids": []}, 422, "invalid"),
        ({"batch_size": 0}, 422, "invalid"),
        ({"failure_limit_percent": 101}, 422, "invalid"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, 422, "field_invalid"),
        ({"location": "gopher://x"}, 422, "location_invalid"),
        ({"name": "  "}, 422, "field_invalid"),
        ({"firmware_id": "nothing"}, 404, "firmware_unknown"),
        ({}, 409, "no_stations"),
    ],
)
async def test_a_campaign_that_makes_no_sense_is_refused(
    api: Client, said: dict[str, Any], status: int, code: str
) -> None:
    made = await image(api, vendor="Nobody builds these")
    identity = await api.station()
    if said and "station_ids" not in said:
        said = {"station_ids": [identity], "send_anyway": True, **said}
    body = {"name": "x", "firmware_id": made["id"], **said}
    await api.problem("POST", "/firmware-campaigns", status, code, json=body)


async def test_campaigns_are_listed_and_foreign_ones_do_not_exist(api: Client, node_thread: NodeThread) -> None:
    made = await image(api)
    identity = await api.station()
    body = {"name": "x", "firmware_id": made["id"], "station_ids": [identity], "starts_at": "2035-01-01T00:00:00Z"}
    campaign = await api.post("/firmware-campaigns", body)
    assert [each["id"] for each in (await api.get("/firmware-campaigns", state="scheduled"))["items"]] == [
        campaign["id"]
    ]
    assert (await api.get("/firmware-campaigns", state="completed"))["items"] == []
    path = f"/firmware-campaigns/{campaign['id']}"
    _, key = node_thread.new_organisation()
    foreign = {"headers": {"Authorization": f"Bearer {key}"}}
    for method, each in (("GET", path), ("GET", f"{path}/stations"), ("POST", f"{path}/cancel")):
        await api.problem(method, each, 404, "campaign_unknown", **foreign)
