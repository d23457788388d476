"""Stations through the API: registered, changed, accepted at the door, refused and why."""

import pytest

from stationmaster.conformance.errors import HandshakeRefused
from stationmaster.conformance.station import ScriptedStation
from tests.api.conftest import PASSWORD, Client, connected, eventually, new_id


async def test_a_station_is_registered_read_changed_and_forgotten(api: Client) -> None:
    cp7 = new_id("CP7")
    made = await api.post("/stations", {"id": cp7, "name": "Car park, left", "serial_number": "A-1"})
    assert (made["id"], made["name"], made["security_profile"], made["connected"]) == (cp7, "Car park, left", 1, False)
    assert made["password"], "one is made where the profile needs one"
    read = await api.get(f"/stations/{cp7}")
    assert "password" not in read
    assert read["has_password"]
    assert read["created_at"].endswith("Z")
    changed = await api.patch(f"/stations/{cp7}", {"name": None, "note": "two lines\nof text", "strict": True})
    assert (changed["name"], changed["note"], changed["strict"]) == (None, "two lines\nof text", True)
    assert changed["serial_number"] == "A-1", "what is left out stays"
    assert changed["password"] is None
    await api.delete(f"/stations/{cp7}")
    await api.problem("GET", f"/stations/{cp7}", 404, "station_unknown")
    await api.problem("DELETE", f"/stations/{cp7}", 404, "station_unknown")


async def test_registering_tells_where_the_station_is(api: Client) -> None:
    answer = await api.http.post("/api/v1/stations", json={"id": new_id("a b|c%Ę")})
    assert answer.status_code == 201
    assert (await api.http.get(answer.headers["location"])).json()["id"].startswith("a b|c%Ę")


async def test_a_second_station_of_the_name_is_refused_in_any_case(api: Client) -> None:
    cp7 = new_id("CP7")
    await api.post("/stations", {"id": cp7})
    problem = await api.problem("POST", "/stations", 409, "station_exists", json={"id": cp7.lower()})
    assert cp7.lower() in problem["detail"]


async def test_a_new_password_replaces_the_old_one(api: Client) -> None:
    cp7 = await api.station()
    renewed = await api.post(f"/stations/{cp7}/password", expected=200)
    url = api.node.ocpp_url("127.0.0.1")
    with pytest.raises(HandshakeRefused):
        await ScriptedStation(url, cp7, password=PASSWORD).connect()
    async with ScriptedStation(url, cp7, password=bytes.fromhex(renewed["password"])):
        pass


async def test_an_unknown_station_is_seen_at_the_door_and_accepted(api: Client) -> None:
    url, new = api.node.ocpp_url("127.0.0.1"), new_id("NEW")
    with pytest.raises(HandshakeRefused):
        await ScriptedStation(url, new, password=PASSWORD).connect()
    (refusal,) = (await eventually(lambda: _refusals(api, new)))["items"]
    assert (refusal["known"], refusal["status"], refusal["reason"]) == (False, 404, "unknown_station")
    assert "Accept it" in refusal["detail"]
    accepted = await api.post(f"/stations/{new}/accept", {"password": PASSWORD}, expected=200)
    assert accepted["operator_state"] == "Accepted"
    async with connected(api, new):
        assert (await api.get(f"/stations/{new}"))["connected"]


async def test_a_wrong_password_is_told_with_its_reason(api: Client) -> None:
    station_id = await api.station()
    with pytest.raises(HandshakeRefused):
        await ScriptedStation(api.node.ocpp_url("127.0.0.1"), station_id, password="wrong" * 5).connect()
    (refusal,) = (await eventually(lambda: _refusals(api, station_id)))["items"]
    assert (refusal["known"], refusal["reason"], refusal["count"]) == (True, "password_wrong", 1)


async def _refusals(api: Client, station_id: str) -> object:
    page = await api.get("/refused-handshakes", station_id=station_id)
    return page if page["items"] else None


async def test_a_pending_station_is_accepted(api: Client) -> None:
    await api.station()
    station_id = await api.station(operator_state="Pending")
    assert (await api.post(f"/stations/{station_id}/accept", expected=200))["operator_state"] == "Accepted"


async def test_stations_are_listed_filtered_and_paged(api: Client) -> None:
    ids = [new_id("S") for _ in range(5)]
    for number, station_id in enumerate(ids):
        state = "Pending" if number == 3 else "Accepted"
        await api.post("/stations", {"id": station_id, "operator_state": state, "name": f"Bay {number}"})
    assert [each["id"] for each in (await api.get("/stations"))["items"]] == ids
    pending = await api.get("/stations", operator_state="Pending")
    assert [each["id"] for each in pending["items"]] == [ids[3]]
    assert [each["id"] for each in (await api.get("/stations", search="bay 2"))["items"]] == [ids[2]]
    assert (await api.get("/stations", connected="true"))["items"] == []
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await api.get("/stations", limit=2, **({"cursor": cursor} if cursor else {}))
        assert len(page["items"]) <= 2
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids


async def test_connectors_and_oddities_of_a_station(api: Client) -> None:
    async with connected(api) as station:
        await station.call("StatusNotification", {"connectorId": 0, "errorCode": "NoError", "status": "Available"})
        await station.call("StatusNotification", {"connectorId": 2, "errorCode": "GroundFailure", "status": "Faulted"})
        connectors = (await api.get(f"/stations/{station.identity}/connectors"))["items"]
        assert [(each["connector_id"], each["evse_id"], each["status"]) for each in connectors] == [
            (0, None, "Available"),
            (2, 2, "Faulted"),
        ]
        assert (await api.get(f"/stations/{station.identity}/oddities"))["items"] == []
        assert (await api.get(f"/stations/{station.identity}/configuration"))["items"] == []
    await api.problem("GET", "/stations/NOBODY/connectors", 404, "station_unknown")
    await api.problem("GET", "/stations/NOBODY/oddities", 404, "station_unknown")
    await api.problem("GET", "/stations/NOBODY/configuration", 404, "station_unknown")


@pytest.mark.parametrize(
    "body, field, message",
    [
        ({}, "id", "is missing"),
        ({"id": ""}, "id", "is shorter than 1 character"),
        ({"id": 7}, "id", "is not text"),
        ({"id": "a" * 256}, "id", "is longer than 255 characters"),
        ({"id": "a\0b"}, "id", "holds characters that are not allowed here"),
        ({"id": "a:b"}, "id", "An identity cannot hold `:`: a colon ends the user name in Basic authentication."),
        ({"id": "a/b"}, "id", "An identity cannot hold `/`: a slash ends the part of the URL that holds the identity."),
        ({"id": ".."}, "id", "`.` and `..` mean folders in a URL."),
        ({"id": "x", "colour": "red"}, "colour", "is not known here"),
        ({"id": "x", "security_profile": 4}, "security_profile", "is more than 3"),
        ({"id": "x", "security_profile": "1"}, "security_profile", "is not a whole number"),
        ({"id": "x", "operator_state": "Perhaps"}, "operator_state", "is none of 'Accepted', 'Pending' or 'Rejected'"),
        ({"id": "x", "latitude": 91}, "latitude", "is more than 90"),
        ({"id": "x", "strict": "yes"}, "strict", "is neither true nor false"),
        ({"id": "x", "note": "a" * 2001}, "note", "is longer than 2000 characters"),
        (
            {"id": "x", "password": "short"},
            "password",
            "A password has at least 16 bytes: as many characters, or twice as many hexadecimal digits.",
        ),
    ],
)
async def test_a_bad_station_is_refused_by_the_field(
    api: Client, body: dict[str, object], field: str, message: str
) -> None:
    answer = await api.http.post("/api/v1/stations", json=body)
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["errors"]
    assert (fault["field"], fault["message"]) == (field, message)
    assert (await api.get("/stations"))["items"] == []
