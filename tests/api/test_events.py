"""The live stream: what happens arrives once and in order, is filtered, and is resumed where it broke off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from stationmaster.api.event_bodies import event_of
from stationmaster.api.events import tell_stream
from stationmaster.api.live import EventFilter, EventHub, HubClosed, TooManyClients, TooSlow
from stationmaster.bus.messages_v1 import Event
from stationmaster.storage import StoredEvent
from tests.api.conftest import Client, connected, with_role


class Stream:
    """An event stream as a browser reads it."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()
        self.comments: list[str] = []
        self.retry: int | None = None

    async def next(self) -> dict[str, Any]:
        """The next event; its id on the wire is the one inside."""
        async with asyncio.timeout(10):
            event_id = None
            async for line in self._lines:
                if line.startswith("retry: "):
                    self.retry = int(line.removeprefix("retry: "))
                elif line.startswith(":"):
                    self.comments.append(line)
                elif line.startswith("id: "):
                    event_id = line.removeprefix("id: ")
                elif line.startswith("data: "):
                    event: dict[str, Any] = json.loads(line.removeprefix("data: "))
                    assert event["id"] == event_id
                    return event
        raise AssertionError("the stream ended")

    async def until(self, type: str) -> dict[str, Any]:
        """The next event of this type."""
        while (event := await self.next())["type"] != type:
            pass
        return event


@asynccontextmanager
async def stream(api: Client, headers: dict[str, str] | None = None, **query: Any) -> AsyncIterator[Stream]:
    async with api.http.stream("GET", "/api/v1/events", params=query, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield Stream(answer)


async def test_what_happens_arrives_in_order(api: Client) -> None:
    async with stream(api) as events:
        async with connected(api) as station:
            joined = await events.next()
            booted = await events.next()
            await station.call("StatusNotification", {"connectorId": 2, "errorCode": "NoError", "status": "Charging"})
            status = await events.next()
        left = await events.until("station.disconnected")
    assert [joined["type"], booted["type"]] == ["station.connected", "station.booted"]
    assert {each["station_id"] for each in (joined, booted, status, left)} == {station.identity}
    assert booted["data"]["vendor"] == "Tests"
    assert status["data"]["status"] == "Charging"
    assert (status["data"]["evse_id"], status["data"]["connector_id"]) == (2, 2)
    assert status["data"]["reported_at"].endswith("Z")
    assert status["at"].endswith("Z")
    assert "organisation_id" not in status["data"]
    assert int(joined["id"]) < int(booted["id"]) < int(status["id"]) < int(left["id"])


async def test_a_stream_is_filtered_by_type_and_station(api: Client) -> None:
    watched = await api.station()
    async with (
        stream(api, type=["connector.status", "transaction."], station_id=watched) as events,
        connected(api) as other,
        connected(api, watched) as station,
    ):
        await other.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Faulted"})
        start = {"connectorId": 1, "idTag": "X", "meterStart": 0, "timestamp": "2025-03-01T12:00:00Z"}
        await station.call("StartTransaction", start)
        await station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
        first, second = await events.next(), await events.next()
    assert (first["type"], first["station_id"]) == ("transaction.started", watched)
    assert (second["type"], second["station_id"]) == ("connector.status", watched)


@pytest.mark.parametrize("by", ["header", "query"])
async def test_a_stream_goes_on_where_it_broke_off(api: Client, by: str) -> None:
    async with connected(api) as station:
        async with stream(api) as events:
            await _status(station, "Preparing")
            seen = await events.until("connector.status")
        await _status(station, "Charging")
        await _status(station, "Finishing")
        resume: dict[str, Any] = (
            {"headers": {"Last-Event-ID": seen["id"]}} if by == "header" else {"last_event_id": seen["id"]}
        )
        async with stream(api, **resume) as events:
            missed = [(await events.next())["data"]["status"] for _ in range(2)]
            await _status(station, "Available")
            live = (await events.next())["data"]["status"]
    assert [*missed, live] == ["Charging", "Finishing", "Available"]


async def _status(station: Any, status: str) -> None:
    await station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": status})


async def test_resuming_while_much_happens_repeats_and_loses_nothing(api: Client) -> None:
    async with connected(api) as station:
        async with stream(api, type="station.booted") as events:
            await station.call("BootNotification", {"chargePointVendor": "Tests", "chargePointModel": "One"})
            seen = await events.next()

        async def talk() -> None:
            for number in range(60):
                await _status(station, "Preparing" if number % 2 else "Available")

        talking = asyncio.create_task(talk())
        await asyncio.sleep(0.05)
        async with stream(api, last_event_id=seen["id"], type="connector.status") as events:
            ids = [(await events.next())["id"] for _ in range(60)]
        await talking
    assert len(set(ids)) == 60
    assert ids == sorted(ids, key=int)
    past = (await api.get("/past-events", type="connector.status", limit=1000))["items"]
    assert [each["id"] for each in reversed(past)] == ids


async def test_the_past_is_filtered_by_types_and_their_beginnings_as_the_stream_is(api: Client) -> None:
    async with connected(api) as station:
        start = {"connectorId": 1, "idTag": "X", "meterStart": 0, "timestamp": "2025-03-01T12:00:00Z"}
        await station.call("StartTransaction", start)
        await _status(station, "Charging")

    async def types(*wanted: str) -> set[str]:
        found = await api.get("/past-events", type=list(wanted), station_id=station.identity)
        return {each["type"] for each in found["items"]}

    assert await types("transaction.") == {"transaction.started"}
    assert await types("transaction.", "connector.status") == {"transaction.started", "connector.status"}
    assert await types("connector.status") == {"connector.status"}
    assert await types("transaction") == await types("%.") == await types("_ransaction.") == set()


async def test_a_client_that_leaves_gives_its_place_back(api: Client) -> None:
    before = len(api.node.events)
    async with stream(api):
        assert len(api.node.events) == before + 1
    async with asyncio.timeout(10):
        while len(api.node.events) > before:  # noqa: ASYNC110 - the node runs in another loop
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("text", ["yesterday", "-1", "1.5", "9" * 20, str(2**63)])
async def test_an_event_id_that_never_was(api: Client, text: str) -> None:
    answer = await api.http.get("/api/v1/events", headers={"Last-Event-ID": text})
    assert answer.status_code == 422
    assert answer.json()["code"] in ("event_id_invalid", "invalid")


async def test_a_filter_that_the_stream_does_not_know(api: Client) -> None:
    await api.problem("GET", "/events", 422, "invalid", params={"kind": "x"})
    await api.problem("GET", "/events", 422, "invalid", params={"type": ["x"] * 51})


async def test_who_is_limited_to_sites_hears_of_nothing_else(api: Client) -> None:
    inside, outside = await api.station(site_id="here"), await api.station(site_id="there")
    async with (
        with_role(api, "viewer", site_ids=["here"]) as limited,
        stream(limited) as events,
        connected(api, outside),
        connected(api, inside),
    ):
        heard = await events.next()
    assert heard["station_id"] == inside
    async with (
        with_role(api, "viewer", site_ids=["nowhere"]) as limited,
        stream(limited, last_event_id="0") as events,
        connected(api, outside),
    ):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(events.next(), 0.3)


async def test_measured_values_and_jobs_are_told_in_the_words_of_the_api(api: Client) -> None:
    async with stream(api, type=["meter.sampled", "job.changed"]) as events, connected(api) as station:
        sample = {"timestamp": "2025-03-01T12:00:00Z", "sampledValue": [{"value": "7"}]}
        await station.call("MeterValues", {"connectorId": 1, "meterValue": [sample]})
        measured = await events.next()
        asked = asyncio.create_task(api.post(f"/stations/{station.identity}/commands/ClearCache", {}, 200))
        await station.obey("ClearCache", {"status": "Accepted"})
        await asked
        job = await events.next()
    assert measured["data"]["sampled_at"] == "2025-03-01T12:00:00.000Z"
    assert measured["data"]["samples"][0]["raw"] == "7"
    assert job["data"]["payload"] == {}
    assert job["data"]["queued_at"].endswith("Z")


async def test_a_long_job_tells_how_far_it_is(api: Client) -> None:
    made = await api.ask("POST", "/firmware/upload", 201, content=b"image", params={"version": "2.0"})
    async with stream(api, type=["job.changed"]) as events, connected(api) as station:
        body = {"firmware_id": made["id"]}
        asked = asyncio.create_task(api.post(f"/stations/{station.identity}/firmware-updates", body, 200))
        await station.obey("UpdateFirmware", {})
        await asked
        told: list[tuple[str, str | None]] = []
        words = ["Downloading", "Downloaded", "Installing", "Installed"]
        for word in words:
            await station.call("FirmwareStatusNotification", {"status": word})
        while not told or told[-1][0] != "done":
            data = (await events.next())["data"]
            told.append((data["state"], (data["progress"] or {}).get("transfer_status")))
    assert [word for _, word in told if word is not None] == words
    assert told[-2:] == [("waiting", "Installing"), ("done", "Installed")]


async def test_what_becomes_of_profiles_lists_reservations_and_forgotten_transactions_is_told(api: Client) -> None:
    types = ["charging_profiles.changed", "local_list.changed", "reservation.changed", "transaction.tidied"]
    async with AsyncExitStack() as stack:
        streams = {each: await stack.enter_async_context(stream(api, type=[each])) for each in types}
        station = await stack.enter_async_context(connected(api))
        path = f"/stations/{station.identity}"
        start = {"connectorId": 1, "idTag": "X", "meterStart": 0, "timestamp": "2025-03-01T12:00:00Z"}
        await station.call("StartTransaction", start)
        profile = {"connector_id": 1, "preset": "tx_default"}
        reservation = {
            "station_id": station.identity,
            "connector_id": 2,
            "id_tag": "X",
            "expires_at": "2099-01-01T00:00Z",
        }
        for where, body, action in (
            (f"{path}/charging-profiles", profile, "SetChargingProfile"),
            (f"{path}/local-list/synchronise", {"full": True}, "SendLocalList"),
            ("/reservations", reservation, "ReserveNow"),
        ):
            asked = asyncio.create_task(api.post(where, body, 200))
            await station.obey(action, {"status": "Accepted"})
            await asked
        await api.post(f"{path}/clean-up", {}, 200)
        told = {each: (await events.next())["data"] for each, events in streams.items()}
    assert told["charging_profiles.changed"]["cause"] == "installed"
    assert told["local_list.changed"]["list"]["state"] == "syncing"
    assert told["reservation.changed"]["reservation"]["state"] == "active"
    assert (told["transaction.tidied"]["what"], told["transaction.tidied"]["reason"]) == ("closed", "operator")


class PastThatHappensNow:
    """A storage in which an event is found that is being told at this very moment."""

    def __init__(self, hub: EventHub) -> None:
        self._hub = hub

    async def after(self, event_id: int, _organisations: object, _limit: int) -> list[StoredEvent]:
        stored = [
            StoredEvent(id=number, organisation_id="o", station_id="CP", type="x.y", received_at=number, data={})
            for number in (7, 8)
            if number > event_id
        ]
        self._hub.tell("o", [event_of(each) for each in stored])
        return stored


async def test_an_event_that_is_past_and_present_at_once_is_told_once() -> None:
    hub = EventHub(client_limit=1, queue_limit=10)
    context: Any = SimpleNamespace(
        storage=SimpleNamespace(events=PastThatHappensNow(hub)), settings=SimpleNamespace(event_heartbeat_s=0.01)
    )
    everything = EventFilter()
    with hub.connect("o", everything) as client:
        told = tell_stream(context, client, everything, 6)
        parts = [await anext(told) for _ in range(3)]
        hub.tell("o", [event(9)])
        parts += [await anext(told) for _ in range(2)]
        await told.aclose()
    ids = [part.split(b"\n")[0] for part in parts if part.startswith(b"id: ")]
    assert ids == [b"id: 7", b"id: 8", b"id: 9"]
    assert parts[-1] == b": still here\n\n"


# The hub alone.


def event(number: int, type: str = "x.y", station_id: str = "CP") -> Event:
    return Event(id=number, type=type, station_id=station_id, body=b"{}")


async def test_a_client_that_does_not_keep_up_is_dropped_and_the_others_go_on() -> None:
    hub = EventHub(client_limit=2, queue_limit=3)
    with hub.connect("o", EventFilter()) as quick:
        slow_one = hub.connect("o", EventFilter())
        slow = slow_one.__enter__()
        for number in range(5):
            hub.tell("o", [event(number)])
            told = await quick.next(1)
            assert told is not None
            assert told.id == number
        with pytest.raises(TooSlow) as reason:
            await slow.next(1)
        assert not slow_one.__exit__(TooSlow, reason.value, None)
        assert (hub.dropped, len(hub)) == (1, 1)


async def test_there_are_no_more_clients_than_the_limit() -> None:
    hub = EventHub(client_limit=1, queue_limit=3)
    with hub.connect("o", EventFilter()), pytest.raises(TooManyClients):
        hub.connect("o", EventFilter()).__enter__()
    with hub.connect("o", EventFilter()):
        pass


async def test_a_hub_that_is_closed_ends_its_streams() -> None:
    hub = EventHub(client_limit=1, queue_limit=3)
    with hub.connect("o", EventFilter()) as client:
        hub.tell("o", [event(1)])
        hub.close()
        with pytest.raises(HubClosed):
            await client.next(1)
    with pytest.raises(HubClosed):
        hub.connect("o", EventFilter()).__enter__()


async def test_quiet_is_told_as_nothing() -> None:
    hub = EventHub(client_limit=1, queue_limit=3)
    with hub.connect("o", EventFilter()) as client:
        assert await client.next(0.01) is None
        hub.tell("another", [event(1)])
        assert await client.next(0.01) is None


@pytest.mark.parametrize(
    "types, stations, expected",
    [
        ([], [], True),
        (["x.y"], [], True),
        (["x."], [], True),
        (["y."], [], False),
        (["x"], [], False),
        ([], ["CP"], True),
        ([], ["CQ"], False),
        (["x.y"], ["CQ"], False),
        (["y", "x."], ["CQ", "CP"], True),
    ],
)
def test_filters(types: list[str], stations: list[str], expected: bool) -> None:
    assert EventFilter(types, stations).wants("x.y", "CP") is expected
