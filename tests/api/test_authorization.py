"""Tokens through the API, and the tokens that nobody registered."""

import pytest

from tests.api.conftest import Client, connected, eventually


async def test_a_token_is_registered_read_changed_and_forgotten(api: Client) -> None:
    made = await api.post(
        "/tokens", {"id_tag": "04A1B2C3", "parent_id_tag": "FAMILY", "expires_at": "2031-01-01T00:00:00+01:00"}
    )
    assert (made["id_tag"], made["status"], made["parent_id_tag"]) == ("04A1B2C3", "Accepted", "FAMILY")
    assert made["expires_at"] == "2030-12-31T23:00:00.000Z"
    assert made["max_active_transactions"] is None
    changed = await api.patch(f"/tokens/{made['id']}", {"status": "Blocked", "expires_at": None})
    assert (changed["status"], changed["expires_at"], changed["parent_id_tag"]) == ("Blocked", None, "FAMILY")
    assert await api.get(f"/tokens/{made['id']}") == changed
    await api.delete(f"/tokens/{made['id']}")
    await api.problem("GET", f"/tokens/{made['id']}", 404, "token_unknown")
    await api.problem("PATCH", f"/tokens/{made['id']}", 404, "token_unknown", json={})


async def test_a_token_exists_once_in_any_case(api: Client) -> None:
    await api.post("/tokens", {"id_tag": "AbC"})
    problem = await api.problem("POST", "/tokens", 409, "token_exists", json={"id_tag": "aBc"})
    assert "aBc" in problem["detail"]


async def test_tokens_are_filtered(api: Client) -> None:
    for tag, status in (("ONE", "Accepted"), ("TWO", "Blocked"), ("THREE", "Accepted")):
        await api.post("/tokens", {"id_tag": tag, "status": status, "name": f"name of {tag}"})
    assert [each["id_tag"] for each in (await api.get("/tokens"))["items"]] == ["THREE", "TWO", "ONE"]
    assert [each["id_tag"] for each in (await api.get("/tokens", status="Blocked"))["items"]] == ["TWO"]
    assert [each["id_tag"] for each in (await api.get("/tokens", id_tag="three"))["items"]] == ["THREE"]
    assert [each["id_tag"] for each in (await api.get("/tokens", search="of one"))["items"]] == ["ONE"]


async def test_a_change_of_a_token_counts_at_the_station_at_once(api: Client) -> None:
    token = await api.post("/tokens", {"id_tag": "CHANGING"})
    async with connected(api) as station:

        async def authorized() -> str:
            return str((await station.call("Authorize", {"idTag": "CHANGING"}))["idTagInfo"]["status"])

        assert await authorized() == "Accepted"
        await api.patch(f"/tokens/{token['id']}", {"status": "Blocked"})
        assert await authorized() == "Blocked"
        await api.delete(f"/tokens/{token['id']}")
        assert await authorized() == "Invalid"


async def test_a_token_that_nobody_registered_is_seen(api: Client) -> None:
    async with connected(api) as station:
        await station.call("Authorize", {"idTag": "STRANGER"})
        await station.call("Authorize", {"idTag": "stranger"})

        async def seen() -> object:
            items = (await api.get("/unknown-tokens", search="range"))["items"]
            return items if items and items[0]["count"] == 2 else None

        (item,) = await eventually(seen)
        assert (item["station_id"], item["seen_in"]) == (station.identity, "authorize")


@pytest.mark.parametrize(
    "body, field, message",
    [
        ({}, "id_tag", "is missing"),
        ({"id_tag": " "}, "id_tag", "`id_tag` is required."),
        ({"id_tag": "x" * 256}, "id_tag", "is longer than 255 characters"),
        ({"id_tag": "x", "status": "Lost"}, "status", "is none of 'Accepted' or 'Blocked'"),
        ({"id_tag": "x", "expires_at": "soon"}, "expires_at", "is not a point in time such as 2025-03-01T12:00:00Z"),
        ({"id_tag": "x", "expires_at": 5}, "expires_at", "is not a point in time such as 2025-03-01T12:00:00Z"),
        ({"id_tag": "x", "max_active_transactions": 0}, "max_active_transactions", "is less than 1"),
        ({"id_tag": "x", "max_active_transactions": 1.5}, "max_active_transactions", "is not a whole number"),
        ({"id_tag": "x", "max_active_transactions": True}, "max_active_transactions", "is not a whole number"),
        ({"id_tag": "x", "max_active_transactions": 2**70}, "max_active_transactions", "is more than 10000"),
        ({"id_tag": "x", "idTag": "y"}, "idTag", "is not known here"),
    ],
)
async def test_a_bad_token_is_refused_by_the_field(
    api: Client, body: dict[str, object], field: str, message: str
) -> None:
    answer = await api.http.post("/api/v1/tokens", json=body)
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["errors"]
    assert (fault["field"], fault["message"]) == (field, message)
    assert (await api.get("/tokens"))["items"] == []


async def test_a_change_that_takes_away_what_must_be_is_refused(api: Client) -> None:
    token = await api.post("/tokens", {"id_tag": "X"})
    problem = await api.problem("PATCH", f"/tokens/{token['id']}", 422, "field_invalid", json={"status": None})
    assert problem["errors"][0]["field"] == "status"


@pytest.mark.parametrize("token_id", ["0", "-1", "x", str(2**63), "1.5"])
async def test_a_number_that_no_token_can_have(api: Client, token_id: str) -> None:
    await api.problem("GET", f"/tokens/{token_id}", 422, "invalid")
