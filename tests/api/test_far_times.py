"""Times at the ends of the calendar: what no text can tell is not taken, and what is stored already can be read."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from stationmaster.domain.facts import ConnectorStatusChanged, SecurityEventReported
from stationmaster.domain.locations import Location
from stationmaster.services.tokens import NewToken
from tests.api.conftest import Client, NodeThread, client_of, connected
from tests.api.test_events import stream
from tests.api.test_files import image, ordered

OUTSIDE = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:60Z"]
"""Each reads well, and lies before the year 1 or after 9999 in UTC."""
FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"
TOO_EARLY, TOO_LATE = -62_135_647_200_000_000, 253_402_351_199_000_000
"""What the first two of `OUTSIDE` are in UTC: earlier versions have stored them."""
UNREADABLE = "is not a point in time such as 2025-03-01T12:00:00Z"


@pytest.mark.parametrize("text", OUTSIDE)
async def test_a_station_whose_times_are_beyond_the_calendar_is_served_by_ours(api: Client, text: str) -> None:
    sample = {"timestamp": text, "sampledValue": [{"value": "10"}]}
    async with connected(api) as station:
        # As text: our own station says nothing that is beyond the calendar.
        async def says(action: str, **payload: Any) -> Any:
            answer = json.loads(await station.ask(json.dumps([2, action, action, payload])))
            assert answer[:2] == [3, action], answer
            return answer[2]

        await says("StatusNotification", connectorId=1, errorCode="NoError", status="Charging", timestamp=text)
        began = await says("StartTransaction", connectorId=1, idTag="T1", meterStart=0, timestamp=text)
        ocpp_id = began["transactionId"]
        await says("MeterValues", connectorId=1, transactionId=ocpp_id, meterValue=[sample])
        await says("StopTransaction", transactionId=ocpp_id, meterStop=10, timestamp=text, transactionData=[sample])
        await says("SecurityEventNotification", type="Test", timestamp=text)
        station.violations.clear()  # what was said raw is not expected to be answered
    identity = station.identity

    (transaction,) = (await api.get("/transactions", station_id=identity))["items"]
    assert "time_unreadable" in transaction["flags"]
    for name in ("started_at", "stopped_at"):
        assert FIRST < transaction[name] < LAST
    assert (await api.get(f"/transactions/{transaction['id']}/meter-values"))["items"]
    assert (await api.get(f"/stations/{identity}/connectors"))["items"]
    assert (await api.get("/security-events", station_id=identity))["items"]
    types = [each["type"] for each in (await api.get("/past-events", station_id=identity))["items"]]
    assert {"connector.status", "transaction.started", "transaction.ended", "security.event"} <= set(types)


@pytest.fixture
async def known(node_thread: NodeThread) -> AsyncIterator[tuple[Client, str]]:
    """A client, and its organisation."""
    organisation_id, key = node_thread.new_organisation()
    async with client_of(node_thread.node, key) as client:
        yield client, organisation_id


async def test_what_is_stored_already_is_told_as_the_end_of_the_calendar(
    known: tuple[Client, str], node_thread: NodeThread
) -> None:
    api, organisation_id = known
    station_id = await api.station()
    ours: Any = {"organisation_id": organisation_id, "station_id": station_id}
    now = node_thread.node.storage.clock()
    place = Location.of_connector_number(station_id, 1)
    told: Any = {"status": "Available", "error_code": "NoError", "received_at": now}
    security: Any = {"type": "Test", "technical_info": None, "critical": False, "received_at": now}
    facts = [
        ConnectorStatusChanged(location=place, reported_at=TOO_EARLY, **told, **ours),
        SecurityEventReported(occurred_at=TOO_LATE, **security, **ours),
    ]
    async with stream(api, station_id=station_id) as live:
        node_thread.do(node_thread.node.storage.record(facts))
        seen = [await live.next(), await live.next()]
    assert seen[0]["data"]["reported_at"] == "0001-01-01T00:00:00.000Z"
    assert seen[1]["data"]["occurred_at"] == LAST
    async with stream(api, station_id=station_id, last_event_id="0") as missed:
        assert [(await missed.until(each["type"]))["id"] for each in seen] == [each["id"] for each in seen]
    past = (await api.get("/past-events", station_id=station_id, type=["connector.status", "security.event"]))["items"]
    assert past[::-1] == seen
    (connector,) = (await api.get(f"/stations/{station_id}/connectors"))["items"]
    assert connector["reported_at"] == "0001-01-01T00:00:00.000Z"
    (event,) = (await api.get("/security-events", station_id=station_id))["items"]
    assert event["occurred_at"] == LAST


async def test_a_token_that_is_stored_already_lasts_to_the_end_of_the_calendar(
    known: tuple[Client, str], node_thread: NodeThread
) -> None:
    api, organisation_id = known
    new = NewToken(value="FOREVER", expires_at=TOO_LATE)
    node_thread.do(node_thread.node.services.tokens.create(organisation_id, new))
    (token,) = (await api.get("/tokens"))["items"]
    assert token["expires_at"] == LAST
    async with connected(api) as station:
        info = (await station.call("Authorize", {"idTag": "FOREVER"}))["idTagInfo"]
    assert info == {"status": "Accepted", "expiryDate": LAST}


@pytest.mark.parametrize("text", OUTSIDE)
async def test_a_person_is_told_that_a_time_is_beyond_the_calendar(api: Client, text: str) -> None:
    station = f"/stations/{await api.station()}"
    token = await api.post("/tokens", {"id_tag": "KEPT"})
    reservation = {"station_id": station.removeprefix("/stations/"), "id_tag": "KEPT", "expires_at": text}
    update = {"kind": "plain", "location": "https://files.example/new.bin", "retrieve_at": text}
    for method, path, field, body in (
        ("POST", "/tokens", "expires_at", {"id_tag": "X", "expires_at": text}),
        ("PATCH", f"/tokens/{token['id']}", "expires_at", {"expires_at": text}),
        ("POST", "/api-keys", "expires_at", {"name": "k", "role": "viewer", "expires_at": text}),
        ("POST", "/reservations", "expires_at", reservation),
        ("POST", f"{station}/firmware-updates", "retrieve_at", update),
    ):
        problem = await api.problem(method, path, 422, "invalid", json=body)
        assert (field, UNREADABLE) in [(each["field"], each["message"]) for each in problem["errors"]]
    assert [each["id_tag"] for each in (await api.get("/tokens"))["items"]] == ["KEPT"]
    command = {"connectorId": 1, "idTag": "KEPT", "reservationId": 1, "expiryDate": text}
    await api.problem("POST", f"{station}/commands/ReserveNow", 422, "payload_invalid", json=command)


LISTS = (
    *("/alerts", "/audit", "/jobs", "/messages", "/past-events", "/reservations", "/security-events"),
    *("/transactions", "/transfers", "/vendor-messages", "/sites/ends/decisions"),
)


async def test_lists_reach_from_one_end_of_the_calendar_to_the_other(api: Client) -> None:
    """Ids of rows hold the time in fewer bits than the calendar has: the ends must not overflow them."""
    await api.post("/sites", {"id": "ends", "name": "ends"})
    identity = await api.station()
    async with connected(api, identity):
        pass
    for path in (*LISTS, f"/stations/{identity}/meter-values"):
        for query in ({"since": FIRST, "until": LAST}, {"since": LAST}, {"until": FIRST}):
            answer = await api.http.get(f"/api/v1{path}", params=query)
            assert answer.status_code == 200, f"{path} {query}: {answer.text}"
    assert (await api.get("/past-events", station_id=identity, since=FIRST, until=LAST))["items"]
    assert not (await api.get("/past-events", station_id=identity, since=LAST))["items"]
    assert not (await api.get("/past-events", station_id=identity, until=FIRST))["items"]


async def test_the_day_before_the_first_day_is_cut_short(api: Client) -> None:
    await api.post("/sites", {"id": "first", "name": "first"})
    history = await api.get("/sites/first/load/history", until=FIRST)
    assert (history["since"], history["until"]) == ("0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z")
    assert (await api.get("/sites/first/load/history", until=LAST))["until"] == LAST


async def test_no_wait_reaches_beyond_the_calendar(api: Client) -> None:
    async with connected(api) as station:
        body = {"location": "https://files.example/new.bin", "kind": "plain", "retrieve_at": LAST}
        payload, job = await ordered(api, station, "UpdateFirmware", "firmware-updates", {}, body)
        assert payload["retrieveDate"] == LAST
        assert job["state"] == "waiting"
        assert job["progress"]["awaits"]["until"] == LAST
        firmware = await image(api)
        campaign = {"name": "late", "firmware_id": firmware["id"], "starts_at": LAST}
        assert (await api.post("/firmware-campaigns", campaign))["ends_at"] == LAST
        composite = f"/stations/{station.identity}/connectors/1/composite-schedule"
        for start in (FIRST, LAST):
            schedule = await api.get(composite, start=start, duration_s=86_400)
            assert schedule["start"].startswith(start[:19])


async def test_local_time_before_the_first_day_is_told_as_the_first_day(api: Client) -> None:
    """A station in an odd zone whose clock starts at .NET's least moment."""
    profile = await api.post("/quirk-profiles", {"name": "ahead", "timestamps_are_local": 60})
    identity = await api.station(quirk_profile_id=profile["id"])
    async with connected(api, identity) as station:
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Charging", "timestamp": "0001-01-01T00:00:00"}
        await station.call("StatusNotification", status)
    (connector,) = (await api.get(f"/stations/{identity}/connectors"))["items"]
    assert connector["reported_at"] == "0001-01-01T00:00:00.000Z"
